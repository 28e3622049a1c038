"""What a deploy finds before it begins: the live app, CloudCTL's records of it, the packages kept beside it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloudctl_modal import origin, sdk_apps, sdk_errors
from cloudctl_modal.records import Record, Records
from cloudctl_modal.session import server

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import modal

    from cloudctl_modal.context import RequestContext
    from cloudctl_modal.kept_packages import KeptPackages

# A publish is recorded within seconds; one that is older and not recorded was interrupted.
_JUST_NOW = 120.0
_PAUSE = 0.5
_PATIENCE = 5.0


@dataclass
class Found:
    """``lifecycle`` is that of the live app; ``kept`` are packages with the time at which each was put."""

    app_id: str | None = None
    lifecycle: sdk_apps.Lifecycle | None = None
    live: list[sdk_apps.LiveFunction] = field(default_factory=list)
    records: Records | None = None
    packages: KeptPackages | None = None
    known: dict[str, Record] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    kept: dict[str, float] = field(default_factory=dict)

    @property
    def version(self) -> int | None:
        """The app's version: 0 before its first publish, None where Modal does not tell."""
        if self.app_id is None:
            return 0
        return self.lifecycle.version if self.lifecycle else None

    @property
    def is_recorded(self) -> bool:
        """Whether the records have the live version."""
        return origin.is_recorded(self.version, self.live, self.known)

    def without_records(self, context: RequestContext, error: Exception) -> None:
        """Go on without records. Raises what is everyone's failure: of the connection, of the token."""
        translated = sdk_errors.translate(error, server())
        if translated is None or translated.code in ("UNREACHABLE", "AUTH"):
            raise error
        self.records = self.packages = None
        context.warn(
            "CloudCTL's records beside the deployment (the volume cloudctl-state) cannot be used: "
            f"{translated.message} Another machine will take this app's functions for foreign ones."
        )


async def look(client: modal.Client, app: str, context: RequestContext) -> Found:
    """The live layout, the records and the list of packages, at the same time."""
    found = Found()

    async def layout() -> None:
        named = await sdk_apps.named_app(client, app)
        found.app_id = named.id
        if named.id:
            found.lifecycle = named.lifecycle
            found.live = await sdk_apps.app_layout(client, named.id)

    async def records() -> None:
        try:
            found.records = await Records.open(client, create=True)
            if found.records is not None:
                found.packages = found.records.packages(app)
                (found.known, found.broken), found.kept = await asyncio.gather(
                    found.records.of_app(app), found.packages.listed()
                )
        except Exception as error:  # noqa: BLE001 - records are a help; a deploy works without
            found.without_records(context, error)

    await asyncio.gather(layout(), records())
    return found


async def wait_for_records(app: str, found: Found, names: Collection[str]) -> None:
    """Give another machine, which published these functions just now, the time to record them."""
    deployed_at = found.lifecycle.deployed_at if found.lifecycle else None
    if found.records is None or deployed_at is None or abs(time.time() - deployed_at) > _JUST_NOW:
        return
    for _ in range(int(_PATIENCE / _PAUSE)):
        found.known, found.broken = await found.records.of_app(app)
        if {*names} <= {*found.known}:
            return
        await asyncio.sleep(_PAUSE)


async def recorded_meanwhile(app: str, found: Found, versions: frozenset[int], own: set[str]) -> frozenset[str]:
    """Names of functions that others recorded since ``found``; waits a while until all ``versions`` are among them.

    ``own`` are the functions that this deploy recorded.
    """
    names: frozenset[str] = frozenset()
    if found.records is None:
        return names
    for _ in range(int(_PATIENCE / _PAUSE)):
        now, _broken = await found.records.of_app(app)
        changed = {
            name: record.app_version
            for name, record in now.items()
            if name not in own
            # The records were read a moment after the layout, so a version of these may be known already.
            and (record.app_version in versions or record.app_version != _version_in(found.known, name))
        }
        names = frozenset(changed)
        if versions <= {*changed.values()}:
            return names
        await asyncio.sleep(_PAUSE)
    return names


def _version_in(known: Mapping[str, Record], name: str) -> int | None:
    record = known.get(name)
    return record.app_version if record else 0  # No record has that: versions count from 1.
