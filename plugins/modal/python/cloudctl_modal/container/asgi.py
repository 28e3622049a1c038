"""A handler as an ASGI application: JSON in, JSON out."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import json
import sys
import traceback
import urllib.parse
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, TypeVar

from cloudctl_modal.container.arguments import BadArgumentsError, Slot, bind_input
from cloudctl_modal.container.jsonable import NotJsonError, encode_json, type_name

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Result = TypeVar("Result")

_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
_JSON = "application/json"
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


class _RefusedError(Exception):
    """An answer that is no success: status, type and message of the error."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


class _GoneError(Exception):
    """The client left before its body had come whole."""


def _content_type(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), "application/octet-stream")


def _not_a_number(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _parse(body: bytes) -> object:
    try:
        value: object = json.loads(body, parse_constant=_not_a_number)
    except (ValueError, RecursionError) as error:
        raise _RefusedError(400, "InvalidJSON", f"the body is not JSON: {error}") from None
    return value


def _query(scope: Mapping[str, Any]) -> dict[str, object]:
    """The query as an object: text, or a list of texts where a key is repeated."""
    raw: bytes = scope.get("query_string") or b""
    found = urllib.parse.parse_qs(raw.decode("latin-1"), keep_blank_values=True)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        chunks.append(message.get("body") or b"")
        if not message.get("more_body"):
            return b"".join(chunks)


class _Worker:
    """One thread for one request: a handler that blocks must not stop the event loop."""

    def __init__(self) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(1, "handler")
        self._context = contextvars.copy_context()

    async def run(self, work: Callable[[], Result]) -> Result:
        def guarded() -> Result:
            try:
                return self._context.run(work)
            except (SystemExit, KeyboardInterrupt, StopIteration) as error:
                # The first two would end the event loop, the third cannot pass through a future.
                raise RuntimeError(f"the handler raised {type(error).__name__}: {error}") from error

        return await asyncio.get_running_loop().run_in_executor(self._pool, guarded)

    def close(self) -> None:
        self._pool.shutdown(wait=False)


_END = object()


async def _each(generator: Iterator[object], worker: _Worker) -> AsyncIterator[object]:
    while (item := await worker.run(lambda: next(generator, _END))) is not _END:
        yield item


class Adapter:
    """The application. ``call`` gets the arguments and returns a value, an awaitable or a generator."""

    def __init__(self, call: Callable[..., object], slots: Sequence[Slot], in_thread: bool) -> None:
        self._call = call
        self._slots = slots
        self._in_thread = in_thread

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1003})
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            raise ValueError(f"no such ASGI scope: {scope['type']}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _http(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        method = str(scope.get("method", "GET")).upper()
        worker = _Worker()
        try:
            if scope.get("path", "/") not in ("", "/"):
                raise _RefusedError(404, "NotFound", "this function answers at / alone")
            if method == "OPTIONS":
                await self._send(send, 204, b"", None, [(b"allow", _METHODS.encode())])
            elif method == "HEAD":  # Headers without a run: what it would cost to find the length is the whole work.
                await self._send(send, 200, b"", _JSON, [])
            else:
                await self._answer(scope, receive, send, worker)
        except _GoneError:
            pass
        except _RefusedError as error:
            await self._refuse(send, error.status, error.kind, str(error))
        finally:
            worker.close()

    async def _answer(self, scope: Mapping[str, Any], receive: Receive, send: Send, worker: _Worker) -> None:
        body = await _body(receive)
        query = _query(scope)
        has_body = bool(body.strip())
        try:
            bound = bind_input(self._slots, has_body, _parse(body) if has_body else None, query)
        except BadArgumentsError as error:
            raise _RefusedError(400, "BadArguments", str(error)) from None
        items: AsyncIterator[object] | None = None
        try:
            if self._in_thread:
                result = await worker.run(lambda: self._call(*bound.args, **bound.kwargs))
            else:
                result = self._call(*bound.args, **bound.kwargs)
            if inspect.isawaitable(result):
                result = await result
            if inspect.isgenerator(result):
                result = _each(result, worker)
            if isinstance(result, AsyncIterator):
                items = result
                # The first item is awaited before the status is decided: what fails at once is a clean 500.
                first = await anext(items, _END)
                data, kind = b"" if first is _END else encode_json(first).encode("utf-8", "surrogatepass"), _JSON
            elif isinstance(result, (bytes, bytearray, memoryview)):
                data = bytes(result)
                kind = _content_type(data)
            else:
                data, kind = encode_json(result).encode("utf-8", "surrogatepass"), _JSON
        except asyncio.CancelledError:
            raise
        except NotJsonError as error:
            raise _RefusedError(500, "NotJSON", str(error)) from None
        except BaseException as error:  # noqa: BLE001 - whatever the handler raises is the answer
            raise self._failure(error) from None
        if items is None:
            await self._send(send, 200, data, kind, [])
        else:
            await self._stream(data, items, send)

    async def _stream(self, first: bytes, items: AsyncIterator[object], send: Send) -> None:
        """A JSON array, item by item."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", _JSON.encode())]})
        await send({"type": "http.response.body", "body": b"[" + first, "more_body": True})
        try:
            async for item in items:
                chunk = b"," + encode_json(item).encode("utf-8", "surrogatepass")
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except BaseException:
            # The status is out. An answer that breaks off is no valid JSON, so nobody takes a part for the whole.
            traceback.print_exc(file=sys.stderr)
            raise
        await send({"type": "http.response.body", "body": b"]", "more_body": False})

    def _failure(self, error: BaseException) -> _RefusedError:
        traceback.print_exception(type(error), error, error.__traceback__, file=sys.stderr)
        return _RefusedError(500, type_name(type(error)), str(error))

    async def _refuse(self, send: Send, status: int, kind: str, message: str) -> None:
        body = json.dumps({"error": {"type": kind, "message": message}}).encode()
        await self._send(send, status, body, _JSON, [])

    async def _send(
        self, send: Send, status: int, body: bytes, kind: str | None, headers: list[tuple[bytes, bytes]]
    ) -> None:
        if kind is not None:
            headers = [*headers, (b"content-type", kind.encode())]
        if body:
            headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
