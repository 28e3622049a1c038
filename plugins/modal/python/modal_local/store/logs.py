"""Output of containers: bounded, searchable, followed by streams."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from modal_local import limits
from modal_local.waiting import Bell

if TYPE_CHECKING:
    from modal_proto import api_pb2

    from modal_local.store.database import Database, SqlValue

_log = logging.getLogger(__name__)
_COLUMNS = "entry, app_id, function_id, task_id, call_id, input_id, descriptor, written_at, text"
_TRIM_EVERY = 500


@dataclass(frozen=True)
class LogLine:
    """One line of output, or the last part of one without a line feed."""

    app_id: str
    function_id: str
    task_id: str
    call_id: str
    input_id: str
    descriptor: api_pb2.FileDescriptor.ValueType
    written_at: float
    text: str
    entry: int = 0


@dataclass(frozen=True)
class LogQuery:
    """What a client wants to see. Empty strings and zeros mean everything."""

    app_id: str
    function_id: str = ""
    call_id: str = ""
    task_id: str = ""
    descriptor: int = 0
    search_text: str = ""
    since: float = 0.0
    until: float = 0.0
    after_entry: int = 0


class LogStore:
    """Collects lines in memory and writes them in batches; readers see them after at most a fraction of a second."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database
        self._pending: list[LogLine] = []
        self._written = 0
        self._task: asyncio.Task[None] | None = None
        self.bell = Bell()
        """Rung whenever lines were written."""

    def add(self, line: LogLine) -> None:
        """Take a line; needs a running event loop."""
        self._pending.append(line)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._flush_later())

    async def _flush_later(self) -> None:
        await asyncio.sleep(limits.LOG_FLUSH_INTERVAL)
        self.flush()

    def flush(self) -> None:
        """Write what was collected."""
        lines, self._pending = self._pending, []
        if not lines:
            return
        rows: list[tuple[SqlValue, ...]] = [
            (
                line.app_id,
                line.function_id,
                line.task_id,
                line.call_id,
                line.input_id,
                int(line.descriptor),
                line.written_at,
                line.text,
            )
            for line in lines
        ]
        with self._database.transaction():
            self._database.execute_many(
                "INSERT INTO logs (app_id, function_id, task_id, call_id, input_id, descriptor, written_at, text)"
                " VALUES (?,?,?,?,?,?,?,?)",
                rows,
            )
            self._written += len(rows)
            if self._written >= _TRIM_EVERY:
                self._written = 0
                for app_id in {line.app_id for line in lines}:
                    self._trim(app_id)
        self.bell.ring()

    def _trim(self, app_id: str) -> None:
        self._database.execute(
            "DELETE FROM logs WHERE app_id=? AND entry<=(SELECT entry FROM logs WHERE app_id=?"
            " ORDER BY entry DESC LIMIT 1 OFFSET ?)",
            (app_id, app_id, limits.MAX_LOG_ENTRIES_PER_APP),
        )

    def last_entry(self) -> int:
        """Return the number of the newest line written."""
        row = self._database.row("SELECT MAX(entry) FROM logs")
        return cast("int", row[0]) if row and row[0] is not None else 0

    def tail(self, query: LogQuery, limit: int) -> list[LogLine]:
        """Return the newest ``limit`` lines that match, oldest first."""
        self.flush()
        conditions, values = _where(query)
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM logs WHERE {conditions} ORDER BY entry DESC LIMIT ?", (*values, limit)
        )
        return [_line(row) for row in reversed(rows)]

    def after(self, query: LogQuery, limit: int = 1000) -> list[LogLine]:
        """Return the oldest ``limit`` lines that match, oldest first."""
        self.flush()
        conditions, values = _where(query)
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM logs WHERE {conditions} ORDER BY entry LIMIT ?", (*values, limit)
        )
        return [_line(row) for row in rows]

    def counts(self, query: LogQuery, bucket: int) -> list[tuple[int, int, int]]:
        """Return (start of bucket, descriptor, lines) for every bucket of ``bucket`` seconds that has any."""
        self.flush()
        conditions, values = _where(query)
        rows = self._database.rows(
            f"SELECT CAST(written_at/? AS INTEGER)*? AS start, descriptor, COUNT(*) FROM logs"
            f" WHERE {conditions} GROUP BY start, descriptor ORDER BY start",
            (bucket, bucket, *values),
        )
        return [(cast("int", start), cast("int", kind), cast("int", count)) for start, kind, count in rows]

    def forget(self, app_id: str) -> None:
        """Remove all lines of an app."""
        self._database.execute("DELETE FROM logs WHERE app_id=?", (app_id,))


def _where(query: LogQuery) -> tuple[str, list[SqlValue]]:
    conditions = ["app_id=?"]
    values: list[SqlValue] = [query.app_id]
    for column, value in (
        ("function_id", query.function_id),
        ("call_id", query.call_id),
        ("task_id", query.task_id),
        ("descriptor", query.descriptor),
    ):
        if value:
            conditions.append(f"{column}=?")
            values.append(value)
    if query.search_text:
        conditions.append("instr(text, ?)>0")
        values.append(query.search_text)
    if query.since:
        conditions.append("written_at>=?")
        values.append(query.since)
    if query.until:
        conditions.append("written_at<=?")
        values.append(query.until)
    if query.after_entry:
        conditions.append("entry>?")
        values.append(query.after_entry)
    return " AND ".join(conditions), values


def _line(row: tuple[SqlValue, ...]) -> LogLine:
    entry, app_id, function_id, task_id, call_id, input_id, descriptor, written_at, text = row
    return LogLine(
        app_id=str(app_id),
        function_id=str(function_id),
        task_id=str(task_id),
        call_id=str(call_id),
        input_id=str(input_id),
        descriptor=cast("api_pb2.FileDescriptor.ValueType", descriptor),
        written_at=cast("float", written_at),
        text=str(text),
        entry=cast("int", entry),
    )


def now_line(
    app_id: str, function_id: str, task_id: str, descriptor: api_pb2.FileDescriptor.ValueType, text: str
) -> LogLine:
    """Make a line of this moment that belongs to no particular input."""
    return LogLine(app_id, function_id, task_id, "", "", descriptor, time.time(), text)
