"""Composes services into one gRPC servicer; what no service offers is answered with UNIMPLEMENTED."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeVar

from grpclib import GRPCError, Status
from grpclib.const import Handler
from modal_proto import api_grpc

from modal_local.errors import unimplemented

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from grpclib.server import Stream

    from modal_local.auth import Authenticator, Caller
    from modal_local.protobuf import Message

    Unary = Callable[[Message, Caller], Awaitable[Message]]
    Streaming = Callable[[Message, Caller], AsyncIterator[Message]]

_log = logging.getLogger(__name__)
_MARK = "modal_local_rpc"

Method = TypeVar("Method")


def unary(rpc: str) -> Callable[[Method], Method]:
    """Mark ``async def method(self, request, caller) -> response`` as the handler of an RPC."""

    def mark(method: Method) -> Method:
        setattr(method, _MARK, (rpc, False))
        return method

    return mark


def streaming(rpc: str) -> Callable[[Method], Method]:
    """Mark ``async def method(self, request, caller)`` that yields responses as the handler of an RPC."""

    def mark(method: Method) -> Method:
        setattr(method, _MARK, (rpc, True))
        return method

    return mark


class Servicer:
    """What grpclib serves: one handler for every RPC of the protocol."""

    def __init__(self, services: Iterable[object], authenticator: Authenticator) -> None:
        """Collect the marked methods of ``services``. An RPC may be offered once, and must exist."""
        self._authenticator = authenticator
        unaries: dict[str, Unary] = {}
        streams: dict[str, Streaming] = {}
        for service in services:
            for name in dir(service):
                method = getattr(service, name)
                rpc, is_stream = getattr(method, _MARK, ("", False))
                if rpc in unaries or rpc in streams:
                    message = f"{rpc} is offered twice"
                    raise RuntimeError(message)
                if rpc and is_stream:
                    streams[rpc] = method
                elif rpc:
                    unaries[rpc] = method
        self._mapping: dict[str, Handler] = {}
        for path, known in _protocol().items():
            rpc = path.rsplit("/", 1)[1]
            if rpc in unaries:
                handle = self._unary(rpc, unaries.pop(rpc))
            elif rpc in streams:
                handle = self._stream(rpc, streams.pop(rpc))
            else:
                handle = self._refuse(rpc)
            self._mapping[path] = Handler(handle, known.cardinality, known.request_type, known.reply_type)
        if unaries or streams:
            message = f"not in the protocol of this SDK: {sorted({*unaries, *streams})}"
            raise RuntimeError(message)

    def __mapping__(self) -> dict[str, Handler]:
        """Return the handlers by path, as grpclib wants them."""
        return self._mapping

    def _unary(self, rpc: str, method: Unary) -> Callable[[Stream[Message, Message]], Awaitable[None]]:
        async def handle(stream: Stream[Message, Message]) -> None:
            caller = self._authenticator.authenticate(rpc, stream.metadata or {})
            request = await stream.recv_message()
            if request is None:
                return
            _log.debug("%s from %s", rpc, caller)
            try:
                response = await method(request, caller)
            except (GRPCError, asyncio.CancelledError):
                raise
            except Exception as error:
                raise _internal(rpc, error) from error
            await stream.send_message(response)
            _log.debug("%s for %s answered", rpc, caller)

        return handle

    def _stream(self, rpc: str, method: Streaming) -> Callable[[Stream[Message, Message]], Awaitable[None]]:
        async def handle(stream: Stream[Message, Message]) -> None:
            caller = self._authenticator.authenticate(rpc, stream.metadata or {})
            request = await stream.recv_message()
            if request is None:
                return
            try:
                async for response in method(request, caller):
                    await stream.send_message(response)
            except (GRPCError, asyncio.CancelledError):
                raise
            except Exception as error:
                raise _internal(rpc, error) from error

        return handle

    def _refuse(self, rpc: str) -> Callable[[Stream[Message, Message]], Awaitable[None]]:
        async def handle(stream: Stream[Message, Message]) -> None:
            self._authenticator.authenticate(rpc, stream.metadata or {})
            await stream.recv_message()
            raise unimplemented(rpc)

        return handle


def _internal(rpc: str, error: Exception) -> GRPCError:
    _log.exception("%s", rpc)
    return GRPCError(Status.INTERNAL, f"Local Modal failed in {rpc}: {error!r}. Its log has the details.")


def _protocol() -> dict[str, Handler]:
    """Return path, cardinality and message types of every RPC that the installed SDK knows."""
    base = api_grpc.ModalClientBase
    names = {name: (lambda _self, _stream: None) for name in base.__abstractmethods__}
    concrete = type("Protocol", (base,), names)
    mapping: dict[str, Handler] = concrete().__mapping__()
    return mapping
