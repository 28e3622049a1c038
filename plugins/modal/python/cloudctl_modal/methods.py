"""The methods that need modal. Importing this module imports modal; warmup.py does so in a thread."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from cloudctl_modal import calling, fetching, listing, observing, progress
from cloudctl_modal.deploy import Deploys
from cloudctl_modal.errors import BridgeError, Json
from cloudctl_modal.params import (
    CallParams,
    CreateVolumeParams,
    DeployParams,
    FetchPackageParams,
    LayoutParams,
    ObserveParams,
    Params,
)
from cloudctl_modal.session import Session

if TYPE_CHECKING:
    from cloudctl_modal.context import RequestContext


class Methods:
    """Runs a method against the one session of this process."""

    def __init__(self) -> None:
        progress.install()
        self._session = Session()
        self._deploys = Deploys()

    async def run(self, method: str, params: Params, context: RequestContext) -> dict[str, Json]:
        """The result of a method, or BridgeError."""
        return await self._session.guarded(self._answer(method, params, context))

    async def _answer(self, method: str, params: Params, context: RequestContext) -> dict[str, Json]:
        if _reads_files(params):
            # The records are read over HTTP. Its library takes a while to import, so it is on its way meanwhile.
            asyncio.get_running_loop().run_in_executor(None, importlib.import_module, "aiohttp")
        client = await self._session.client()
        if isinstance(params, DeployParams):
            return await self._deploys.deploy(client, params, context)
        if isinstance(params, CallParams):
            return await calling.call(client, params, context)
        if isinstance(params, LayoutParams):
            return await listing.layout(client, params.app, context)
        if isinstance(params, ObserveParams):
            return await observing.observe(client, params, context)
        if isinstance(params, FetchPackageParams):
            return await fetching.fetch_package(client, params)
        if isinstance(params, CreateVolumeParams):
            return await listing.create_volume(client, params.name)
        if method == "whoami":
            return await listing.whoami(client)
        if method == "listFunctions":
            return await listing.list_functions(client, context)
        if method == "listVolumes":
            return await listing.list_volumes(client, context)
        raise BridgeError("UNKNOWN_METHOD", f"There is no method {method!r}.")


def _reads_files(params: Params) -> bool:
    if isinstance(params, ObserveParams):
        return observing.needs_records(params)
    return isinstance(params, DeployParams | CallParams | LayoutParams | FetchPackageParams)
