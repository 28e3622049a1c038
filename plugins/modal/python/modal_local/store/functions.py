"""Functions and their definitions. A function is live while it points at the definition that was published last."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits
from modal_local.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modal_local.store.apps import LayoutEntry
    from modal_local.store.database import Database, SqlValue


@dataclass(frozen=True)
class FunctionRow:
    """A function of an app. ``definition_id`` is None until it is published and after it was removed."""

    function_id: str
    app_id: str
    name: str
    definition_id: str | None


def _function(row: tuple[SqlValue, ...]) -> FunctionRow:
    function_id, app_id, name, definition_id = row
    return FunctionRow(str(function_id), str(app_id), str(name), None if definition_id is None else str(definition_id))


class FunctionStore:
    """Reads and writes functions."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def get(self, function_id: str) -> FunctionRow | None:
        """Return the function with this id."""
        row = self._database.row(
            "SELECT function_id, app_id, name, definition_id FROM functions WHERE function_id=?", (function_id,)
        )
        return _function(row) if row else None

    def named(self, app_id: str, name: str) -> FunctionRow | None:
        """Return the app's function of this name, live or not, preferring the live one."""
        row = self._database.row(
            "SELECT function_id, app_id, name, definition_id FROM functions WHERE app_id=? AND name=?"
            " ORDER BY definition_id IS NULL LIMIT 1",
            (app_id, name),
        )
        return _function(row) if row else None

    def live(self, app_id: str) -> list[FunctionRow]:
        """Return the functions in the app's layout, by name."""
        rows = self._database.rows(
            "SELECT function_id, app_id, name, definition_id FROM functions"
            " WHERE app_id=? AND definition_id IS NOT NULL ORDER BY name",
            (app_id,),
        )
        return [_function(row) for row in rows]

    def ensure(self, app_id: str, name: str, existing_id: str) -> FunctionRow:
        """Return the function that a deploy means, adding it (not live) where needed."""
        if existing_id:
            existing = self.get(existing_id)
            if existing is not None and existing.app_id == app_id:
                return existing
        known = self.named(app_id, name)
        if known is not None:
            return known
        function_id = new_id("fu")
        self._database.execute(
            "INSERT INTO functions (function_id, app_id, name, created_at) VALUES (?,?,?,?)",
            (function_id, app_id, name, time.time()),
        )
        return FunctionRow(function_id, app_id, name, None)

    def define(self, function_id: str, definition: api_pb2.Function) -> str:
        """Store a definition and return its id; the live definition's id when nothing changed."""
        content = definition.SerializeToString(deterministic=True)
        current = self.get(function_id)
        if current is not None and current.definition_id is not None:
            live = self._database.row(
                "SELECT function FROM definitions WHERE definition_id=?", (current.definition_id,)
            )
            if live is not None and live[0] == content:
                return current.definition_id
        definition_id = new_id("de")
        self._database.execute(
            "INSERT INTO definitions (definition_id, function_id, function, created_at) VALUES (?,?,?,?)",
            (definition_id, function_id, content, time.time()),
        )
        return definition_id

    def latest_definition(self, function_id: str) -> str | None:
        """Return the id of the definition stored last."""
        row = self._database.row(
            "SELECT definition_id FROM definitions WHERE function_id=? ORDER BY created_at DESC LIMIT 1",
            (function_id,),
        )
        return str(row[0]) if row else None

    def definition(self, definition_id: str) -> api_pb2.Function | None:
        """Return a stored definition."""
        row = self._database.row("SELECT function FROM definitions WHERE definition_id=?", (definition_id,))
        if row is None or not isinstance(row[0], bytes):
            return None
        found: api_pb2.Function = api_pb2.Function.FromString(row[0])
        return found

    def set_layout(self, app_id: str, layout: Mapping[str, LayoutEntry]) -> None:
        """Make exactly the functions of ``layout`` live."""
        with self._database.transaction():
            self._database.execute("UPDATE functions SET definition_id=NULL WHERE app_id=?", (app_id,))
            for name, entry in layout.items():
                self._database.execute(
                    "UPDATE functions SET definition_id=?, name=? WHERE function_id=? AND app_id=?",
                    (entry.definition_id, name, entry.function_id, app_id),
                )

    def owner_of_definition(self, definition_id: str) -> str | None:
        """Return the id of the function that a definition belongs to."""
        row = self._database.row("SELECT function_id FROM definitions WHERE definition_id=?", (definition_id,))
        return str(row[0]) if row else None

    def forget_unused(self, app_id: str, kept_definitions: set[str]) -> None:
        """Remove definitions outside ``kept_definitions`` and functions that have none left.

        What is young is spared: another deploy of the app may be about to publish it.
        """
        horizon = time.time() - limits.UNPUBLISHED_LIFETIME
        with self._database.transaction():
            rows = self._database.rows(
                "SELECT d.definition_id FROM definitions d JOIN functions f USING (function_id)"
                " WHERE f.app_id=? AND d.created_at<?",
                (app_id, horizon),
            )
            for (definition_id,) in rows:
                if str(definition_id) not in kept_definitions:
                    self._database.execute("DELETE FROM definitions WHERE definition_id=?", (definition_id,))
            self._database.execute(
                "DELETE FROM functions WHERE app_id=? AND definition_id IS NULL AND created_at<?"
                " AND function_id NOT IN (SELECT function_id FROM definitions)",
                (app_id, horizon),
            )
