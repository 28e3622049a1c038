"""Volumes and secrets: objects that users name."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from modal_proto import api_pb2

from modal_local.ids import content_id, new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modal_local.store.database import Database, SqlValue


@dataclass(frozen=True)
class Volume:
    """A volume; ``name`` is empty for an ephemeral one."""

    volume_id: str
    environment: str
    name: str
    version: api_pb2.VolumeFsVersion.ValueType
    created_at: float


def _volume(row: tuple[SqlValue, ...]) -> Volume:
    volume_id, environment, name, version, created_at = row
    return Volume(
        volume_id=str(volume_id),
        environment=str(environment),
        name=str(name or ""),
        version=cast("api_pb2.VolumeFsVersion.ValueType", version),
        created_at=cast("float", created_at),
    )


class VolumeStore:
    """Reads and writes volumes; their files are none of its business."""

    _COLUMNS = "volume_id, environment, name, version, created_at"

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def create(self, environment: str, name: str, version: api_pb2.VolumeFsVersion.ValueType) -> Volume:
        """Add a volume; an empty name makes it ephemeral."""
        volume = Volume(new_id("vo"), environment, name, version or api_pb2.VOLUME_FS_VERSION_V1, time.time())
        self._database.execute(
            f"INSERT INTO volumes ({self._COLUMNS}) VALUES (?,?,?,?,?)",
            (volume.volume_id, environment, name or None, int(volume.version), volume.created_at),
        )
        return volume

    def get(self, volume_id: str) -> Volume | None:
        """Return the volume with this id."""
        row = self._database.row(f"SELECT {self._COLUMNS} FROM volumes WHERE volume_id=?", (volume_id,))
        return _volume(row) if row else None

    def named(self, environment: str, name: str) -> Volume | None:
        """Return the volume of this name."""
        row = self._database.row(
            f"SELECT {self._COLUMNS} FROM volumes WHERE environment=? AND name=?", (environment, name)
        )
        return _volume(row) if row else None

    def page(self, environment: str, created_before: float, limit: int) -> list[Volume]:
        """Return named volumes created before a moment (0: now), newest first."""
        rows = self._database.rows(
            f"SELECT {self._COLUMNS} FROM volumes WHERE environment=? AND name IS NOT NULL AND (?=0 OR created_at<?)"
            " ORDER BY created_at DESC LIMIT ?",
            (environment, created_before, created_before, limit),
        )
        return [_volume(row) for row in rows]

    def count(self) -> int:
        """Return how many named volumes there are."""
        row = self._database.row("SELECT COUNT(*) FROM volumes WHERE name IS NOT NULL")
        return cast("int", row[0]) if row else 0

    def ephemeral(self) -> list[Volume]:
        """Return volumes without a name."""
        return [_volume(row) for row in self._database.rows(f"SELECT {self._COLUMNS} FROM volumes WHERE name IS NULL")]

    def all_ids(self) -> set[str]:
        """Return the ids of all volumes."""
        return {str(volume_id) for (volume_id,) in self._database.rows("SELECT volume_id FROM volumes")}

    def rename(self, volume_id: str, name: str) -> None:
        """Give a volume another name."""
        self._database.execute("UPDATE volumes SET name=? WHERE volume_id=?", (name, volume_id))

    def delete(self, volume_id: str) -> None:
        """Forget a volume."""
        self._database.execute("DELETE FROM volumes WHERE volume_id=?", (volume_id,))


@dataclass(frozen=True)
class Secret:
    """A secret with its values; ``name`` is empty for one that belongs to an app."""

    secret_id: str
    environment: str
    name: str
    values: Mapping[str, str]
    created_at: float
    used_at: float

    def __repr__(self) -> str:
        """Leave the values out: this may reach a log."""
        return f"Secret({self.secret_id}, {self.name!r}, keys={sorted(self.values)})"


def _secret(row: tuple[SqlValue, ...]) -> Secret:
    secret_id, environment, name, values, created_at, used_at = row
    return Secret(
        secret_id=str(secret_id),
        environment=str(environment),
        name=str(name or ""),
        values=cast("dict[str, str]", json.loads(str(values))),
        created_at=cast("float", created_at),
        used_at=cast("float", used_at),
    )


class SecretStore:
    """Reads and writes secrets."""

    _COLUMNS = "secret_id, environment, name, values_json, created_at, used_at"

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def create(self, environment: str, name: str, values: Mapping[str, str]) -> Secret:
        """Add a named secret."""
        return self._insert(new_id("st"), environment, name, values)

    def anonymous(self, environment: str, app_id: str, values: Mapping[str, str]) -> Secret:
        """Return the app's secret with exactly these values, so that an unchanged redeploy changes nothing."""
        content = json.dumps([app_id or new_id("x"), sorted(values.items())])
        secret_id = content_id("st", content.encode())
        return self.get(secret_id) or self._insert(secret_id, environment, "", values, app_id)

    def _insert(
        self, secret_id: str, environment: str, name: str, values: Mapping[str, str], app_id: str = ""
    ) -> Secret:
        secret = Secret(secret_id, environment, name, dict(values), time.time(), 0.0)
        self._database.execute(
            "INSERT INTO secrets (secret_id, environment, name, app_id, values_json, created_at) VALUES (?,?,?,?,?,?)",
            (secret_id, environment, name or None, app_id or None, json.dumps(dict(values)), secret.created_at),
        )
        return secret

    def get(self, secret_id: str) -> Secret | None:
        """Return the secret with this id."""
        row = self._database.row(f"SELECT {self._COLUMNS} FROM secrets WHERE secret_id=?", (secret_id,))
        return _secret(row) if row else None

    def named(self, environment: str, name: str) -> Secret | None:
        """Return the secret of this name."""
        row = self._database.row(
            f"SELECT {self._COLUMNS} FROM secrets WHERE environment=? AND name=?", (environment, name)
        )
        return _secret(row) if row else None

    def page(self, environment: str, created_before: float, limit: int) -> list[Secret]:
        """Return named secrets created before a moment (0: now), newest first."""
        rows = self._database.rows(
            f"SELECT {self._COLUMNS} FROM secrets WHERE environment=? AND name IS NOT NULL AND (?=0 OR created_at<?)"
            " ORDER BY created_at DESC LIMIT ?",
            (environment, created_before, created_before, limit),
        )
        return [_secret(row) for row in rows]

    def replace_values(self, secret_id: str, values: Mapping[str, str]) -> None:
        """Replace the values."""
        self._database.execute(
            "UPDATE secrets SET values_json=? WHERE secret_id=?", (json.dumps(dict(values)), secret_id)
        )

    def mark_used(self, secret_id: str) -> None:
        """Record that a container got the values."""
        self._database.execute("UPDATE secrets SET used_at=? WHERE secret_id=?", (time.time(), secret_id))

    def delete(self, secret_id: str) -> None:
        """Forget a secret."""
        self._database.execute("DELETE FROM secrets WHERE secret_id=?", (secret_id,))
