"""Web functions over real HTTP."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import modal
import pytest

from tests.local.harness import Fn, wait_until
from tests.local.harness import http as request

if TYPE_CHECKING:
    from tests.local.harness import LocalServer

APP = "websites"
PRIVATE = modal.asgi_app(requires_proxy_auth=True)


@pytest.fixture(scope="module", autouse=True)
def app(server: LocalServer) -> None:
    volume = modal.Volume.from_name("web-volume", create_if_missing=True, client=server.client)
    server.deploy(
        APP,
        {
            "echo": Fn("websites:echo", modal.asgi_app()),
            "wsgi": Fn("websites:old_style", modal.wsgi_app()),
            "private": Fn("websites:echo", PRIVATE),
            "stream": Fn("websites:stream", modal.asgi_app()),
            "big": Fn("websites:big", modal.asgi_app()),
            "failing": Fn("websites:failing", modal.asgi_app(), timeout=2),
            "watcher": Fn("websites:watcher", modal.asgi_app(), volumes={"/models": volume}),
            "forwarder": Fn("websites:forwarder", modal.asgi_app()),
            "broken": Fn("broken:handler", modal.asgi_app()),
            "double": Fn("basic:double"),
            "count": Fn("basic:count"),
            "boom": Fn("basic:boom"),
        },
    )


def url(server: LocalServer, name: str) -> str:
    found: str = server.function(APP, name).get_web_url()
    assert found.startswith("http://127.0.0.1:")
    return found


def test_a_request_arrives_as_it_was_sent(server: LocalServer) -> None:
    answer = request(
        url(server, "echo") + "/a%20b/c?x=1&y=%2F", method="PATCH", headers={"X-Thing": "Wert"}, data=b"z" * 300_000
    )
    seen = json.loads(answer.body)
    assert answer.status == 201
    assert (seen["method"], seen["path"], seen["query"], seen["size"]) == ("PATCH", "/a b/c", "x=1&y=%2F", 300_000)
    assert ["x-thing", "Wert"] in seen["headers"]
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert json.loads(request(url(server, "echo") + "/").body)["path"] == "/"
    assert request(url(server, "echo"), method="HEAD").body == b""


def test_wsgi(server: LocalServer) -> None:
    answer = request(url(server, "wsgi") + "/x?y=1", method="POST", data=b"12345")
    assert (answer.status, answer.text) == (202, "POST /x y=1 5")


def test_one_function_one_port(server: LocalServer) -> None:
    assert url(server, "echo") != url(server, "stream")


def test_private_functions_want_the_token_pair(server: LocalServer) -> None:
    private = url(server, "private")
    answer = request(private)
    assert answer.status == 401
    assert "modal-http: missing credentials for proxy authorization" in answer.text
    assert request(private, headers={**server.proxy_headers, "Modal-Secret": "wrong"}).status == 401
    assert request(private, headers=server.proxy_headers).status == 201


def test_answers_are_streamed(server: LocalServer) -> None:
    request(url(server, "stream"))
    connection = _connect(url(server, "stream"))
    connection.request("GET", "/")
    response = connection.getresponse()
    arrivals = []
    while line := response.readline():
        arrivals.append((line, time.monotonic()))
    assert [line for line, _ in arrivals] == [b"part 0\n", b"part 1\n", b"part 2\n", b"end\n"]
    assert arrivals[-1][1] - arrivals[0][1] > 0.8, "the parts came as they were written"


def test_big_answers_and_bodies(server: LocalServer) -> None:
    assert len(request(url(server, "big")).body) == 12_000_000
    seen = json.loads(request(url(server, "echo"), method="POST", data=b"x" * 9_000_000).body)
    assert seen["size"] == 9_000_000
    assert seen["parts"] > 3


def test_a_request_body_is_streamed(server: LocalServer) -> None:
    connection = _connect(url(server, "echo"))
    connection.request("POST", "/", body=(part for part in (b"a" * 10, b"b" * 10)), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})  # fmt: skip
    assert json.loads(connection.getresponse().read())["size"] == 20


def test_failures_become_statuses(server: LocalServer) -> None:
    failing = url(server, "failing")
    raised = request(failing)
    assert (raised.status, "the handler failed" in raised.text) == (500, True)
    assert request(failing + "/slow").status == 504
    assert request(failing + "/exit").status == 500
    assert request(failing).status == 500, "and the function still answers"
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        request(failing + "/half")


def test_a_function_that_cannot_start_answers_500(server: LocalServer) -> None:
    answer = request(url(server, "broken"))
    assert (answer.status, "a_package_that_nobody_has" in answer.text) == (500, True)


def test_a_client_that_leaves_is_noticed(server: LocalServer) -> None:
    connection = _connect(url(server, "watcher"))
    connection.request("GET", "/noticed")
    response = connection.getresponse()
    assert response.readline() == b"first\n"
    response.close()
    connection.close()
    volume = modal.Volume.from_name("web-volume", client=server.client)

    def noticed() -> bool:
        return any(entry.path == "noticed" for entry in volume.listdir("/"))

    wait_until(noticed, 10, "the function to see the disconnect")
    assert b"".join(volume.read_file("noticed")) == b"http.disconnect"


def test_forwarding_to_another_function(server: LocalServer) -> None:
    def forward(function: str, *args: Any, generator: bool = False) -> tuple[int, str]:
        body = json.dumps({"app": APP, "function": function, "args": args, "generator": generator}).encode()
        answer = request(url(server, "forwarder"), method="POST", data=body)
        return answer.status, answer.text

    assert forward("double", 4) == (200, "8")
    assert forward("count", 3, generator=True) == (200, "[0, 1, 2]")
    assert forward("boom") == (500, "ValueError: no such luck")


def test_web_functions_cannot_be_called(server: LocalServer) -> None:
    with pytest.raises(modal.exception.InvalidError, match="webhook"):
        server.function(APP, "echo").remote()


def _connect(target: str) -> http.client.HTTPConnection:
    parts = urlsplit(target)
    return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
