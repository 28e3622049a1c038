"""HTTP as a user sees it: real requests to functions that Local Modal runs."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from .conftest import Project, Server, deploy_params

if TYPE_CHECKING:
    from .driver import Child

HANDLERS = """
import asyncio, os, time

def echo(**kwargs):
    return kwargs

def size(text):
    return len(text)

async def later(x=1):
    await asyncio.sleep(0.01)
    return {"x": x}

def numbers(n=3):
    for i in range(int(n)):
        yield i

async def slow():
    for i in range(3):
        yield [i, time.time()]
        await asyncio.sleep(0.4)

def fails():
    raise LookupError("not there")

def midway():
    yield 1
    raise ValueError("midway")

def picture():
    return b"\\x89PNG\\r\\n\\x1a\\n" + bytes(range(256)) * 1000
"""
NAMES = ("echo", "size", "later", "numbers", "slow", "fails", "midway", "picture")


@pytest.fixture(scope="module")
def urls(shared: Child, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    project = Project(tmp_path_factory.mktemp("web")).write("web.py", HANDLERS)
    functions = [project.function(name, handler=f"web.{name}", url="public") for name in NAMES]
    functions.append(project.function("hidden", handler="web.echo", url="private"))
    result = shared.ask("deployApp", deploy_params("web", *functions))
    return {function["name"]: function["url"] for function in result["functions"]}


def _get(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, bytes, str]:
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read(), answer.headers.get("content-type", "")
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers.get("content-type", "")


def test_real_requests(urls: dict[str, str]) -> None:
    assert _get(urls["echo"] + "?a=1&b=2&b=3") == (200, b'{"a": "1", "b": ["2", "3"]}', "application/json")
    status, body, _ = _get(urls["size"], json.dumps({"text": "x" * 3_000_000}).encode())
    assert (status, body) == (200, b"3000000")
    assert _get(urls["later"])[:2] == (200, b'{"x": 1}')
    assert _get(urls["later"], b"nonsense")[0] == 400
    assert json.loads(_get(urls["numbers"], b"4")[1]) == [0, 1, 2, 3]
    status, body, kind = _get(urls["picture"])
    assert (status, kind, len(body)) == (200, "image/png", 8 + 256_000)
    status, body, _ = _get(urls["fails"])
    assert status == 500
    assert json.loads(body) == {"error": {"type": "LookupError", "message": "not there"}}


def test_a_stream_arrives_while_it_runs(urls: dict[str, str]) -> None:
    with urllib.request.urlopen(urls["slow"], timeout=30) as answer:
        first = answer.read1(1000)
        at = time.monotonic()
        rest = answer.read()
        took = time.monotonic() - at
    assert took > 0.3
    assert [item[0] for item in json.loads(first + rest)] == [0, 1, 2]


def test_an_answer_that_breaks_off_is_no_valid_json(urls: dict[str, str]) -> None:
    try:
        with urllib.request.urlopen(urls["midway"], timeout=30) as answer:
            body = answer.read()
    except http.client.IncompleteRead as cut:
        body = cut.partial
    except (urllib.error.URLError, ConnectionError):
        return
    with pytest.raises(ValueError, match=r".+"):
        json.loads(body)


def test_a_private_url_wants_the_token(urls: dict[str, str], server: Server) -> None:
    assert _get(urls["hidden"])[0] == 401
    allowed = {"Modal-Key": server.token_id, "Modal-Secret": server.token_secret}
    assert _get(urls["hidden"] + "?a=1", headers=allowed)[:2] == (200, b'{"a": "1"}')
