"""Apps and the versions that were published of them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from modal_proto import api_pb2

from modal_local import limits
from modal_local.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modal_local.store.database import Database, SqlValue

RUNNING_STATES = (
    api_pb2.APP_STATE_DEPLOYED,
    api_pb2.APP_STATE_EPHEMERAL,
    api_pb2.APP_STATE_DETACHED,
)
"""States in which functions of an app may be called."""

_COLUMNS = "app_id, environment, name, state, version, tags, created_at, deployed_at, stopped_at, seen_at"


@dataclass(frozen=True)
class App:
    """One row of ``apps``. Times are Unix seconds, 0 for never."""

    app_id: str
    environment: str
    name: str
    state: api_pb2.AppState.ValueType
    version: int
    tags: Mapping[str, str]
    created_at: float
    deployed_at: float
    stopped_at: float
    seen_at: float

    @property
    def running(self) -> bool:
        """Whether functions may be called."""
        return self.state in RUNNING_STATES


@dataclass(frozen=True)
class LayoutEntry:
    """A function in a layout and the definition that it had."""

    function_id: str
    definition_id: str


@dataclass(frozen=True)
class Version:
    """One published version of an app."""

    version: int
    deployed_at: float
    layout: Mapping[str, LayoutEntry]
    tag: str = ""
    client_version: str = ""
    commit_info: api_pb2.CommitInfo | None = field(default=None, compare=False)
    rollback_version: int = 0


def _app(row: tuple[SqlValue, ...]) -> App:
    app_id, environment, name, state, version, tags, created, deployed, stopped, seen = row
    return App(
        app_id=str(app_id),
        environment=str(environment),
        name=str(name),
        state=cast("api_pb2.AppState.ValueType", state),
        version=cast("int", version),
        tags=cast("dict[str, str]", json.loads(str(tags))),
        created_at=cast("float", created),
        deployed_at=cast("float", deployed),
        stopped_at=cast("float", stopped),
        seen_at=cast("float", seen),
    )


class AppStore:
    """Reads and writes apps."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def create(self, environment: str, name: str, state: api_pb2.AppState.ValueType, tags: Mapping[str, str]) -> App:
        """Add an app under a fresh id."""
        now = time.time()
        app_id = new_id("ap")
        self._database.execute(
            "INSERT INTO apps (app_id, environment, name, state, tags, created_at, seen_at) VALUES (?,?,?,?,?,?,?)",
            (app_id, environment, name, int(state), json.dumps(dict(tags)), now, now),
        )
        found = self.get(app_id)
        assert found is not None
        return found

    def get(self, app_id: str) -> App | None:
        """Return the app with this id."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM apps WHERE app_id=?", (app_id,))
        return _app(row) if row else None

    def deployed(self, environment: str, name: str) -> App | None:
        """Return the deployed app of this name."""
        return self._by_name(environment, name, api_pb2.APP_STATE_DEPLOYED)

    def last_stopped(self, environment: str, name: str) -> App | None:
        """Return the app of this name that was stopped last."""
        return self._by_name(environment, name, api_pb2.APP_STATE_STOPPED)

    def _by_name(self, environment: str, name: str, state: api_pb2.AppState.ValueType) -> App | None:
        row = self._database.row(
            f"SELECT {_COLUMNS} FROM apps WHERE environment=? AND name=? AND state=?"
            " ORDER BY stopped_at DESC, created_at DESC LIMIT 1",
            (environment, name, int(state)),
        )
        return _app(row) if row else None

    def listed(self, environment: str | None = None) -> list[App]:
        """Return running apps and those that were stopped recently, newest first; never one that is half deployed."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM apps WHERE state<>? ORDER BY created_at DESC",
            (int(api_pb2.APP_STATE_INITIALIZING),),
        )
        apps = [_app(row) for row in rows]
        return [app for app in apps if environment is None or app.environment == environment]

    def set_state(self, app_id: str, state: api_pb2.AppState.ValueType) -> None:
        """Change the state; stopping records the time."""
        stopped_at = time.time() if state == api_pb2.APP_STATE_STOPPED else 0.0
        self._database.execute("UPDATE apps SET state=?, stopped_at=? WHERE app_id=?", (int(state), stopped_at, app_id))

    def set_tags(self, app_id: str, tags: Mapping[str, str]) -> None:
        """Replace the tags."""
        self._database.execute("UPDATE apps SET tags=? WHERE app_id=?", (json.dumps(dict(tags)), app_id))

    def touch(self, app_id: str) -> None:
        """Record a sign of life of the client that deploys or runs the app."""
        self._database.execute("UPDATE apps SET seen_at=? WHERE app_id=?", (time.time(), app_id))

    def publish(self, app: App, name: str, state: api_pb2.AppState.ValueType, version: Version) -> None:
        """Make ``version`` the app's current one and forget the oldest versions beyond the limit."""
        layout = {function: [entry.function_id, entry.definition_id] for function, entry in version.layout.items()}
        commit = version.commit_info.SerializeToString() if version.commit_info else None
        with self._database.transaction():
            self._database.execute(
                "UPDATE apps SET name=?, state=?, version=?, deployed_at=?, stopped_at=0 WHERE app_id=?",
                (name, int(state), version.version, version.deployed_at, app.app_id),
            )
            self._database.execute(
                "INSERT INTO app_versions (app_id, version, deployed_at, tag, client_version, commit_info,"
                " rollback_version, layout) VALUES (?,?,?,?,?,?,?,?)",
                (
                    app.app_id,
                    version.version,
                    version.deployed_at,
                    version.tag,
                    version.client_version,
                    commit,
                    version.rollback_version,
                    json.dumps(layout),
                ),
            )
            self._database.execute(
                "DELETE FROM app_versions WHERE app_id=? AND version<=?",
                (app.app_id, version.version - limits.MAX_VERSIONS_PER_APP),
            )

    def versions(self, app_id: str) -> list[Version]:
        """Return the versions kept, newest first."""
        rows = self._database.rows(
            "SELECT version, deployed_at, tag, client_version, commit_info, rollback_version, layout"
            " FROM app_versions WHERE app_id=? ORDER BY version DESC",
            (app_id,),
        )
        return [_version(row) for row in rows]

    def delete(self, app_id: str) -> None:
        """Remove an app with everything that hangs on it."""
        self._database.execute("DELETE FROM apps WHERE app_id=?", (app_id,))

    def reap(self, unpublished_before: float | None = None) -> list[str]:
        """Forget apps that were never published, and old stopped ones. Returns the ids of those forgotten.

        An unpublished app goes when its last sign of life lies before ``unpublished_before`` (Unix seconds; by
        default a minute ago).
        """
        now = time.time()
        horizon = now - limits.INITIALIZING_LIFETIME if unpublished_before is None else unpublished_before
        rows = self._database.rows(
            "SELECT app_id FROM apps WHERE (state=? AND seen_at<?) OR (state=? AND stopped_at<?)"
            " UNION SELECT * FROM (SELECT app_id FROM apps WHERE state=? ORDER BY stopped_at DESC LIMIT -1 OFFSET ?)",
            (
                int(api_pb2.APP_STATE_INITIALIZING),
                horizon,
                int(api_pb2.APP_STATE_STOPPED),
                now - limits.STOPPED_LIFETIME,
                int(api_pb2.APP_STATE_STOPPED),
                limits.MAX_STOPPED_APPS,
            ),
        )
        forgotten = [str(app_id) for (app_id,) in rows]
        for app_id in forgotten:
            self.delete(app_id)
        return forgotten

    def abandoned(self) -> list[App]:
        """Return apps of ``modal run`` whose client has not shown a sign of life for long."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM apps WHERE state=? AND seen_at<?",
            (int(api_pb2.APP_STATE_EPHEMERAL), time.time() - limits.INITIALIZING_LIFETIME),
        )
        return [_app(row) for row in rows]


def _version(row: tuple[SqlValue, ...]) -> Version:
    version, deployed_at, tag, client_version, commit, rollback_version, layout = row
    entries = cast("dict[str, list[str]]", json.loads(str(layout)))
    return Version(
        version=cast("int", version),
        deployed_at=cast("float", deployed_at),
        layout={name: LayoutEntry(function, definition) for name, (function, definition) in entries.items()},
        tag=str(tag),
        client_version=str(client_version),
        commit_info=api_pb2.CommitInfo.FromString(commit) if isinstance(commit, bytes) else None,
        rollback_version=cast("int", rollback_version),
    )
