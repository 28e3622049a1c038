"""The volumes and secrets that functions name."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import modal
from modal import exception as sdk_exception

from cloudctl_modal.errors import not_found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cloudctl_modal.errors import Kind
    from cloudctl_modal.protocol import Function


class NamedObjects:
    """Objects that were looked up, by name."""

    def __init__(self, volumes: Mapping[str, modal.Volume], secrets: Mapping[str, modal.Secret]) -> None:
        self.volumes = volumes
        self.secrets = secrets

    def with_more(self, other: NamedObjects) -> NamedObjects:
        """These and the other's."""
        return NamedObjects({**self.volumes, **other.volumes}, {**self.secrets, **other.secrets})


async def look_up(client: modal.Client, functions: Sequence[Function]) -> NamedObjects:
    """All that the functions name. BridgeError NOT_FOUND when one is missing; none is created."""
    volumes = {mount.name for function in functions for mount in function.volumes}
    secrets = {name for function in functions for name in function.secrets}
    found = NamedObjects(
        {name: modal.Volume.from_name(name, client=client) for name in sorted(volumes)},
        {name: modal.Secret.from_name(name, client=client) for name in sorted(secrets)},
    )

    async def hydrate(kind: Kind, name: str, wanted: modal.Volume | modal.Secret) -> None:
        try:
            await wanted.hydrate.aio(client)
        except sdk_exception.NotFoundError:
            raise not_found(kind, name) from None

    await asyncio.gather(
        *(hydrate("volume", name, volume) for name, volume in found.volumes.items()),
        *(hydrate("secret", name, secret) for name, secret in found.secrets.items()),
    )
    return found
