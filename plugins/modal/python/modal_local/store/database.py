"""The SQLite database: schema, connection, transactions."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SqlValue = str | int | float | bytes | None

_MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE environments (name TEXT PRIMARY KEY, environment_id TEXT NOT NULL, created_at REAL NOT NULL) STRICT;
    CREATE TABLE ports (key TEXT PRIMARY KEY, port INTEGER NOT NULL UNIQUE) STRICT;
    CREATE TABLE apps (
        app_id TEXT PRIMARY KEY, environment TEXT NOT NULL, name TEXT NOT NULL, state INTEGER NOT NULL,
        version INTEGER NOT NULL DEFAULT 0, tags TEXT NOT NULL DEFAULT '{}',
        created_at REAL NOT NULL, deployed_at REAL NOT NULL DEFAULT 0, stopped_at REAL NOT NULL DEFAULT 0,
        seen_at REAL NOT NULL) STRICT;
    CREATE INDEX apps_by_name ON apps (environment, name, state);
    CREATE TABLE app_versions (
        app_id TEXT NOT NULL REFERENCES apps ON DELETE CASCADE, version INTEGER NOT NULL, deployed_at REAL NOT NULL,
        tag TEXT NOT NULL, client_version TEXT NOT NULL, commit_info BLOB, rollback_version INTEGER NOT NULL DEFAULT 0,
        layout TEXT NOT NULL, PRIMARY KEY (app_id, version)) STRICT;
    CREATE TABLE functions (
        function_id TEXT PRIMARY KEY, app_id TEXT NOT NULL REFERENCES apps ON DELETE CASCADE, name TEXT NOT NULL,
        definition_id TEXT) STRICT;
    CREATE INDEX functions_by_app ON functions (app_id);
    CREATE TABLE definitions (
        definition_id TEXT PRIMARY KEY, function_id TEXT NOT NULL REFERENCES functions ON DELETE CASCADE,
        function BLOB NOT NULL, created_at REAL NOT NULL) STRICT;
    CREATE INDEX definitions_by_function ON definitions (function_id);
    CREATE TABLE mounts (mount_id TEXT PRIMARY KEY, files BLOB NOT NULL, created_at REAL NOT NULL) STRICT;
    CREATE TABLE images (image_id TEXT PRIMARY KEY, image BLOB NOT NULL, created_at REAL NOT NULL) STRICT;
    CREATE TABLE blobs (
        blob_id TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL, created_at REAL NOT NULL) STRICT;
    CREATE TABLE volumes (
        volume_id TEXT PRIMARY KEY, environment TEXT NOT NULL, name TEXT, version INTEGER NOT NULL,
        created_at REAL NOT NULL, UNIQUE (environment, name)) STRICT;
    CREATE TABLE secrets (
        secret_id TEXT PRIMARY KEY, environment TEXT NOT NULL, name TEXT, app_id TEXT, values_json TEXT NOT NULL,
        created_at REAL NOT NULL, used_at REAL NOT NULL DEFAULT 0, UNIQUE (environment, name)) STRICT;
    CREATE TABLE logs (
        entry INTEGER PRIMARY KEY AUTOINCREMENT, app_id TEXT NOT NULL, function_id TEXT NOT NULL,
        task_id TEXT NOT NULL, call_id TEXT NOT NULL, input_id TEXT NOT NULL, descriptor INTEGER NOT NULL,
        written_at REAL NOT NULL, text TEXT NOT NULL) STRICT;
    CREATE INDEX logs_by_app ON logs (app_id, written_at);
    """,
    "ALTER TABLE functions ADD COLUMN created_at REAL NOT NULL DEFAULT 0",
)


class Database:
    """One connection, used from the event loop's thread only. Statements outside a transaction commit at once."""

    def __init__(self, path: Path) -> None:
        """Open or create the database and bring its schema up to date."""
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=10)
        # WAL with synchronous=NORMAL keeps every committed transaction when the process is killed at any moment.
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        self._depth = 0
        self._migrate()

    def _migrate(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > len(_MIGRATIONS):
            message = f"the state was written by a newer Local Modal (schema {version})"
            raise RuntimeError(message)
        for number in range(version, len(_MIGRATIONS)):
            script = _MIGRATIONS[number]
            if sqlite3.sqlite_version_info < (3, 37):
                script = script.replace(") STRICT;", ");")
            self._connection.executescript(f"BEGIN; {script}; PRAGMA user_version={number + 1}; COMMIT;")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside happen as a whole or not at all. May be nested; the outermost one counts."""
        if self._depth:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        else:
            self._connection.execute("COMMIT")
        finally:
            self._depth = 0

    def execute(self, statement: str, values: Sequence[SqlValue] = ()) -> int:
        """Run a statement and return the number of rows it changed."""
        return self._connection.execute(statement, values).rowcount

    def execute_many(self, statement: str, rows: Sequence[Sequence[SqlValue]]) -> None:
        """Run a statement once a row."""
        self._connection.executemany(statement, rows)

    def rows(self, statement: str, values: Sequence[SqlValue] = ()) -> list[tuple[SqlValue, ...]]:
        """Return all rows of a query."""
        return self._connection.execute(statement, values).fetchall()

    def row(self, statement: str, values: Sequence[SqlValue] = ()) -> tuple[SqlValue, ...] | None:
        """Return the first row of a query, or None."""
        found: tuple[SqlValue, ...] | None = self._connection.execute(statement, values).fetchone()
        return found

    def close(self) -> None:
        """Close the connection, folding the write-ahead log into the database."""
        self._connection.close()
