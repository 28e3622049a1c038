"""Mounts, images, blobs and environments: small objects that are written once."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from modal_proto import api_pb2

from modal_local.ids import content_id, new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modal_local.store.database import Database

DEFAULT_ENVIRONMENT = "main"


class MountStore:
    """Lists of files, named by their content: equal lists have one id."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def put(self, files: Sequence[api_pb2.MountFile]) -> str:
        """Store a list of files and return its id."""
        ordered = api_pb2.MountGetOrCreateRequest(files=sorted(files, key=lambda file: file.filename))
        content = ordered.SerializeToString(deterministic=True)
        mount_id = content_id("mo", content)
        self._database.execute(
            "INSERT OR IGNORE INTO mounts (mount_id, files, created_at) VALUES (?,?,?)",
            (mount_id, content, time.time()),
        )
        return mount_id

    def put_named(self, name: str) -> str:
        """Remember one of the SDK's own mounts, which has a name and, here, no files."""
        content = api_pb2.MountGetOrCreateRequest(deployment_name=name).SerializeToString(deterministic=True)
        mount_id = content_id("mo", content)
        self._database.execute(
            "INSERT OR IGNORE INTO mounts (mount_id, files, created_at) VALUES (?,?,?)",
            (mount_id, content, time.time()),
        )
        return mount_id

    def _request(self, mount_id: str) -> api_pb2.MountGetOrCreateRequest:
        row = self._database.row("SELECT files FROM mounts WHERE mount_id=?", (mount_id,))
        if row is None or not isinstance(row[0], bytes):
            return api_pb2.MountGetOrCreateRequest()
        found: api_pb2.MountGetOrCreateRequest = api_pb2.MountGetOrCreateRequest.FromString(row[0])
        return found

    def name(self, mount_id: str) -> str:
        """Return the name of a named mount."""
        return str(self._request(mount_id).deployment_name)

    def files(self, mount_id: str) -> list[api_pb2.MountFile]:
        """Return the files of a mount; none for one that is unknown or the SDK's own."""
        return list(self._request(mount_id).files)

    def all_hashes(self) -> set[str]:
        """Return the hashes of all files of all mounts."""
        found = set()
        for (content,) in self._database.rows("SELECT files FROM mounts"):
            for file in api_pb2.MountGetOrCreateRequest.FromString(cast("bytes", content)).files:
                found.add(file.sha256_hex)
        return found


class ImageStore:
    """Image layers as the SDK described them. Nothing is ever built."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def put(self, image: api_pb2.Image) -> str:
        """Store a layer and return its id; equal layers have one id."""
        content = image.SerializeToString(deterministic=True)
        image_id = content_id("im", content)
        self._database.execute(
            "INSERT OR IGNORE INTO images (image_id, image, created_at) VALUES (?,?,?)",
            (image_id, content, time.time()),
        )
        return image_id

    def get(self, image_id: str) -> api_pb2.Image | None:
        """Return a layer."""
        row = self._database.row("SELECT image FROM images WHERE image_id=?", (image_id,))
        return api_pb2.Image.FromString(row[0]) if row and isinstance(row[0], bytes) else None

    def chain(self, image_id: str) -> list[api_pb2.Image]:
        """Return the layers of an image, the first one first."""
        layers: list[api_pb2.Image] = []
        seen: set[str] = set()
        current = image_id
        while current and current not in seen:
            seen.add(current)
            layer = self.get(current)
            if layer is None:
                break
            layers.append(layer)
            current = next((base.image_id for base in layer.base_images if base.docker_tag == "base"), "")
        layers.reverse()
        return layers


class BlobStore:
    """Names that clients gave to uploaded content."""

    def __init__(self, database: Database) -> None:
        """Use ``database``."""
        self._database = database

    def put(self, blob_id: str, sha256: str, size: int) -> None:
        """Record that ``blob_id`` names this content."""
        self._database.execute(
            "INSERT OR REPLACE INTO blobs (blob_id, sha256, size, created_at) VALUES (?,?,?,?)",
            (blob_id, sha256, size, time.time()),
        )

    def get(self, blob_id: str) -> str | None:
        """Return the hash of the content that ``blob_id`` names."""
        row = self._database.row("SELECT sha256 FROM blobs WHERE blob_id=?", (blob_id,))
        return str(row[0]) if row else None

    def forget_before(self, moment: float) -> None:
        """Forget names given before ``moment`` (Unix seconds)."""
        self._database.execute("DELETE FROM blobs WHERE created_at<?", (moment,))

    def all_hashes(self) -> set[str]:
        """Return the hashes of all named content."""
        return {str(sha256) for (sha256,) in self._database.rows("SELECT sha256 FROM blobs")}


@dataclass(frozen=True)
class Environment:
    """An environment of the workspace."""

    name: str
    environment_id: str
    created_at: float


class EnvironmentStore:
    """The environments; ``main`` is always there."""

    def __init__(self, database: Database) -> None:
        """Use ``database``, adding the default environment to a new one."""
        self._database = database
        if self.get(DEFAULT_ENVIRONMENT) is None:
            self.create(DEFAULT_ENVIRONMENT)

    def create(self, name: str) -> Environment:
        """Add an environment."""
        environment = Environment(name, new_id("en"), time.time())
        self._database.execute(
            "INSERT INTO environments (name, environment_id, created_at) VALUES (?,?,?)",
            (name, environment.environment_id, environment.created_at),
        )
        return environment

    def get(self, name: str) -> Environment | None:
        """Return the environment of this name; the default one for an empty name."""
        wanted = name or DEFAULT_ENVIRONMENT
        row = self._database.row("SELECT name, environment_id, created_at FROM environments WHERE name=?", (wanted,))
        return Environment(str(row[0]), str(row[1]), cast("float", row[2])) if row else None

    def all(self) -> list[Environment]:
        """Return all environments, oldest first."""
        rows = self._database.rows("SELECT name, environment_id, created_at FROM environments ORDER BY created_at")
        return [Environment(str(name), str(identity), cast("float", created)) for name, identity, created in rows]
