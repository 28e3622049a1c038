"""`observe`: what is live now, for the parent to compare with its ledger."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from modal import exception as sdk_exception

from cloudctl_modal import origin, sdk, sdk_apps, sdk_errors, times
from cloudctl_modal.listing import function_rows
from cloudctl_modal.origin import Origin
from cloudctl_modal.plan import without_companions
from cloudctl_modal.records import Records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import modal

    from cloudctl_modal.context import RequestContext
    from cloudctl_modal.errors import Json
    from cloudctl_modal.params import KnownApp, ObserveParams
    from cloudctl_modal.records import Record

_AT_ONCE = 16  # Apps and volumes read at the same time.


async def observe(client: modal.Client, params: ObserveParams, context: RequestContext) -> dict[str, Json]:
    """The protocol's result of `observe`, in the order of the params."""
    observer = _Observer(client, context)
    known = {app.app: app for app in params.known}
    apps, volumes = await asyncio.gather(
        asyncio.gather(*(observer.app(name, known.get(name)) for name in dict.fromkeys(params.apps))),
        asyncio.gather(*(observer.volume(name) for name in dict.fromkeys(params.volumes))),
    )
    return {"apps": [*apps], "volumes": [*volumes], "warnings": context.warnings}


def needs_records(params: ObserveParams) -> bool:
    """Whether the records will be read, unless what is live is no longer what the parent knows."""
    return not {*params.apps} <= {app.app for app in params.known}


class _Observer:
    """Looks at apps and volumes; opens the records once, when the first app needs them."""

    def __init__(self, client: modal.Client, context: RequestContext) -> None:
        self._client = client
        self._context = context
        self._limit = asyncio.Semaphore(_AT_ONCE)
        self._opening: asyncio.Task[Records | None] | None = None

    async def volume(self, name: str) -> dict[str, Json]:
        """One volume; nothing but its name when there is none."""
        async with self._limit:
            try:
                found = await sdk.get_volume(self._client, name, create=False)
            except sdk_exception.NotFoundError:
                return {"name": name}
        created_at = times.from_seconds(found.created_at)
        return {"name": name, "id": found.id, "createdAt": created_at, "createdBy": found.created_by}

    async def app(self, name: str, known: KnownApp | None) -> dict[str, Json]:
        """One app."""
        async with self._limit:
            named = await sdk_apps.named_app(self._client, name)
            if named.id is None:
                return _not_live(name, named)
            live = await sdk_apps.app_layout(self._client, named.id)
            lifecycle = named.lifecycle or sdk_apps.Lifecycle()
            records: Mapping[str, Record] = {}
            published = Origin(ours=True)
            if known is None or not _is_known(known, named.id, lifecycle, live):
                records = await self._records(name)
                published = await self._origin(name, named.id, lifecycle.version, live, records)
        alive = {function.name for function in live}
        return {
            "app": name,
            "appId": named.id,
            "state": "deployed",
            "version": lifecycle.version,
            **_when_and_who(lifecycle),
            "client": published.client,
            "ours": published.ours,
            "unrecorded": published.unrecorded or None,
            "rolledBackTo": published.rolled_back_to,
            "functions": function_rows(live, records),
            "managed": [record.managed() for name, record in records.items() if name in alive],
        }

    async def _records(self, app: str) -> Mapping[str, Record]:
        try:
            if self._opening is None:
                self._opening = asyncio.ensure_future(Records.open(self._client, create=False))
            records = await self._opening
            good, broken = await records.of_app(app) if records else ({}, {})
        except (sdk_exception.PermissionDeniedError, sdk_exception.InvalidError) as error:
            self._context.warn(f"CloudCTL's records beside the deployment cannot be read: {sdk_errors.plain(error)}")
            return {}
        for name, reason in broken.items():
            self._context.warn(f"CloudCTL's record of {name} in {app} cannot be used: {reason}.")
        return good

    async def _origin(
        self,
        app: str,
        app_id: str,
        version: int | None,
        live: list[sdk_apps.LiveFunction],
        records: Mapping[str, Record],
    ) -> Origin:
        """Who published the version; Modal's history is asked only where the records do not tell."""
        if origin.is_recorded(version, live, records):
            return Origin(ours=True)
        found = await origin.published_as(self._client, app_id, version)
        if found.unknown is not None:
            self._context.warn(f"Modal does not tell who published the app {app}: {found.unknown}")
        return found.without_record()


def _not_live(name: str, named: sdk_apps.NamedApp) -> dict[str, Json]:
    base: dict[str, Json] = {"app": name, "ours": False, "functions": [], "managed": []}
    if named.stopped_id is None:
        return {**base, "state": "absent"}
    lifecycle = named.lifecycle or sdk_apps.Lifecycle()
    return {
        **base,
        "state": "stopped",
        "appId": named.stopped_id,
        "version": lifecycle.version,
        **_when_and_who(lifecycle),
        "stoppedAt": times.from_seconds(lifecycle.stopped_at) if lifecycle.stopped_at else None,
        "stoppedBy": lifecycle.stopped_by,
    }


def _when_and_who(lifecycle: sdk_apps.Lifecycle) -> dict[str, Json]:
    deployed_at = times.from_seconds(lifecycle.deployed_at) if lifecycle.deployed_at else None
    return {"deployedAt": deployed_at, "deployedBy": lifecycle.deployed_by}


def _is_known(
    known: KnownApp, app_id: str, lifecycle: sdk_apps.Lifecycle, live: Iterable[sdk_apps.LiveFunction]
) -> bool:
    """Whether it is all as the parent's ledger has it; a function that the ledger does not know needs the records."""
    names = {function.name for function, _ in without_companions([*live])}
    return (known.app_id, known.version) == (app_id, lifecycle.version) and names <= {*known.functions}
