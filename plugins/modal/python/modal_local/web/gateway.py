"""Web functions: one port each, so that absolute paths in apps work."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from modal_local.metadata import is_web, port_key, split_port_key
from modal_local.store.ports import HOST
from modal_local.web.exchange import Exchange, refuse

if TYPE_CHECKING:
    from modal_proto import api_pb2

    from modal_local.context import Stores
    from modal_local.runner.calls import CallBook
    from modal_local.runner.fleet import Fleet
    from modal_local.statedir import TokenPair
    from modal_local.store.apps import App
    from modal_local.store.blobs import BlobDirectory

_log = logging.getLogger(__name__)
_CLOSE_TIMEOUT = 1.0


class WebGateway:
    """Listens on the ports of web functions and turns requests into calls."""

    def __init__(self, stores: Stores, blobs: BlobDirectory, tokens: TokenPair, calls: CallBook, fleet: Fleet) -> None:
        """Nothing listens before :meth:`open`."""
        self._stores = stores
        self._blobs = blobs
        self._tokens = tokens
        self._calls = calls
        self._fleet = fleet
        self._servers: dict[str, tuple[asyncio.AbstractServer, web.Server]] = {}

    async def open(self) -> None:
        """Listen for every web function there is or was, so that stopped ones can say so."""
        for key in self._stores.ports.web_keys():
            await self._listen(key)

    async def listen_for(self, app: App) -> None:
        """Listen for the web functions of an app that was just published."""
        for row in self._stores.functions.live(app.app_id):
            definition = self._stores.functions.definition(row.definition_id) if row.definition_id else None
            if definition is not None and is_web(definition.webhook_config):
                await self._listen(port_key(app.environment, app.name, row.name))

    async def _listen(self, key: str) -> None:
        if key in self._servers:
            return

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._handle(key, request)

        # Handlers are cancelled when the client goes away: that is how functions learn of it.
        handler = web.Server(handle, handler_cancellation=True, access_log=None)
        listener = self._stores.ports.bind(key)
        server = await asyncio.get_running_loop().create_server(handler, sock=listener)
        self._servers[key] = (server, handler)

    async def _handle(self, key: str, request: web.BaseRequest) -> web.StreamResponse:
        environment, app_name, function_name = split_port_key(key)
        found = self._find(environment, app_name, function_name)
        if isinstance(found, str):
            return refuse(404, found)
        function_id, definition = found
        if definition.webhook_config.requires_proxy_auth and not self._authorised(request):
            return refuse(401, "modal-http: missing credentials for proxy authorization")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return refuse(501, "modal-http: Local Modal does not serve websockets yet")
        server = (HOST, self._stores.ports.port(key))
        return await Exchange(self._calls, self._fleet, self._read_blob, function_id, request, server).run()

    def _read_blob(self, blob_id: str) -> bytes:
        sha256 = self._stores.blobs.get(blob_id)
        return self._blobs.path(sha256).read_bytes() if sha256 is not None else b""

    def _find(self, environment: str, app_name: str, name: str) -> tuple[str, api_pb2.Function] | str:
        """Return the live function, or why there is none."""
        app = self._stores.apps.deployed(environment, app_name) or self._run_of(environment, app_name)
        if app is None:
            return "modal-http: app for invoked web endpoint is stopped"
        row = self._stores.functions.named(app.app_id, name)
        definition = self._stores.functions.definition(row.definition_id) if row and row.definition_id else None
        if row is None or definition is None or not is_web(definition.webhook_config):
            return f"modal-http: app '{app_name}' has no web function '{name}' any more"
        return row.function_id, definition

    def _run_of(self, environment: str, app_name: str) -> App | None:
        runs = [app for app in self._stores.apps.listed(environment) if app.running and app.name == app_name]
        return runs[0] if runs else None

    def _authorised(self, request: web.BaseRequest) -> bool:
        key = request.headers.get("Modal-Key", "")
        secret = request.headers.get("Modal-Secret", "")
        return self._tokens.matches(key, secret)

    async def close(self) -> None:
        """Stop listening and end what is being answered."""
        servers, self._servers = self._servers, {}
        for server, _ in servers.values():
            server.close()
        await asyncio.gather(*(handler.shutdown(_CLOSE_TIMEOUT) for _, handler in servers.values()))
