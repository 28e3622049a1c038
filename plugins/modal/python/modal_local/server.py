"""Puts the server together, starts it, ends it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from datetime import datetime, timezone
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

from grpclib.config import Configuration
from grpclib.server import Server as GrpcServer

from modal_local import limits
from modal_local.auth import Authenticator
from modal_local.context import Context, Stores
from modal_local.dispatch import Servicer
from modal_local.lifecycle import AppLifecycles
from modal_local.runner.calls import CallBook
from modal_local.runner.fleet import Fleet
from modal_local.runner.specs import SpecMaker
from modal_local.services.apps import AppService
from modal_local.services.calls import CallService
from modal_local.services.containers import ContainerService
from modal_local.services.environments import EnvironmentService
from modal_local.services.functions import FunctionService
from modal_local.services.images import ImageService
from modal_local.services.logs import LogService
from modal_local.services.mounts import MountService
from modal_local.services.secrets import SecretService
from modal_local.services.volume_files import VolumeFileService
from modal_local.services.volumes import VolumeService
from modal_local.signing import UrlSigner
from modal_local.statedir import write_atomically
from modal_local.store.apps import AppStore
from modal_local.store.blobs import BlobDirectory
from modal_local.store.database import Database
from modal_local.store.functions import FunctionStore
from modal_local.store.logs import LogStore
from modal_local.store.named import SecretStore, VolumeStore
from modal_local.store.objects import BlobStore, EnvironmentStore, ImageStore, MountStore
from modal_local.store.ports import HOST, PortBook
from modal_local.volumes import VolumeFiles
from modal_local.web.control import ControlServer
from modal_local.web.gateway import WebGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from modal_local.statedir import StateDirectory

_log = logging.getLogger(__name__)
LOG_LEVEL_SWITCH = "MODAL_LOCAL_LOGLEVEL"
"""Environment variable for the level of the server's own log: ``INFO`` unless set, ``DEBUG`` names every RPC."""

_WINDOW = 16 * 1024 * 1024
_SWEEP_INTERVAL = 30.0
_STEP_TIMEOUT = 1.5


async def run_server(state: StateDirectory, version: str) -> int:
    """Serve until SIGTERM, SIGINT or a request to shut down; return the exit code."""
    logging.basicConfig(
        level=os.environ.get(LOG_LEVEL_SWITCH, "INFO").upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    # grpclib mentions every request that a client gives up; long polls are given up all the time.
    logging.getLogger("grpclib").setLevel(logging.WARNING)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = LocalModal(state, version, stopping.set)
    try:
        await server.open()
        await stopping.wait()
    finally:
        await server.close()
    return 0


class LocalModal:
    """The server as a whole."""

    def __init__(self, state: StateDirectory, version: str, stop: Callable[[], None]) -> None:
        """Open the stores. ``stop`` is called when a client asks the server to end."""
        self._state = state
        self._database = Database(state.database)
        database = self._database
        ports = PortBook(database)
        stores = Stores(
            database=database,
            apps=AppStore(database),
            functions=FunctionStore(database),
            mounts=MountStore(database),
            images=ImageStore(database),
            blobs=BlobStore(database),
            environments=EnvironmentStore(database),
            volumes=VolumeStore(database),
            secrets=SecretStore(database),
            ports=ports,
        )
        tokens = state.tokens()
        blobs = BlobDirectory(state.blobs)
        volumes = VolumeFiles(state.volumes)
        logs = LogStore(database)
        calls = CallBook()
        specs = SpecMaker(stores, blobs, volumes)
        fleet = Fleet(state.root, state.run, calls, specs, logs)
        self._grpc_socket = ports.bind("grpc")
        self._control_socket = ports.bind("control")
        control_url = f"http://{HOST}:{ports.port('control')}"
        self.context = Context(
            state=state,
            tokens=tokens,
            stores=stores,
            blobs=blobs,
            volumes=volumes,
            signer=UrlSigner(database, control_url),
            logs=logs,
            calls=calls,
            specs=specs,
            fleet=fleet,
            gateway=WebGateway(stores, blobs, tokens, calls, fleet),
            version=version,
            sdk_version=installed_version("modal"),
            started_at=time.time(),
            url=f"http://{HOST}:{ports.port('grpc')}",
            control_url=control_url,
        )
        specs.server_url = self.context.url
        self._lifecycles = AppLifecycles(self.context)
        self._control = ControlServer(self.context, stop)
        self._grpc = GrpcServer(
            [self._servicer()],
            config=Configuration(http2_connection_window_size=_WINDOW, http2_stream_window_size=_WINDOW),
        )
        self._sweeper: asyncio.Task[None] | None = None

    def _servicer(self) -> Servicer:
        context = self.context
        services = (
            EnvironmentService(context),
            AppService(context, self._lifecycles),
            FunctionService(context),
            CallService(context),
            ContainerService(context),
            MountService(context),
            ImageService(context),
            SecretService(context),
            VolumeService(context),
            VolumeFileService(context),
            LogService(context),
        )
        return Servicer(services, Authenticator(context.tokens, context.fleet))

    async def open(self) -> None:
        """Start everything; when this returns, clients are served and ``server.json`` says where."""
        context = self.context
        self._clean_up()
        await self._grpc.start(sock=self._grpc_socket)
        await self._control.open(self._control_socket)
        await context.gateway.open()
        context.fleet.open()
        self._lifecycles.start()
        self._announce()
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())
        _log.info("Local Modal serves %s at %s", self._state.root, context.url)

    def _clean_up(self) -> None:
        """Remove what an earlier server left behind when it was killed."""
        self._lifecycles.sweep(starting=True)
        for entry in self._state.run.iterdir():
            shutil.rmtree(entry, ignore_errors=True)
        for block in self._state.blocks.iterdir():
            block.unlink(missing_ok=True)
        stores = self.context.stores
        for volume in stores.volumes.ephemeral():
            stores.volumes.delete(volume.volume_id)
        self.context.volumes.sweep(stores.volumes.all_ids())
        stores.blobs.forget_before(time.time() - limits.BLOB_LIFETIME)
        used = stores.mounts.all_hashes() | stores.blobs.all_hashes()
        for sha256 in list(self.context.blobs.all()):
            if sha256 not in used:
                self.context.blobs.remove(sha256)

    def _announce(self) -> None:
        context = self.context
        document = {
            "pid": os.getpid(),
            "version": context.version,
            "sdk_version": context.sdk_version,
            "url": context.url,
            "control_url": context.control_url,
            "token_id": context.tokens.token_id,
            "token_secret": context.tokens.token_secret,
            "started_at": datetime.fromtimestamp(context.started_at, timezone.utc).isoformat(),
        }
        write_atomically(self._state.server_file, json.dumps(document, indent=2).encode())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_INTERVAL)
            try:
                self._lifecycles.sweep()
            except Exception:  # noqa: BLE001 - the sweeper has to go on
                _log.exception("sweeping")

    async def close(self) -> None:
        """End containers, stop serving, close the database. Takes five seconds at most."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        context = self.context
        # Containers first, while they can still reach the server to end in good order.
        await context.fleet.close()
        with suppress(RuntimeError):  # not started yet
            self._grpc.close()
        for step in (context.gateway.close(), self._control.close(), self._grpc.wait_closed()):
            with suppress(asyncio.TimeoutError, RuntimeError):
                await asyncio.wait_for(step, _STEP_TIMEOUT)
        context.logs.flush()
        self._database.close()
        self._state.clear()
        _log.info("Local Modal has ended")
