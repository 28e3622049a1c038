"""The child as a process: start, end, noise, pressure, secrets."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Project, Server, deploy_params
from .driver import CHILD, Child, ChildGoneError
from .test_vectors import validate

TOKENS = {"MODAL_TOKEN_ID": "ak-0123456789abcdef", "MODAL_TOKEN_SECRET": "as-0123456789abcdef"}


def test_hello_comes_before_modal_is_imported() -> None:
    with Child() as child:
        result = child.ask("hello", {"protocol": 1, "client": "test"})
        took = time.monotonic() - child.started
    assert result["protocol"] == 1
    assert result["sdk"] == "1.6.4"
    assert {"hello", "inspect", "deployApp", "call"} <= set(result["capabilities"])
    assert took < 5


def test_every_reply_and_notification_fits_the_schema(child: Child, project: Project) -> None:
    project.write("main.py", "def handler(n: int = 2):\n    for i in range(n):\n        yield i\n")
    replies: list[tuple[str, Any]] = [("hello", child.ask("hello", {"protocol": 1, "client": "test"}))]
    params = deploy_params("schema-app", project.function("one", url="public"))
    replies.append(("deployApp", child.ask("deployApp", params)))
    replies.append(("inspect", child.ask("inspect", {"directory": str(project.directory), "handler": "main.handler"})))
    replies.append(("call", child.ask("call", {"app": "schema-app", "function": "one", "hasInput": False})))
    replies.append(("createVolume", child.ask("createVolume", {"name": "schema-volume"})))
    replies.append(("layout", child.ask("layout", {"app": "schema-app"})))
    replies += [(name, child.ask(name)) for name in ("whoami", "listFunctions", "listVolumes")]
    assert validate([(f"{name}.result", result) for name, result in replies]) == [True] * len(replies)
    assert validate([("Notification", note) for note in child.notifications]) == [True] * len(child.notifications)
    stages = {note["params"].get("stage") for note in child.notifications if note["method"] == "progress"}
    assert {"connect", "image", "upload", "function", "publish", "record"} <= stages


@pytest.mark.parametrize(
    "line", [b"nonsense", b"[]", b"1", b"{}", b'{"id": 1}', b'{"id": 0, "method": "hello"}', b"\xff"]
)
def test_a_wrong_line_is_answered_and_survived(line: bytes) -> None:
    with Child() as child:
        child.write(line + b"\n")
        assert child.reply(None)["error"]["code"] == "PROTOCOL"
        child.ask("hello", {"protocol": 1, "client": "test"})


def test_unknown_methods_and_wrong_params() -> None:
    with Child() as child:
        assert child.error("destroyEverything")["code"] == "UNKNOWN_METHOD"
        name = child.error("createVolume", {"name": "a b"})
        assert name["code"] == "INVALID"
        wrong = child.error("deployApp", {"app": "a", "functions": [], "targets": ["x"], "client": "c"})
        assert wrong["code"] == "INVALID_PARAMS"
        assert "functions" in wrong["message"]


def test_end_of_file_ends_it_at_once() -> None:
    child = Child()
    child.ask("hello", {"protocol": 1, "client": "test"})
    before = time.monotonic()
    assert child.close() == 0
    assert time.monotonic() - before < 1.0


def _mute_server() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(50)
    return listener


def _url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_end_of_file_ends_a_busy_child_within_a_second_or_so() -> None:
    with _mute_server() as mute:
        child = Child({**TOKENS, "MODAL_SERVER_URL": _url(mute)})
        child.ask("hello", {"protocol": 1, "client": "test"})
        number = child.start("whoami")
        time.sleep(1.5)  # Until it waits for the server.
        before = time.monotonic()
        child.end_input()
        assert child.reply(number)["error"]["code"] == "CANCELLED"
        assert child.process.wait(10) == 0
        assert time.monotonic() - before < 2.5
        child.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help exists on Linux alone")
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    """Even when somebody else still holds the other end of its stdin."""
    read_end, write_end = os.pipe()
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, {str(CHILD)!r}], stdin={read_end}, stdout=subprocess.DEVNULL)\n"
        "print(p.pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, pass_fds=(read_end,))
    assert parent.stdout is not None
    orphan = int(parent.stdout.readline())
    time.sleep(1)
    parent.kill()
    parent.wait(10)
    end = time.monotonic() + 5
    while Path(f"/proc/{orphan}").exists() and time.monotonic() < end:
        state = Path(f"/proc/{orphan}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{orphan}").exists()
    os.close(read_end)
    os.close(write_end)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc exists on Linux alone")
def test_it_leaves_no_core_dumps() -> None:
    with Child() as child:
        child.ask("hello", {"protocol": 1, "client": "test"})
        limits = Path(f"/proc/{child.process.pid}/limits").read_text().splitlines()
        (core,) = [line.split() for line in limits if line.startswith("Max core file size")]
        assert core[4:6] == ["0", "0"]


def test_a_killed_child_is_noticed() -> None:
    child = Child()
    child.ask("hello", {"protocol": 1, "client": "test"})
    number = child.start("whoami")
    child.process.send_signal(signal.SIGKILL)
    with pytest.raises(ChildGoneError):
        child.reply(number)
    assert child.close() == -signal.SIGKILL


def test_ctrl_c_is_for_the_parent_to_handle() -> None:
    with Child() as child:
        child.ask("hello", {"protocol": 1, "client": "test"})
        child.process.send_signal(signal.SIGINT)
        child.ask("hello", {"protocol": 1, "client": "test"})


_NOISY = """
import os, sys
print("to stdout")
os.write(1, b"to descriptor 1\\n")
os.system("echo from a subprocess")
os.write(2, b"x" * 3_000_000 + b"\\n")
os.write(2, b"TOKEN_SECRET\\n")
print("in the environment:", [name for name in os.environ if name.startswith("MODAL_TOKEN")])
"""


def _noisy_site(tmp_path: Path, secret: str) -> dict[str, str]:
    """A module that makes noise when the SDK is imported, in the manner of a plugin gone mad."""
    (tmp_path / "aiohttp").mkdir()
    noisy = _NOISY.replace("TOKEN_SECRET", secret)
    (tmp_path / "aiohttp" / "__init__.py").write_text(noisy + "raise ImportError('not the real one')\n")
    return {"PYTHONPATH": str(tmp_path)}


def test_prints_cannot_corrupt_the_protocol(server: Server, tmp_path: Path) -> None:
    with Child(server.credentials, _noisy_site(tmp_path, server.token_secret)) as child:
        child.ask("whoami")
        child.start("layout", {"app": "nothing"})  # Imports aiohttp.
        end = time.monotonic() + 20
        # Two ways lead to stderr, so that the pieces may come in another order.
        expected = (b"to stdout", b"to descriptor 1", b"from a subprocess", b"in the environment:")
        while not all(piece in child.noise for piece in expected) and time.monotonic() < end:
            time.sleep(0.02)
        child.ask("whoami")
    noise = bytes(child.noise)
    assert [piece for piece in expected if piece not in noise] == []
    assert server.token_secret.encode() not in noise
    assert b"[redacted]" in noise
    # Connected, the SDK has the tokens; what it starts later must not inherit them.
    assert b"in the environment: []" in noise


def test_a_parent_that_reads_no_stderr_does_not_stop_it(server: Server, tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    try:
        with Child(server.credentials, _noisy_site(tmp_path, server.token_secret), stderr=write_end) as child:
            child.ask("whoami")
            child.start("layout", {"app": "nothing"})
            time.sleep(1)
            child.ask("whoami", patience=10)
    finally:
        os.close(write_end)
        os.close(read_end)


def test_credentials_may_come_late(server: Server) -> None:
    with Child(hold_credentials=True) as child:
        number = child.start("whoami")
        child.ask("hello", {"protocol": 1, "client": "test"})
        time.sleep(0.3)
        child.give_credentials(server.credentials)
        assert child.reply(number)["result"]["workspace"]


def test_without_credentials_it_says_so() -> None:
    with Child() as child:
        failure = child.error("whoami")
    assert failure["code"] == "AUTH"


def test_a_wrong_token_is_refused_and_never_shown(server: Server) -> None:
    with Child({**server.credentials, **TOKENS}) as child:
        failure = child.error("listVolumes")
    assert failure["code"] == "AUTH"
    assert TOKENS["MODAL_TOKEN_SECRET"] not in str(failure)


def test_a_secret_in_an_answer_is_redacted(project: Project) -> None:
    """The names of handlers come back in messages, so one can smuggle any text into a reply."""
    with Child({**TOKENS, "MODAL_SERVER_URL": "http://127.0.0.1:9"}) as child:
        child.error("whoami")  # Reads the credentials.
        failure = child.error("inspect", {"directory": TOKENS["MODAL_TOKEN_SECRET"], "handler": "main.handler"})
    assert TOKENS["MODAL_TOKEN_SECRET"] not in str(failure)
    assert "[redacted]" in failure["message"]


METHODS: list[tuple[str, dict[str, Any]]] = [
    ("whoami", {}),
    ("listFunctions", {}),
    ("listVolumes", {}),
    ("createVolume", {"name": "v"}),
    ("layout", {"app": "a"}),
    ("call", {"app": "a", "function": "f", "hasInput": False}),
]


def _ask_all_unreachable(url: str, project: Project) -> float:
    """Every method at once against a server that is not there; the seconds until the last answer."""
    project.write("main.py", "def handler(): pass\n")
    methods = [*METHODS, ("deployApp", deploy_params("a", project.function("one")))]
    with Child({**TOKENS, "MODAL_SERVER_URL": url}) as child:
        child.ask("hello", {"protocol": 1, "client": "test"})
        before = time.monotonic()
        numbers = [child.start(method, params) for method, params in methods]
        for number in numbers:
            failure = child.reply(number, patience=20)["error"]
            assert failure["code"] == "UNREACHABLE", failure
            assert failure["data"]["server"] == url
        return time.monotonic() - before


def test_a_refused_connection_is_told_soon(project: Project) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert _ask_all_unreachable(f"http://127.0.0.1:{closed.getsockname()[1]}", project) < 4


def test_a_mute_server_is_told_within_eight_seconds(project: Project) -> None:
    with _mute_server() as mute:
        assert _ask_all_unreachable(_url(mute), project) < 8


def test_an_unknown_host_is_told_soon(project: Project) -> None:
    assert _ask_all_unreachable("https://no-such-host.invalid", project) < 8


def test_a_dead_proxy_is_told_soon(tmp_path: Path) -> None:
    environment = {"HTTPS_PROXY": "http://127.0.0.1:9", "MODAL_SERVER_URL": "https://api.example.invalid"}
    with Child(TOKENS, environment) as child:
        failure = child.error("whoami", patience=10)
    assert failure["code"] == "UNREACHABLE"
    assert "proxy" in failure["message"]
    (tmp_path / "python_socks.py").write_text("")  # As if it were installed: only the proxy is missing then.
    with Child(TOKENS, {**environment, "PYTHONPATH": str(tmp_path)}) as child:
        failure = child.error("whoami", patience=10)
    assert failure["code"] == "UNREACHABLE"
    assert "refused" in failure["message"]


def test_a_proxy_does_not_stand_before_the_local_server(server: Server) -> None:
    proxies = {"HTTP_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    with Child(server.credentials, proxies) as child:
        child.ask("whoami")


def test_cancel_is_quick() -> None:
    with _mute_server() as mute, Child({**TOKENS, "MODAL_SERVER_URL": _url(mute)}) as child:
        child.ask("hello", {"protocol": 1, "client": "test"})
        number = child.start("whoami")
        time.sleep(1.0)
        before = time.monotonic()
        child.cancel(number)
        assert child.reply(number)["error"]["code"] == "CANCELLED"
        assert time.monotonic() - before < 0.5
        child.cancel(number)  # Answered already: nothing more comes.
        child.cancel(12345)
        child.ask("hello", {"protocol": 1, "client": "test"})
        assert child._queue(number).empty()


def test_a_full_pipe_blocks_neither_cancel_nor_items(child: Child, project: Project) -> None:
    project.write("main.py", "def handler():\n    for i in range(4000):\n        yield 'x' * 2000\n")
    child.ask("deployApp", deploy_params("pressure", project.function("one")))
    child.reading.clear()
    number = child.start("call", {"app": "pressure", "function": "one", "hasInput": False})
    time.sleep(2.5)
    child.cancel(number)
    time.sleep(0.3)
    child.reading.set()
    assert child.reply(number)["error"]["code"] == "CANCELLED"
    # Back-pressure: the child held back instead of queueing all 8 MB.
    assert 0 < len(child.notes("item", number)) < 4000


def test_big_messages_both_ways(child: Child, project: Project) -> None:
    project.write("main.py", "def handler(text):\n    return text\n")
    child.ask("deployApp", deploy_params("big", project.function("one")))
    text = "ü" * 1_500_000
    result = child.ask("call", {"app": "big", "function": "one", "hasInput": True, "input": {"text": text}})
    assert result["value"] == text


def test_requests_run_at_the_same_time(child: Child, project: Project) -> None:
    project.write("main.py", "import time\ndef handler():\n    time.sleep(2)\n    return 1\n")
    child.ask("deployApp", deploy_params("slow", project.function("one")))
    number = child.start("call", {"app": "slow", "function": "one", "hasInput": False})
    before = time.monotonic()
    child.ask("whoami")
    child.ask("listFunctions")
    assert time.monotonic() - before < 1.5
    assert child.reply(number)["result"]["value"] == 1


def test_threads_of_the_test_itself_end() -> None:
    assert threading.active_count() < 60
