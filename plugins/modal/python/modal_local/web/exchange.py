"""One HTTP request to a web function: body in, response out, both streamed through the function's container."""

from __future__ import annotations

import asyncio
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import web
from modal_proto import api_pb2
from multidict import CIMultiDict

from modal_local import limits
from modal_local.runner.calls import Call, InputState

if TYPE_CHECKING:
    from collections.abc import Callable

    from modal_local.runner.calls import CallBook, Input
    from modal_local.runner.fleet import Fleet

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection", "te"})
_DISCONNECT_GRACE = 5.0
_PICKLE_PROTOCOL = 4


def refuse(status: int, message: str) -> web.Response:
    """Answer in place of a function."""
    return web.Response(status=status, text=message + "\n")


class Exchange:
    """The life of one request."""

    def __init__(
        self,
        calls: CallBook,
        fleet: Fleet,
        read_blob: Callable[[str], bytes],
        function_id: str,
        request: web.BaseRequest,
        server: tuple[str, int],
    ) -> None:
        """Prepare the call; nothing runs before :meth:`run`."""
        self._calls = calls
        self._fleet = fleet
        self._read_blob = read_blob
        self._request = request
        self._server = server
        self._call = Call(
            function_id,
            api_pb2.FUNCTION_CALL_TYPE_UNARY,
            # Nobody retries a web request: the body is gone once it was read.
            api_pb2.FUNCTION_CALL_INVOCATION_TYPE_SYNC,
            bounded_data_out=True,
        )

    async def run(self) -> web.StreamResponse:
        """Run the function and answer with what it sends."""
        self._calls.add(self._call)
        payload = api_pb2.FunctionInput(
            # The container wants positional and keyword arguments, pickled: one argument, the ASGI scope.
            args=pickle.dumps(((self._scope(),), {}), protocol=_PICKLE_PROTOCOL),
            data_format=api_pb2.DATA_FORMAT_PICKLE,
        )
        item = self._calls.add_input(self._call, 0, payload)
        feeder = asyncio.ensure_future(self._feed(item))
        finished = False
        try:
            self._fleet.submit(item)
            response = await self._respond(item)
            finished = True
            return response
        finally:
            feeder.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await feeder
            if finished or item.state is InputState.DONE:
                self._release(item)
            else:
                self._abandon(item)

    def _scope(self) -> dict[str, object]:
        request = self._request
        raw_path, _, query = request.raw_path.partition("?")
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        version = "1.0" if request.version < (1, 1) else "1.1"
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": version,
            "method": request.method,
            "scheme": "http",
            "path": unquote(raw_path) or "/",
            "raw_path": raw_path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower(), value) for name, value in request.raw_headers],
            "client": (str(peer[0]), int(peer[1])) if peer else None,
            "server": self._server,
            "extensions": {},
        }

    async def _feed(self, item: Input) -> None:
        """Pass the request body on, no faster than the function reads it, then watch nothing more."""
        stream = self._call.data_in
        content = self._request.content
        while True:
            data = await content.read(limits.WEB_CHUNK)
            more = not content.at_eof() if data else False
            message = api_pb2.Asgi(http_request=api_pb2.Asgi.HttpRequest(body=data, more_body=more))
            stream.append(message.SerializeToString(), api_pb2.DATA_FORMAT_ASGI)
            if not more:
                return
            while stream.waiting_bytes > limits.WEB_BUFFER and item.state is not InputState.DONE:
                await stream.bell.wait(limits.HELD_STREAM)

    async def _respond(self, item: Input) -> web.StreamResponse:
        response: web.StreamResponse | None = None
        index = 1
        while True:
            message = await self._next_message(item, index)
            index += 1
            if message is None:
                return await self._give_up(item, response)
            kind = message.WhichOneof("type")
            if kind == "http_response_start" and response is None:
                response = await self._start(message.http_response_start)
            elif kind == "http_response_body" and response is not None:
                body = message.http_response_body
                if body.body:
                    await response.write(body.body)
                if not body.more_body:
                    await response.write_eof()
                    return response

    async def _next_message(self, item: Input, index: int) -> api_pb2.Asgi | None:
        """Return the next message of the function, or None when it has ended without one."""
        while True:
            chunk = self._call.data_out.take(index)
            if chunk is not None:
                message: api_pb2.Asgi = api_pb2.Asgi.FromString(self._content(chunk))
                return message
            if item.state is InputState.DONE:
                return None
            await self._call.data_out.bell.wait(limits.HELD_STREAM)

    def _content(self, chunk: api_pb2.DataChunk) -> bytes:
        return self._read_blob(chunk.data_blob_id) if chunk.data_blob_id else chunk.data

    async def _start(self, start: api_pb2.Asgi.HttpResponseStart) -> web.StreamResponse:
        headers: CIMultiDict[str] = CIMultiDict()
        for name, value in zip(start.headers[::2], start.headers[1::2], strict=False):
            if name.decode("latin-1").lower() not in _HOP_BY_HOP:
                headers.add(name.decode("latin-1"), value.decode("latin-1"))
        response = web.StreamResponse(status=start.status, headers=headers)
        await response.prepare(self._request)
        return response

    async def _give_up(self, item: Input, response: web.StreamResponse | None) -> web.StreamResponse:
        result = item.output.result if item.output is not None else api_pb2.GenericResult()
        if response is not None:
            # Half of the answer is out already: break the connection so that nobody takes it for the whole.
            if self._request.transport is not None:
                self._request.transport.abort()
            return response
        if result.status == api_pb2.GenericResult.GENERIC_STATUS_TIMEOUT:
            return refuse(504, f"modal-http: the function timed out: {result.exception}")
        if result.status == api_pb2.GenericResult.GENERIC_STATUS_SUCCESS:
            return refuse(500, "modal-http: the function ended without an answer")
        if result.status == api_pb2.GenericResult.GENERIC_STATUS_TERMINATED:
            return refuse(503, f"modal-http: {result.exception or 'the call was cancelled'}")
        first_line = result.exception.partition("\n")[0]
        return refuse(500, f"modal-http: internal error: function raised {first_line}")

    def _abandon(self, item: Input) -> None:
        """The client went away: tell the function, and end its work on this request if it goes on regardless."""
        message = api_pb2.Asgi(http_disconnect=api_pb2.Asgi.HttpDisconnect())
        self._call.data_in.append(message.SerializeToString(), api_pb2.DATA_FORMAT_ASGI)
        # Nobody takes the rest of the answer: let the function write it into the void.
        self._call.bounded_data_out = False
        self._call.data_out.bell.ring()
        asyncio.get_running_loop().call_later(_DISCONNECT_GRACE, self._end, item)

    def _end(self, item: Input) -> None:
        if item.state is not InputState.DONE:
            self._fleet.cancel(item, "The client went away.")
        self._calls.drop(self._call.call_id)

    def _release(self, item: Input) -> None:
        """The answer is complete. The function may still work a little after it; forget the call when it is done."""
        self._call.bounded_data_out = False
        self._call.data_out.bell.ring()
        if item.state is InputState.DONE:
            self._calls.drop(self._call.call_id)
