"""Volumes as objects: create, look up, list, rename, delete."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.dispatch import unary
from modal_local.errors import already_exists, not_found
from modal_local.names import check_object_name
from modal_local.protobuf import Empty
from modal_local.services.environments import WORKSPACE, require_environment

if TYPE_CHECKING:
    from modal_local.auth import Caller
    from modal_local.context import Context
    from modal_local.store.named import Volume

_PAGE = 100


def require_volume(context: Context, volume_id: str) -> Volume:
    """Return a volume or raise NOT_FOUND."""
    volume = context.stores.volumes.get(volume_id)
    if volume is None:
        raise not_found(f"Volume {volume_id} not found.")
    return volume


class VolumeService:
    """Volumes are directories of this machine: functions see each other's writes at once."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context
        self._volumes = context.stores.volumes

    @unary("VolumeGetOrCreate")
    async def get_or_create(
        self, request: api_pb2.VolumeGetOrCreateRequest, _caller: Caller
    ) -> api_pb2.VolumeGetOrCreateResponse:
        """Look a volume up or create it."""
        environment = require_environment(self._context, request.environment_name)
        kind = request.object_creation_type
        name = request.deployment_name
        if kind == api_pb2.OBJECT_CREATION_TYPE_EPHEMERAL:
            return _found(self._create(environment, "", request.version))
        existing = self._volumes.named(environment, name)
        if kind == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
            if existing is None:
                raise not_found(f"Volume '{name}' not found in environment '{environment}'.")
            return _found(existing)
        if existing is None:
            check_object_name("volume", name)
            return _found(self._create(environment, name, request.version))
        if kind == api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS:
            raise already_exists(f"Volume '{name}' already exists in environment '{environment}'.")
        return _found(existing)

    def _create(self, environment: str, name: str, version: api_pb2.VolumeFsVersion.ValueType) -> Volume:
        with self._context.stores.database.transaction():
            volume = self._volumes.create(environment, name, version)
            self._context.volumes.create(volume.volume_id)
        return volume

    @unary("VolumeGetById")
    async def get_by_id(self, request: api_pb2.VolumeGetByIdRequest, _caller: Caller) -> api_pb2.VolumeGetByIdResponse:
        """Look a volume up by its id."""
        volume = require_volume(self._context, request.volume_id)
        return api_pb2.VolumeGetByIdResponse(volume_id=volume.volume_id, metadata=_metadata(volume))

    @unary("VolumeList")
    async def list(self, request: api_pb2.VolumeListRequest, _caller: Caller) -> api_pb2.VolumeListResponse:
        """List volumes, newest first."""
        environment = require_environment(self._context, request.environment_name)
        page = request.pagination
        found = self._volumes.page(environment, page.created_before, page.max_objects or _PAGE)
        return api_pb2.VolumeListResponse(
            environment_name=environment,
            items=[
                api_pb2.VolumeListItem(
                    label=volume.name,
                    volume_id=volume.volume_id,
                    created_at=volume.created_at,
                    metadata=_metadata(volume),
                )
                for volume in found
            ],
        )

    @unary("VolumeDelete")
    async def delete(self, request: api_pb2.VolumeDeleteRequest, _caller: Caller) -> Empty:
        """Delete a volume with its files."""
        volume = require_volume(self._context, request.volume_id)
        self._volumes.delete(volume.volume_id)
        await asyncio.to_thread(self._context.volumes.delete, volume.volume_id)
        return Empty()

    @unary("VolumeRename")
    async def rename(self, request: api_pb2.VolumeRenameRequest, _caller: Caller) -> Empty:
        """Give a volume another name."""
        volume = require_volume(self._context, request.volume_id)
        check_object_name("volume", request.name)
        if self._volumes.named(volume.environment, request.name) is not None:
            raise already_exists(f"Volume '{request.name}' already exists in environment '{volume.environment}'.")
        self._volumes.rename(volume.volume_id, request.name)
        return Empty()

    @unary("VolumeHeartbeat")
    async def heartbeat(self, request: api_pb2.VolumeHeartbeatRequest, _caller: Caller) -> Empty:
        """Note that an ephemeral volume is still in use; they are removed when the server starts."""
        require_volume(self._context, request.volume_id)
        return Empty()

    @unary("VolumeCommit")
    async def commit(self, request: api_pb2.VolumeCommitRequest, _caller: Caller) -> api_pb2.VolumeCommitResponse:
        """Nothing to do: what a function writes is on disk and visible to others already."""
        require_volume(self._context, request.volume_id)
        return api_pb2.VolumeCommitResponse(skip_reload=True)

    @unary("VolumeReload")
    async def reload(self, request: api_pb2.VolumeReloadRequest, _caller: Caller) -> Empty:
        """Nothing to do, see commit."""
        require_volume(self._context, request.volume_id)
        return Empty()


def _metadata(volume: Volume) -> api_pb2.VolumeMetadata:
    return api_pb2.VolumeMetadata(
        version=volume.version,
        name=volume.name,
        creation_info=api_pb2.CreationInfo(created_at=volume.created_at, created_by=WORKSPACE),
    )


def _found(volume: Volume) -> api_pb2.VolumeGetOrCreateResponse:
    return api_pb2.VolumeGetOrCreateResponse(
        volume_id=volume.volume_id, version=volume.version, metadata=_metadata(volume)
    )
