"""A relay in front of Local Modal that counts calls, and answers some of them as a Modal in trouble would."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import grpclib.client
import grpclib.server
from grpclib import GRPCError
from grpclib.const import Cardinality, Handler
from modal._utils.grpc_utils import custom_detail_codec
from modal_proto import api_grpc
from typing_extensions import Self

# A fault gets the request and a function that asks the real server; it returns a reply, a list of replies, or raises.
Ask = Callable[[], Awaitable[Any]]
Fault = Callable[[Any, Ask], Awaitable[Any]]


def _protocol() -> dict[str, Handler]:
    base: Any = type("Reference", (api_grpc.ModalClientBase,), {})
    base.__abstractmethods__ = frozenset()
    mapping: dict[str, Handler] = base().__mapping__()
    return mapping


class Relay:
    """``with Relay(url) as relay:`` then ``relay.url``, ``relay.seen`` and ``relay.faults``."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.removeprefix("http://").partition(":")
        self._upstream = (host, int(port))
        self.faults: dict[str, Fault] = {}
        self.seen: list[str] = []
        self.url = ""
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._channel = grpclib.client.Channel(*self._upstream, status_details_codec=custom_detail_codec)
        server = grpclib.server.Server([self], status_details_codec=custom_detail_codec)
        await server.start("127.0.0.1", 0)
        listening: Any = server._server
        self.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        self._channel.close()

    def __mapping__(self) -> dict[str, Handler]:
        return {
            path: Handler(self._handler(path, known), known.cardinality, known.request_type, known.reply_type)
            for path, known in _protocol().items()
            if known.cardinality in (Cardinality.UNARY_UNARY, Cardinality.UNARY_STREAM)
        }

    def _handler(self, path: str, known: Handler) -> Callable[[Any], Awaitable[None]]:
        name = path.rpartition("/")[2]

        async def handle(stream: Any) -> None:
            request = await stream.recv_message()
            self.seen.append(name)
            metadata = [(key, value) for key, value in stream.metadata.items() if key.startswith("x-")]

            async def ask() -> Any:
                if known.cardinality is Cardinality.UNARY_UNARY:
                    unary: Any = grpclib.client.UnaryUnaryMethod(
                        self._channel, path, known.request_type, known.reply_type
                    )
                    return await unary(request, metadata=metadata)
                streaming: Any = grpclib.client.UnaryStreamMethod(
                    self._channel, path, known.request_type, known.reply_type
                )
                return await streaming(request, metadata=metadata)

            fault = self.faults.get(name)
            try:
                reply = await (fault(request, ask) if fault else ask())
            except GRPCError as error:
                raise GRPCError(error.status, error.message, error.details) from None
            for part in reply if isinstance(reply, list) else [reply]:
                await stream.send_message(part)

        return handle
