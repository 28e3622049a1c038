"""What is there: functions, volumes, the layout of an app, the owner of the token."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import modal
from modal import exception as sdk_exception
from modal_proto import api_pb2

from cloudctl_modal import sdk, sdk_apps, sdk_errors, times
from cloudctl_modal.plan import without_companions
from cloudctl_modal.records import STATE_VOLUME, Records
from cloudctl_modal.session import server

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from cloudctl_modal.context import RequestContext
    from cloudctl_modal.errors import Json

_AT_ONCE = 16  # Apps read at the same time.


def dashboard_url(number: str) -> str:
    """The page of an object in Modal's dashboard."""
    return f"https://modal.com/id/{number}"


async def whoami(client: modal.Client) -> dict[str, Json]:
    """The protocol's result of `whoami`."""
    identity, (workspace, username), environment = await asyncio.gather(
        sdk.identity(client), sdk.workspace(client), sdk.default_environment(client)
    )
    return {
        "workspace": workspace or identity.workspace,
        "environment": environment,
        "tokenName": identity.token_name or None,
        "user": identity.user or username or None,
        "expiresAt": times.from_seconds(identity.expires_at) if identity.expires_at else None,
    }


async def list_functions(client: modal.Client, context: RequestContext) -> dict[str, Json]:
    """The protocol's result of `listFunctions`: every function of every app that still has a layout."""
    apps = await sdk_apps.list_apps(client)
    limit = asyncio.Semaphore(_AT_ONCE)

    async def rows(app: sdk_apps.AppItem) -> list[Json]:
        async with limit:
            try:
                live = await sdk_apps.app_layout(client, app.id)
            except Exception as error:
                translated = sdk_errors.translate(error, server())
                if translated is None or translated.code in ("UNREACHABLE", "AUTH"):
                    raise
                if app.state != api_pb2.APP_STATE_STOPPED:  # A stopped app's layout may be gone.
                    context.warn(f"The functions of {app.name or app.id} cannot be listed: {translated.message}")
                return []
            lifecycle = app.lifecycle or (await _lifecycle(client, app.id) if live else sdk_apps.Lifecycle())
        return [
            {
                "id": function.id,
                "name": function.name,
                "app": app.name,
                "appId": app.id,
                "status": sdk_apps.STATUS_WORDS.get(app.state, "unknown"),
                "createdAt": times.from_seconds(app.created_at),
                "url": function.url or (companion.url if companion else None),
                "dashboardUrl": dashboard_url(function.id),
                "version": lifecycle.version,
                "deployedAt": times.from_seconds(lifecycle.deployed_at) if lifecycle.deployed_at else None,
                "deployedBy": lifecycle.deployed_by,
            }
            for function, companion in without_companions(live)
        ]

    found = await asyncio.gather(*map(rows, apps))
    return {"functions": [row for part in found for row in part], "warnings": context.warnings}


async def _lifecycle(client: modal.Client, app_id: str) -> sdk_apps.Lifecycle:
    """For an app of which the list does not tell it; nothing when Modal refuses, as a list without it is of use."""
    try:
        return await sdk_apps.app_lifecycle(client, app_id)
    except Exception as error:
        translated = sdk_errors.translate(error, server())
        if translated is None or translated.code in ("UNREACHABLE", "AUTH"):
            raise
        return sdk_apps.Lifecycle()


def function_rows(live: Sequence[sdk_apps.LiveFunction], managed: Container[str]) -> list[Json]:
    """The protocol's LiveFunctions, HTTP companions folded in; ``managed`` are names that have a record."""
    return [
        {
            "name": function.name,
            "id": function.id,
            "url": function.url or (companion.url if companion else None),
            "managed": function.name in managed,
        }
        for function, companion in without_companions(live)
    ]


async def layout(client: modal.Client, app: str, context: RequestContext) -> dict[str, Json]:
    """The protocol's result of `layout`."""

    async def known() -> dict[str, dict[str, Json]]:
        try:
            records = await Records.open(client, create=False)
            good, broken = await records.of_app(app) if records else ({}, {})
        except (sdk_exception.PermissionDeniedError, sdk_exception.InvalidError) as error:
            context.warn(f"CloudCTL's records beside the deployment cannot be read: {sdk_errors.plain(error)}")
            return {}
        for name, reason in broken.items():
            context.warn(f"CloudCTL's record of {name} cannot be used: {reason}.")
        return {name: record.managed() for name, record in good.items()}

    async def live() -> tuple[str | None, list[sdk_apps.LiveFunction]]:
        app_id = await sdk_apps.find_app(client, app)
        return app_id, await sdk_apps.app_layout(client, app_id) if app_id else []

    managed, (app_id, functions) = await asyncio.gather(known(), live())
    return {
        "appId": app_id,
        "functions": function_rows(functions, managed),
        "managed": [managed[function.name] for function in functions if function.name in managed],
        "warnings": context.warnings,
    }


async def list_volumes(client: modal.Client, context: RequestContext) -> dict[str, Json]:
    """The protocol's result of `listVolumes`; CloudCTL's own volume is left out."""
    rows: list[Json] = []
    for volume in await modal.Volume.objects.list.aio(client=client):
        if volume.name == STATE_VOLUME:
            continue
        info = await volume.info.aio()
        rows.append(
            {
                "id": volume.object_id,
                "name": volume.name,
                "createdAt": times.from_seconds(info.created_at.timestamp()),
                "createdBy": info.created_by,
            }
        )
    return {"volumes": rows, "warnings": context.warnings}


async def create_volume(client: modal.Client, name: str) -> dict[str, Json]:
    """The protocol's result of `createVolume`."""
    created = True
    try:
        volume = await sdk.get_volume(client, name, create=True)
    except sdk_exception.AlreadyExistsError:
        created = False
        volume = await sdk.get_volume(client, name, create=False)
    return {
        "id": volume.id,
        "name": volume.name,
        "created": created,
        "createdAt": times.from_seconds(volume.created_at),
        "dashboardUrl": dashboard_url(volume.id),
    }
