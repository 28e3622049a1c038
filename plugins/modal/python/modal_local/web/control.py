"""The control server: status, shutdown, pages about apps, and transfers through signed URLs."""

from __future__ import annotations

import asyncio
import html
import os
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web
from modal_proto import api_pb2

from modal_local.metadata import is_web, web_url
from modal_local.web.transfers import Transfers

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from modal_local.context import Context

_STATES = {
    api_pb2.APP_STATE_DEPLOYED: "deployed",
    api_pb2.APP_STATE_EPHEMERAL: "running",
    api_pb2.APP_STATE_DETACHED: "running",
    api_pb2.APP_STATE_STOPPED: "stopped",
}


class ControlServer:
    """Answers on its own port. What changes or reveals something needs the token pair."""

    def __init__(self, context: Context, stop: Callable[[], None]) -> None:
        """``stop`` is called when a client asks the server to end."""
        self._context = context
        self._stop = stop
        application = web.Application(client_max_size=0)
        transfers = Transfers(context)
        application.router.add_get("/status", self._status)
        application.router.add_post("/shutdown", self._shutdown)
        application.router.add_get("/apps/{app_id}", self._app_page)
        application.router.add_put("/t/{signature}/{kind}/{rest:.+}", transfers.put)
        application.router.add_get("/t/{signature}/{kind}/{rest:.+}", transfers.get)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)

    async def open(self, listener: socket.socket) -> None:
        """Begin to answer on a listening socket."""
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def close(self) -> None:
        """Stop answering."""
        await self._runner.cleanup()

    def _require_tokens(self, request: web.Request) -> None:
        key = request.headers.get("Modal-Key", "")
        secret = request.headers.get("Modal-Secret", "")
        if not self._context.tokens.matches(key, secret):
            raise web.HTTPUnauthorized(text="Send the server's token pair as Modal-Key and Modal-Secret.\n")

    async def _status(self, request: web.Request) -> web.Response:
        self._require_tokens(request)
        context = self._context
        apps = [app for app in context.stores.apps.listed() if app.running]
        isolation = await context.fleet.isolation()
        document = {
            "pid": os.getpid(),
            "version": context.version,
            "sdk_version": context.sdk_version,
            "started_at": datetime.fromtimestamp(context.started_at, timezone.utc).isoformat(),
            "url": context.url,
            "control_url": context.control_url,
            "state": str(context.state.root),
            "isolation": isolation.name.lower(),
            "apps": len(apps),
            "functions": sum(len(context.stores.functions.live(app.app_id)) for app in apps),
            "volumes": context.stores.volumes.count(),
            "containers": len(list(context.fleet.containers())),
            "active_calls": context.calls.active_calls(),
        }
        return web.json_response(document)

    async def _shutdown(self, request: web.Request) -> web.Response:
        self._require_tokens(request)
        # After the answer is out.
        asyncio.get_running_loop().call_later(0.05, self._stop)
        return web.json_response({"stopping": True, "pid": os.getpid()}, status=HTTPStatus.ACCEPTED)

    async def _app_page(self, request: web.Request) -> web.Response:
        """Show an app to a person. Its id cannot be guessed, and there are no values on the page."""
        context = self._context
        app = context.stores.apps.get(request.match_info["app_id"])
        if app is None:
            raise web.HTTPNotFound(text="There is no such app.\n")
        rows = []
        for row in context.stores.functions.live(app.app_id):
            definition = context.stores.functions.definition(row.definition_id) if row.definition_id else None
            if definition is None:
                continue
            stats = context.fleet.pool(row.function_id).stats()
            url = web_url(context.stores.ports, app, row.name) if is_web(definition.webhook_config) else ""
            link = f'<a href="{html.escape(url)}">{html.escape(url)}</a>' if url else "-"
            rows.append(
                f"<tr><td>{html.escape(row.name)}</td><td>{row.function_id}</td><td>{link}</td>"
                f"<td>{stats.num_total_tasks}</td><td>{stats.backlog}</td></tr>"
            )
        name = html.escape(app.name)
        text = (
            f"<!doctype html><meta charset=utf-8><title>{name} - Local Modal</title>"
            "<style>body{font:16px system-ui;margin:2rem}td,th{padding:.2rem 1rem .2rem 0;text-align:left}</style>"
            f"<h1>{name}</h1><p>{_STATES.get(app.state, 'unknown')}, version {app.version}, {app.app_id}</p>"
            "<table><tr><th>Function<th>Id<th>URL<th>Containers<th>Waiting</tr>" + "".join(rows) + "</table>"
        )
        return web.Response(text=text, content_type="text/html", charset="utf-8")
