"""One connection to Modal for all requests, and a watch that notices a dead one."""

from __future__ import annotations

import asyncio
import importlib.util
import time
import urllib.parse
from typing import TYPE_CHECKING, Any, TypeVar

from cloudctl_modal import sdk, sdk_errors
from cloudctl_modal.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import modal

R = TypeVar("R")

_DEADLINE = 6.5  # Seconds in which a server must have answered; the protocol promises 8.
_CONNECT = 4.0  # Seconds for one TCP connection.
_FRESH = 5.0  # Seconds for which an answer counts as proof that the server is there,
_PATIENCE = 1.0  # and seconds after which it counts no longer.


class Session:
    """Opens the client when it is first needed."""

    def __init__(self) -> None:
        self._client: modal.Client | None = None
        self._opening = asyncio.Lock()
        self._heard = float("-inf")
        self._probe: asyncio.Task[None] | None = None

    async def client(self) -> modal.Client:
        """The client. BridgeError when there are no usable credentials."""
        async with self._opening:
            if self._client is None:
                try:
                    self._client = await sdk.connect()
                except Exception as error:  # noqa: BLE001 - translated, or raised again
                    raise sdk_errors.translate(error, server()) or error from None
                sdk.forget_credentials()
            return self._client

    async def guarded(self, work: Coroutine[Any, Any, R]) -> R:
        """Run ``work``; when Modal does not answer, fail in seconds and not in the SDK's one to three minutes.

        The proof that the server is there runs beside the work, so a healthy connection costs no extra time.
        """
        if self._client is None and not sdk.has_credentials():
            work.close()
            raise BridgeError("AUTH", "There are no credentials for Modal: a token has an id and a secret.")
        sdk.prepare_environment()
        task = asyncio.ensure_future(work)
        try:
            if time.monotonic() - self._heard < _FRESH:
                await asyncio.wait({task}, timeout=_PATIENCE)
            if not task.done():
                if self._probe is None or self._probe.done():
                    self._probe = asyncio.ensure_future(self._check())
                probe = self._probe
                await asyncio.wait({task, probe}, return_when=asyncio.FIRST_COMPLETED)
                if probe.done() and not task.done():
                    failure = probe.exception()
                    if failure is not None:
                        raise failure
            result = await asyncio.shield(task)
            self._heard = time.monotonic()
            return result
        except Exception as error:  # noqa: BLE001 - translated, or raised again
            raise sdk_errors.translate(error, server()) or error from None
        finally:
            if not task.done():
                task.cancel()
                # Its clean-up may tell the server that an app is not coming; the reply need not wait for it.
                await asyncio.wait({task}, timeout=1.5)
            if task.done() and not task.cancelled():
                task.exception()  # Taken notice of: asyncio must not complain about it later.

    async def _check(self) -> None:
        try:
            await asyncio.wait_for(self._reach(), _DEADLINE)
        except asyncio.TimeoutError:
            raise sdk_errors.unreachable(server(), "no answer") from None
        self._heard = time.monotonic()

    async def _reach(self) -> None:
        await _preflight(sdk.server_urls())
        await sdk.hello(await self.client())


def server() -> str:
    """The server that messages name."""
    urls = sdk.server_urls()
    return urls[0] if urls else ""


async def _preflight(urls: list[str]) -> None:
    """Return when one of the servers (or the proxy before it) takes a TCP connection; else UNREACHABLE."""
    attempts = [asyncio.ensure_future(_connect(url)) for url in urls]
    reasons: list[str] = []
    try:
        for attempt in asyncio.as_completed(attempts):
            try:
                await attempt
                return
            except (OSError, asyncio.TimeoutError, ValueError) as error:  # noqa: PERF203 - each is one of the tries
                reasons.append(_reason(error))
    finally:
        for attempt in attempts:
            attempt.cancel()
    raise sdk_errors.unreachable(server(), reasons[0] if reasons else "")


def _reason(error: BaseException) -> str:
    import socket

    if isinstance(error, socket.gaierror):
        return "the name cannot be resolved"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, asyncio.TimeoutError):
        return "no answer"
    return getattr(error, "strerror", None) or str(error)


async def _connect(url: str) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "unix":
        return
    use_ssl = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port or (443 if use_ssl else 80)
    proxy = sdk.proxy_for(host, use_ssl)
    if proxy:
        if importlib.util.find_spec("python_socks") is None:
            raise ValueError("a proxy is set, and the package python-socks, which Modal's SDK needs for it, is missing")
        # Only the proxy may be able to resolve and reach the server.
        to = urllib.parse.urlsplit(proxy)
        default = 1080 if to.scheme.startswith("socks") else 443 if to.scheme == "https" else 80
        host, port = to.hostname or "", to.port or default
    opening = asyncio.open_connection(host, port, happy_eyeballs_delay=0.25)
    try:
        _, writer = await asyncio.wait_for(opening, _CONNECT)
    except (OSError, asyncio.TimeoutError) as error:
        if proxy:
            raise ValueError(f"{_reason(error)} by the proxy, {host}:{port}") from error
        raise
    writer.close()
