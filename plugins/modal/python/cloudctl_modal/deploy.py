"""`deployApp`: publish an app so that nothing that lives in it is lost by accident."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from modal import exception as sdk_exception

from cloudctl_modal import named_objects, origin, recording, sdk_apps, sdk_deploy, sdk_errors, surroundings, times
from cloudctl_modal.build import AppBuilder, Built, check
from cloudctl_modal.foreign import foreign_functions
from cloudctl_modal.inspector import inspect_handler
from cloudctl_modal.listing import dashboard_url
from cloudctl_modal.plan import DeployPlan, plan_deploy
from cloudctl_modal.progress import DeployProgress, Listening

if TYPE_CHECKING:
    from collections.abc import Mapping

    import modal

    from cloudctl_modal.context import RequestContext
    from cloudctl_modal.errors import Json
    from cloudctl_modal.params import DeployParams
    from cloudctl_modal.protocol import Function, Signature
    from cloudctl_modal.surroundings import Found

_TO_THE_END = 20.0  # Seconds that a publish has to finish when it is cancelled past the point of no return.
_TRIES = 12  # Publishes of one deploy while others publish the same app.


@dataclass(frozen=True)
class _Published:
    app_id: str
    turn: origin.Turn
    deployed_at: str


class _OvertakenError(Exception):
    """Somebody else published the app meanwhile: look again. ``dropped`` are functions that this publish lost."""

    def __init__(self, dropped: frozenset[str]) -> None:
        super().__init__()
        self.dropped = dropped


class Deploys:
    """Deploys of different apps run side by side; those of one app in turn, as it has one layout.

    Other machines may publish the same app at the same time, and Modal keeps whichever comes last: a deploy that
    notices one looks again, and publishes both.
    """

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._past_return: set[asyncio.Task[None]] = set()

    async def deploy(self, client: modal.Client, params: DeployParams, context: RequestContext) -> dict[str, Json]:
        """Deploy and record; the protocol's result of `deployApp`."""
        signatures = {function.name: _inspect(function, context) for function in params.functions}
        dropped: frozenset[str] = frozenset()
        async with self._turns.setdefault(params.app, asyncio.Lock()):
            for attempt in range(_TRIES):
                with tempfile.TemporaryDirectory(prefix="cloudctl-", ignore_cleanup_errors=True) as scratch:
                    deploy = _Deploy(client, params, context, scratch, self._past_return)
                    try:
                        return await deploy.run(signatures, dropped, last=attempt == _TRIES - 1)
                    except _OvertakenError as overtaken:
                        dropped |= overtaken.dropped
                await asyncio.sleep(random.uniform(0, 1 + attempt))  # So that two do not meet again.
        raise AssertionError("the last try is never overtaken")


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

    async def run(self, given: Mapping[str, Signature], dropped: frozenset[str], *, last: bool) -> dict[str, Json]:
        """Deploy once, bringing back what was ``dropped``. Raises _OvertakenError unless it is the ``last`` try."""
        context, params = self._context, self._params
        context.progress("connect", "running", f"Looking at {params.app}")
        found, objects = await asyncio.gather(
            surroundings.look(self._client, params.app, context), named_objects.look_up(self._client, params.functions)
        )
        plan = self._plan(found, dropped)
        if not params.replace and (plan.foreign or plan.overwritten):
            plan = await self._refuse_foreign(plan, found, dropped)
        self._say_who_comes_back(found)
        plan = await self._fetch(plan, found)
        carried = [function for function in plan.functions if function.name in plan.carried]
        signatures = {**given, **{function.name: _inspect(function, context) for function in carried}}
        objects = objects.with_more(await named_objects.look_up(self._client, carried))
        context.progress("connect", "done", f"{params.app} has {len(found.live)} live functions")
        await recording.keep_packages(plan.functions, found, self._scratch, context)
        builder = AppBuilder(params.app, self._scratch, objects)
        built = builder.add([(function, signatures[function.name]) for function in plan.functions])
        try:
            published = await self._publish(builder.app, built, plan, found, dropped)
        except sdk_exception.ConflictError:
            if last or found.app_id is not None:
                raise
            raise _OvertakenError(frozenset()) from None  # Two first deploys; the other one made the app.
        if published.turn.overtaken or published.turn.foreign:
            await self._after_others(published.turn, found, last=last)
        return {
            "appId": published.app_id,
            "dashboardUrl": dashboard_url(published.app_id),
            "version": published.turn.version,
            "functions": [await _deployed(item) for item in built],
            "carried": [*sorted(plan.carried)],
            "warnings": context.warnings,
            "deployedAt": published.deployed_at,
        }

    def _plan(self, found: Found, dropped: frozenset[str]) -> DeployPlan:
        params = self._params
        return plan_deploy(
            params.functions, params.targets, params.known, found.live, found.known, found.broken, dropped
        )

    async def _refuse_foreign(self, plan: DeployPlan, found: Found, dropped: frozenset[str]) -> DeployPlan:
        """FOREIGN_FUNCTIONS, unless CloudCTL published what is live and all that the deploy meets is its target."""
        if found.app_id is None:
            return plan
        published = origin.Origin(ours=found.is_recorded)
        if not published.ours:
            published = await origin.published_as(self._client, found.app_id, found.version)
        if published.ours and plan.foreign:
            await surroundings.wait_for_records(self._params.app, found, plan.foreign)
            plan = self._plan(found, dropped)
        overwritten = () if published.ours else plan.overwritten
        if plan.foreign or overwritten:
            raise foreign_functions(self._params.app, plan.foreign, overwritten, published, found.broken)
        return plan

    async def _after_others(self, turn: origin.Turn, found: Found, *, last: bool) -> None:
        """Others published the app between the look and the publish, which has dropped what they brought.

        Whoever publishes later brings it back; so those who came after us take care of ours.
        """
        app, targets = self._params.app, {*self._params.targets}
        names: frozenset[str] = frozenset()
        if turn.overtaken:
            names = await surroundings.recorded_meanwhile(app, found, turn.overtaken, targets)
        if names and not last:
            raise _OvertakenError(names)
        self._context.warn(
            f"Somebody else published the app {app} at the same time, and Modal keeps the last publish alone. "
            "Make sure that nothing is missing: cloudctl list ai"
        )

    def _say_who_comes_back(self, found: Found) -> None:
        """Somebody stopped or dropped a neighbour since; publishing the app brings it to life again."""
        live = {function.name for function in found.live}
        gone = sorted({function.name for function in self._params.functions} - live - {*self._params.targets})
        if gone:
            names = ", ".join(f'"{name}"' for name in gone)
            self._context.warn(
                f"No longer live in {self._params.app}, and published again with it: {names}. "
                "To leave one out, forget it first: cloudctl ledger forget NAME."
            )

    async def _fetch(self, plan: DeployPlan, found: Found) -> DeployPlan:
        """Bring the packages of carried functions here; what cannot be brought counts as foreign."""
        directories: dict[str, str] = {}
        lost: dict[str, str] = {}
        functions: list[Function] = []
        for function in plan.functions:
            digest = function.package.digest
            if function.package.directory:
                functions.append(function)
                continue
            if digest not in directories and found.packages is not None:
                directory = str(Path(self._scratch, f"carried-{len(directories)}"))
                self._context.progress("upload", "running", f"Fetching the code of {function.name}")
                try:
                    await found.packages.get(digest, directory + ".tar.gz", directory)
                    directories[digest] = directory
                except (FileNotFoundError, ValueError, sdk_exception.NotFoundError) as error:
                    lost[function.name] = str(error)
            if digest in directories:
                functions.append(function.in_directory(directories[digest]))
        if lost and not self._params.replace:
            unknown = origin.Origin(ours=False)
            raise foreign_functions(self._params.app, sorted(lost), (), unknown, {**found.broken, **lost})
        kept = {function.name for function in functions}
        stale = tuple(sorted({*plan.stale, *(set(found.known) - kept)}))
        return DeployPlan(tuple(functions), plan.carried & kept, plan.foreign, plan.overwritten, stale)

    async def _publish(
        self, app: modal.App, built: list[Built], plan: DeployPlan, found: Found, dropped: frozenset[str]
    ) -> _Published:
        """Deploy and record. Cancelled before the publish, nothing is published; cancelled later, both are finished."""
        progress = DeployProgress(self._context, sum(1 + (item.companion is not None) for item in built))
        result: list[_Published] = []

        async def whole() -> None:
            with Listening(progress):
                self._context.progress("image", "running", "Preparing the image")
                name, tag = self._params.app, origin.new_tag()
                app_id, warnings = await sdk_deploy.deploy(app, name, self._client, tag)
            for warning in warnings:
                self._context.warn(warning)
            self._context.progress("publish", "done", f"{name} is published")
            live = await self._lifecycle(app_id)
            # Modal's clock: the records of several machines are compared by it.
            deployed_at = times.from_seconds(live.deployed_at) if live.deployed_at else times.now()
            turn = await origin.turn_of(self._client, app_id, tag, found.version, live.version)
            result.append(_Published(app_id, turn, deployed_at))
            records = recording.records_of(built, self._params, found.known, deployed_at, turn.version, dropped)
            stale = recording.without_young(plan.stale, found.known, live.deployed_at)
            await recording.record(name, records, stale, found, self._context)
            await recording.collect(records, found, live.deployed_at)

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
        return result[0]

    async def _abandon(self, app: modal.App, task: asyncio.Task[None]) -> None:
        """End a deploy that is no longer wanted, and tell Modal to drop an app that was only being created."""
        if task.done():
            return
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
        app_id = sdk_deploy.app_id_of(app)
        if app_id:
            with contextlib.suppress(Exception):  # Modal drops the app by itself when it hears nothing more.
                await asyncio.wait_for(sdk_apps.disconnect_app(self._client, app_id), 1.0)

    async def _lifecycle(self, app_id: str) -> sdk_apps.Lifecycle:
        """What Modal says of the version that is live now; nothing when it refuses."""
        try:
            return await sdk_apps.app_lifecycle(self._client, app_id)
        except Exception:  # noqa: BLE001 - it is published; not to know its version only costs a look at the history
            return sdk_apps.Lifecycle()


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
