"""The HTTP adapter, driven as an ASGI application; test_http_real.py goes through a real server."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from cloudctl_modal.container.arguments import slots_of
from cloudctl_modal.container.asgi import Adapter
from cloudctl_modal.shim import container_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclasses.dataclass
class Answer:
    """What an application sent: ``whole`` is false when it broke off."""

    status: int
    headers: dict[str, str]
    body: bytes
    chunks: int
    whole: bool

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        return self.status, self.json["error"]["type"]


def drive(
    handler: Callable[..., Any],
    body: bytes = b"",
    query: str = "",
    method: str = "POST",
    path: str = "/",
    pieces: int = 1,
) -> Answer:
    """One HTTP request through the adapter."""
    blocking = not (asyncio.iscoroutinefunction(handler) or hasattr(handler, "__aiter__"))
    app = Adapter(handler, slots_of(handler), blocking)
    size = max(1, -(-len(body) // pieces))
    parts = [body[i : i + size] for i in range(0, len(body), size)] or [b""]
    incoming = [
        {"type": "http.request", "body": part, "more_body": index + 1 < len(parts)} for index, part in enumerate(parts)
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": []}
    broke = False
    try:
        asyncio.run(asyncio.wait_for(app(scope, receive, send), 10))
    except Exception:
        broke = True
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert len(starts) == 1, "an answer has one start"
    bodies = [message for message in sent if message["type"] == "http.response.body"]
    whole = not broke and not bodies[-1].get("more_body", False)
    headers = {name.decode(): value.decode() for name, value in starts[0]["headers"]}
    return Answer(starts[0]["status"], headers, b"".join(m["body"] for m in bodies), len(bodies), whole)


def two(x: Any, y: Any = 1) -> Any:
    return [x, y]


def any_keywords(**kwargs: Any) -> Any:
    return kwargs


def keyword_only(*, k: Any, d: Any = 0) -> Any:
    return [k, d]


def positional_only(a: Any, b: Any = 2, /) -> Any:
    return [a, b]


def many(*args: Any) -> Any:
    return list(args)


def nothing() -> Any:
    return "nothing"


def mixed(first: Any, **rest: Any) -> Any:
    return [first, rest]


BINDINGS: list[tuple[str, Callable[..., Any], bytes, str, Any]] = [
    ("object of parameters", two, b'{"x": 1, "y": 2}', "", [1, 2]),
    ("object of some parameters", two, b'{"x": 1}', "", [1, 1]),
    ("object with another key is the first argument", two, b'{"x": 1, "z": 2}', "", [{"x": 1, "z": 2}, 1]),
    ("list is the first argument", two, b"[1, 2]", "", [[1, 2], 1]),
    ("null is an argument", two, b"null", "", [None, 1]),
    ("false is an argument", two, b"false", "", [False, 1]),
    ("text", two, b'"a"', "", ["a", 1]),
    ("query is an object of texts", two, b"", "x=1&y=", ["1", ""]),
    ("repeated key is a list", two, b"", "x=1&x=2", [["1", "2"], 1]),
    ("query that is no parameters is the first argument's", any_keywords, b"", "a=%C3%BC+b", {"a": "ü b"}),
    ("body before query", two, b'{"x": "body"}', "x=query&y=q", ["body", "q"]),
    ("value and query", two, b"5", "y=6", [5, "6"]),
    ("any object for **kwargs", any_keywords, b'{"a": {"b": 1}}', "", {"a": {"b": 1}}),
    ("no body, no query", nothing, b"", "", "nothing"),
    ("white space is no body", nothing, b" \n", "", "nothing"),
    ("empty object is no arguments", nothing, b"{}", "", "nothing"),
    ("keyword-only", keyword_only, b'{"k": 1}', "", [1, 0]),
    ("positional-only by name", positional_only, b'{"a": 1, "b": 3}', "", [1, 3]),
    ("*args takes a value", many, b"[1]", "", [[1]]),
    ("parameter and **kwargs", mixed, b'{"first": 1, "more": 2}', "", [1, {"more": 2}]),
    ("UTF-8", two, '"ü"'.encode(), "", ["ü", 1]),
    ("byte order mark", two, b'\xef\xbb\xbf"a"', "", ["a", 1]),
]


@pytest.mark.parametrize(
    ("handler", "body", "query", "expected"), [case[1:] for case in BINDINGS], ids=[case[0] for case in BINDINGS]
)
def test_arguments(handler: Callable[..., Any], body: bytes, query: str, expected: Any) -> None:
    answer = drive(handler, body, query)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == expected


REFUSALS: list[tuple[str, Callable[..., Any], bytes, str, str, list[str]]] = [
    ("missing", two, b"", "", "BadArguments", ["missing: x"]),
    ("empty object, missing", two, b"{}", "", "BadArguments", ["missing: x"]),
    ("only the other", two, b'{"y": 1}', "", "BadArguments", ["missing: x"]),
    ("unexpected in the query", two, b"1", "z=1", "BadArguments", ["unexpected: z"]),
    ("argument twice", two, b"1", "x=1", "BadArguments", ["unexpected: x"]),
    ("takes nothing, gets a value", nothing, b"1", "", "BadArguments", ["unexpected"]),
    ("takes nothing, gets an object", nothing, b'{"a": 1}', "", "BadArguments", ["unexpected: a"]),
    ("keyword-only, gets a value", keyword_only, b"1", "", "BadArguments", ["missing: k"]),
    (
        "keyword-only, gets another key",
        keyword_only,
        b'{"k": 1, "q": 2}',
        "",
        "BadArguments",
        ["missing: k", "unexpected: q"],
    ),
    ("not JSON", two, b"hello", "", "InvalidJSON", ["not JSON"]),
    ("a form", two, b"x=1&y=2", "", "InvalidJSON", ["not JSON"]),
    ("NaN", two, b"NaN", "", "InvalidJSON", ["NaN"]),
    ("half", two, b'{"x": 1', "", "InvalidJSON", []),
    ("not UTF-8", two, b'"\xff"', "", "InvalidJSON", []),
    ("very deep", two, b"[" * 200_000, "", "InvalidJSON", []),
]


@pytest.mark.parametrize(
    ("handler", "body", "query", "kind", "words"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
def test_refusals(handler: Callable[..., Any], body: bytes, query: str, kind: str, words: list[str]) -> None:
    answer = drive(handler, body, query)
    assert answer.error == (400, kind)
    for word in words:
        assert word in answer.json["error"]["message"]


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    more: Any = None


class Scalar:
    """Like numpy's: a method says what it is in Python."""

    def __init__(self, value: Any, method: str) -> None:
        self._value = value
        setattr(self, method, lambda: value)


UUID = uuid.UUID("12345678123456781234567812345678")
VALUES: list[tuple[Any, Any]] = [
    (None, None),
    ("text", "text"),
    ({"a": (1, 2.5)}, {"a": [1, 2.5]}),
    (Point(1, Point(2)), {"x": 1, "more": {"x": 2, "more": None}}),
    (decimal.Decimal("1.10"), "1.10"),
    (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc), "2026-01-02T03:04:05+00:00"),
    (datetime.date(2026, 1, 2), "2026-01-02"),
    (datetime.timedelta(seconds=90), 90.0),
    (UUID, str(UUID)),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (Colour.RED, "red"),
    ({1: {Colour.RED: 2}, None: 3}, {"1": {"red": 2}, "null": 3}),
    ({"a"}, ["a"]),
    (range(3), [0, 1, 2]),
    (Scalar([[1], [2]], "tolist"), [[1], [2]]),
    (Scalar(1.5, "item"), 1.5),
    ([Scalar({"a": 1}, "model_dump")], [{"a": 1}]),
    ("ü\udc80", "ü\udc80"),
]


@pytest.mark.parametrize(("value", "expected"), VALUES, ids=[repr(value)[:30] for value, _ in VALUES])
def test_values(value: Any, expected: Any) -> None:
    answer = drive(lambda: value)
    assert answer.status == 200, answer.body
    assert json.loads(answer.body.decode("utf-8", "surrogatepass")) == expected
    assert answer.headers["content-length"] == str(len(answer.body))


def _loop() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (object(), "object"),
        ([{"deep": threading.Lock()}], "lock"),
        (float("nan"), "finite"),
        ([float("inf")], "finite"),
        ({(1, 2): 3}, "tuple"),
        ([b"bytes inside"], "bytes"),
        (Point, "type"),
        (_loop(), "itself"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_values_without_json_form(value: Any, word: str) -> None:
    answer = drive(lambda: value)
    assert answer.error == (500, "NotJSON")
    assert word in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"anything", "application/octet-stream"),
        (b"", "application/octet-stream"),
        (bytearray(b"\x89PNG\r\n\x1a\n..."), "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (memoryview(b"%PDF-1.7"), "application/pdf"),
    ],
)
def test_bytes_are_sent_as_they_are(data: Any, kind: str) -> None:
    answer = drive(lambda: data)
    assert answer.status == 200
    assert answer.body == bytes(data)
    assert answer.headers["content-type"] == kind


class CustomError(Exception):
    pass


def _raises(error: BaseException) -> Callable[[], Any]:
    def handler() -> Any:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("no"), "ValueError"),
        (CustomError("no"), f"{__name__}.CustomError"),
        (SystemExit("no"), "RuntimeError"),
        (StopIteration("no"), "RuntimeError"),
        (KeyboardInterrupt("no"), "RuntimeError"),
        (TypeError("no"), "TypeError"),
    ],
    ids=lambda value: repr(value),
)
def test_exceptions(error: BaseException, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    answer = drive(_raises(error))
    assert answer.error == (500, kind)
    assert "no" in answer.json["error"]["message"]
    assert "Traceback" not in answer.body.decode()
    assert "Traceback" in capfd.readouterr().err  # In the function's log, where it belongs.


def test_async_handlers() -> None:
    async def handler(x: Any) -> Any:
        await asyncio.sleep(0)
        return x

    async def fails() -> Any:
        raise ValueError("no")

    assert drive(handler, b"5").json == 5
    assert drive(fails).error == (500, "ValueError")


def test_generators_are_streamed() -> None:
    def handler(n: Any = 3) -> Iterator[Any]:
        for i in range(n):
            yield {"i": i}

    async def agen() -> Any:
        yield 1
        yield "two"

    answer = drive(handler)
    assert answer.json == [{"i": 0}, {"i": 1}, {"i": 2}]
    assert answer.chunks == 4
    assert drive(handler, b"0").json == []
    assert drive(agen).json == [1, "two"]


def test_a_generator_that_fails_at_once_is_a_clean_500() -> None:
    def handler() -> Iterator[Any]:
        raise ValueError("no")
        yield

    def not_json() -> Iterator[Any]:
        yield object()

    assert drive(handler).error == (500, "ValueError")
    assert drive(not_json).error == (500, "NotJSON")


@pytest.mark.parametrize("second", [ValueError("no"), object()], ids=["raises", "not JSON"])
def test_a_generator_that_fails_midway_breaks_the_answer_off(second: Any) -> None:
    def handler() -> Iterator[Any]:
        yield 1
        if isinstance(second, Exception):
            raise second
        yield second

    answer = drive(handler)
    assert answer.status == 200
    assert not answer.whole
    with pytest.raises(ValueError, match=r".+"):
        json.loads(answer.body)


def test_methods_and_paths() -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert drive(nothing, method=method).json == "nothing"
    ran: list[int] = []
    head = drive(lambda: ran.append(1), method="HEAD")
    assert (head.status, head.body, head.headers["content-type"]) == (200, b"", "application/json")
    options = drive(lambda: ran.append(1), method="OPTIONS")
    assert options.status == 204 and "POST" in options.headers["allow"]
    assert drive(lambda: ran.append(1), path="/favicon.ico").error == (404, "NotFound")
    assert ran == []
    assert drive(nothing, path="").json == "nothing"


def test_large_bodies_come_in_pieces() -> None:
    text = "x" * 3_000_000
    answer = drive(lambda x: len(x), json.dumps({"x": text}).encode(), pieces=50)
    assert answer.json == 3_000_000


def test_a_blocking_handler_does_not_block_the_loop() -> None:
    app = Adapter(lambda: time.sleep(0.5), (), True)
    ticks: list[float] = []

    async def scenario() -> None:
        async def receive() -> Any:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            pass

        async def tick() -> None:
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.02)

        ticker = asyncio.ensure_future(tick())
        await app({"type": "http", "method": "GET", "path": "/", "query_string": b""}, receive, send)
        ticker.cancel()

    asyncio.run(scenario())
    assert len(ticks) > 8


def test_lifespan_is_answered() -> None:
    app = Adapter(nothing, (), True)
    incoming = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(asyncio.wait_for(app({"type": "lifespan"}, receive, send), 5))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_websockets_are_refused() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Adapter(nothing, (), True)({"type": "websocket"}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1003}]


def test_the_container_needs_nothing_of_ours() -> None:
    source = container_source()
    assert "cloudctl_modal" not in source
    namespace: dict[str, Any] = {"__name__": "container"}
    import sys
    import types

    module = types.ModuleType("container")
    sys.modules["container"] = module
    exec(compile(source, "container", "exec"), module.__dict__, namespace)
    del sys.modules["container"]
