"""`deployApp`: publish an app so that nothing that lives in it is lost by accident."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import modal
from modal import exception as sdk_exception

from cloudctl_modal import sdk, sdk_errors, times
from cloudctl_modal.build import AppBuilder, Built, check
from cloudctl_modal.errors import BridgeError, Json, not_found
from cloudctl_modal.inspector import inspect_handler
from cloudctl_modal.listing import dashboard_url
from cloudctl_modal.plan import DeployPlan, plan_deploy
from cloudctl_modal.progress import DeployProgress, Listening
from cloudctl_modal.records import Record, Records
from cloudctl_modal.session import server

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloudctl_modal.context import RequestContext
    from cloudctl_modal.params import DeployParams
    from cloudctl_modal.protocol import Function, Signature

_TO_THE_END = 20.0  # Seconds that a publish has to finish when it is cancelled past the point of no return.


@dataclass
class _Found:
    """What is there before the deploy."""

    app_id: str | None = None
    live: list[sdk.LiveFunction] = field(default_factory=list)
    records: Records | None = None
    known: dict[str, Record] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


class Deploys:
    """Deploys, one after the other: the SDK has one place for progress, and an app one layout."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._past_return: set[asyncio.Task[None]] = set()

    async def deploy(self, client: modal.Client, params: DeployParams, context: RequestContext) -> dict[str, Json]:
        """Deploy and record; the protocol's result of `deployApp`."""
        given = [(function, _inspect(function, context)) for function in params.functions]
        async with self._turn:
            with tempfile.TemporaryDirectory(prefix="cloudctl-", ignore_cleanup_errors=True) as scratch:
                return await _Deploy(client, params, context, scratch, self._past_return).run(
                    {function.name: signature for function, signature in given}
                )


def _inspect(function: Function, context: RequestContext) -> Signature:
    signature = inspect_handler(function.package.directory, function.handler)
    for warning in check(function, signature):
        context.warn(warning)
    return signature


class _Deploy:
    """One run of `deployApp`."""

    def __init__(
        self,
        client: modal.Client,
        params: DeployParams,
        context: RequestContext,
        scratch: str,
        past_return: set[asyncio.Task[None]],
    ) -> None:
        self._client = client
        self._params = params
        self._context = context
        self._scratch = scratch
        self._past_return = past_return

    async def run(self, signatures: dict[str, Signature]) -> dict[str, Json]:
        context, params = self._context, self._params
        context.progress("connect", "running", f"Looking at {params.app}")
        found, objects = await asyncio.gather(self._look(), self._objects(params.functions))
        plan = plan_deploy(params.functions, params.target, found.live, found.known)
        if plan.foreign and not params.replace:
            raise _foreign(params.app, plan.foreign, found.broken)
        self._say_who_comes_back(found)
        plan = await self._fetch(plan, found)
        carried = [function for function in plan.functions if function.name in plan.carried]
        for function in carried:
            signatures[function.name] = _inspect(function, context)
        objects |= await self._objects(carried)
        context.progress("connect", "done", f"{params.app} has {len(found.live)} live functions")
        await self._keep_packages(plan, found)
        builder = AppBuilder(params.app, self._scratch, objects)
        built = builder.add([(function, signatures[function.name]) for function in plan.functions])
        app_id, deployed_at = await self._publish(builder.app, built, plan, found)
        return {
            "appId": app_id,
            "dashboardUrl": dashboard_url(app_id),
            "functions": [await _deployed(item) for item in built],
            "carried": [*sorted(plan.carried)],
            "warnings": context.warnings,
            "deployedAt": deployed_at,
        }

    def _say_who_comes_back(self, found: _Found) -> None:
        """Somebody stopped or dropped a neighbour since; publishing the app brings it to life again."""
        live = {function.name for function in found.live}
        gone = sorted({function.name for function in self._params.functions} - live - {self._params.target})
        if gone:
            names = ", ".join(f'"{name}"' for name in gone)
            self._context.warn(
                f"No longer live in {self._params.app}, and published again with it: {names}. "
                "To leave one out, forget it first: cloudctl ledger forget NAME."
            )

    async def _look(self) -> _Found:
        """The live layout and the records, at the same time."""
        found = _Found()

        async def layout() -> None:
            found.app_id = await sdk.find_app(self._client, self._params.app)
            if found.app_id:
                found.live = await sdk.app_layout(self._client, found.app_id)

        async def records() -> None:
            try:
                found.records = await Records.open(self._client, create=True)
                if found.records is not None:
                    found.known, found.broken = await found.records.of_app(self._params.app)
            except Exception as error:  # noqa: BLE001 - records are a help; a deploy works without
                found.records = None
                self._no_records(error)

        await asyncio.gather(layout(), records())
        return found

    def _no_records(self, error: Exception) -> None:
        """Warn that the records cannot be used; the connection's and the token's failures are everyone's."""
        translated = sdk_errors.translate(error, server())
        if translated is None or translated.code in ("UNREACHABLE", "AUTH"):
            raise error
        self._context.warn(
            "CloudCTL's records beside the deployment (the volume cloudctl-state) cannot be used: "
            f"{translated.message} Another machine will take this app's functions for foreign ones."
        )

    async def _objects(self, functions: Sequence[Function]) -> dict[str, modal.Volume | modal.Secret]:
        """The named volumes and secrets, looked up: nothing is uploaded when one is missing, and none is created."""

        async def volume(name: str) -> tuple[str, modal.Volume | modal.Secret]:
            found = modal.Volume.from_name(name, client=self._client)
            try:
                await found.hydrate.aio(self._client)
            except sdk_exception.NotFoundError:
                raise not_found("volume", name) from None
            return f"volume {name}", found

        async def secret(name: str) -> tuple[str, modal.Volume | modal.Secret]:
            found = modal.Secret.from_name(name, client=self._client)
            try:
                await found.hydrate.aio(self._client)
            except sdk_exception.NotFoundError:
                raise not_found("secret", name) from None
            return f"secret {name}", found

        volumes = sorted({mount.name for function in functions for mount in function.volumes})
        secrets = sorted({name for function in functions for name in function.secrets})
        return dict(await asyncio.gather(*map(volume, volumes), *map(secret, secrets)))

    async def _fetch(self, plan: DeployPlan, found: _Found) -> DeployPlan:
        """Bring the packages of carried functions here; what cannot be brought counts as foreign."""
        directories: dict[str, str] = {}
        lost: dict[str, str] = {}
        functions: list[Function] = []
        for function in plan.functions:
            digest = function.package.digest
            if function.package.directory:
                functions.append(function)
                continue
            if digest not in directories and found.records is not None:
                directory = str(Path(self._scratch, f"carried-{len(directories)}"))
                self._context.progress("upload", "running", f"Fetching the code of {function.name}")
                try:
                    await found.records.get_package(digest, directory)
                    directories[digest] = directory
                except (FileNotFoundError, ValueError, sdk_exception.NotFoundError) as error:
                    lost[function.name] = str(error)
            if digest in directories:
                functions.append(function.in_directory(directories[digest]))
        if lost and not self._params.replace:
            raise _foreign(self._params.app, tuple(sorted(lost)), {**found.broken, **lost})
        kept = {function.name for function in functions}
        stale = tuple(sorted({*plan.stale, *(set(found.known) - kept)}))
        return DeployPlan(tuple(functions), plan.carried & kept, plan.foreign, stale)

    async def _keep_packages(self, plan: DeployPlan, found: _Found) -> None:
        """Keep each package before the publish, so that a record never names one that is not there."""
        records = found.records
        if records is None:
            return
        kept = {record.function.package.digest for record in found.known.values()}
        wanted = {
            function.package.digest: function.package.directory
            for function in plan.functions
            if function.package.digest not in kept
        }
        try:
            there = await asyncio.gather(*(records.has_package(digest) for digest in wanted))
            new = {
                digest: wanted[digest] for digest, kept_already in zip(wanted, there, strict=True) if not kept_already
            }
            if new:
                self._context.progress("upload", "running", "Keeping the code beside the deployment")
                await records.put_packages(new, self._scratch)
        except Exception as error:  # noqa: BLE001 - as above
            found.records = None
            self._no_records(error)

    async def _publish(self, app: modal.App, built: list[Built], plan: DeployPlan, found: _Found) -> tuple[str, str]:
        """Deploy and record. Cancelled before the publish, nothing is published; cancelled later, both are finished."""
        progress = DeployProgress(self._context, sum(1 + (item.companion is not None) for item in built))
        result: list[str] = []

        async def whole() -> None:
            with Listening(progress):
                self._context.progress("image", "running", "Preparing the image")
                app_id, warnings = await sdk.deploy(app, self._params.app, self._client)
            for warning in warnings:
                self._context.warn(warning)
            self._context.progress("publish", "done", f"{self._params.app} is published")
            result.extend([app_id, await self._record(built, plan, found)])

        task = asyncio.ensure_future(whole())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if progress.publishing and not task.done():
                self._past_return.add(task)
                task.add_done_callback(self._past_return.discard)
                await asyncio.wait({task}, timeout=_TO_THE_END)
            await self._abandon(app, task)
            raise
        except sdk_exception.ImageBuildError as error:
            raise sdk_errors.image_build(error, progress.log) from None
        return result[0], result[1]

    async def _abandon(self, app: modal.App, task: asyncio.Task[None]) -> None:
        """End a deploy that is no longer wanted, and tell Modal to drop an app that was only being created."""
        if task.done():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
        app_id = sdk.app_id_of(app)
        if app_id:
            with contextlib.suppress(Exception):  # Modal drops the app by itself when it hears nothing more.
                await asyncio.wait_for(sdk.disconnect_app(self._client, app_id), 1.0)

    async def _record(self, built: list[Built], plan: DeployPlan, found: _Found) -> str:
        """Write what was deployed; the time of this deployment."""
        now = times.now()
        if found.records is None:
            return now
        self._context.progress("record", "running", "Recording the deployment")
        changed: list[Record] = []
        for item in built:
            old = found.known.get(item.function.name)
            new = Record(item.function, item.signature, now, item.handle.object_id, self._params.client)
            untouched = item.function.name != self._params.target and old is not None
            if old is not None and untouched and old.function.to_json() == item.function.to_json():
                new = Record(old.function, item.signature, old.deployed_at, item.handle.object_id, old.client)
            if old is None or old.to_json() != new.to_json():
                changed.append(new)
        try:
            await found.records.put_records(self._params.app, changed)
            await found.records.remove_records(self._params.app, plan.stale)
        except Exception as error:  # noqa: BLE001 - as above
            self._no_records(error)
        self._context.progress("record", "done", "The deployment is recorded")
        return now


def _foreign(app: str, names: Sequence[str], reasons: dict[str, str]) -> BridgeError:
    why = "".join(f" {name}: {reasons[name]}." for name in names if name in reasons)
    message = (
        f"The app {app} has functions that CloudCTL did not deploy: {', '.join(names)}. "
        f"Modal replaces the whole app at every deploy, so they would be dropped.{why}"
    )
    return BridgeError("FOREIGN_FUNCTIONS", message, {"functions": [*names]})


async def _deployed(item: Built) -> dict[str, Json]:
    number = item.handle.object_id
    body: dict[str, Json] = {
        "name": item.function.name,
        "id": number,
        "dashboardUrl": dashboard_url(number),
        "signature": item.signature.to_json(),
    }
    if item.companion is not None:
        body["url"] = await item.companion.get_web_url.aio() or None
        body["httpId"] = item.companion.object_id
    return body
