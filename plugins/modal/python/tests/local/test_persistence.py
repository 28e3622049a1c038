"""What survives restarts and kills; one server a directory; tokens; shutting down."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import modal
import pytest
from modal.exception import AuthError

from tests.local.harness import Fn, LocalServer, alive, http, rpc, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable


def _fill(server: LocalServer) -> tuple[str, str]:
    models = modal.Volume.from_name("models", create_if_missing=True, client=server.client)
    with models.batch_upload(force=True) as batch:
        batch.put_file(io.BytesIO(b"weights"), "w.bin")
    modal.Secret.objects.create("api", {"API_KEY": "k"}, allow_existing=True, client=server.client)
    result = server.deploy(
        "kept",
        {
            "read": Fn("basic:read_file", volumes={"/models": models}),
            "look": Fn("basic:look_around", secrets=[modal.Secret.from_name("api", client=server.client)]),
            "web": Fn("websites:echo", modal.asgi_app()),
            "child": Fn("basic:leave_child"),
        },
    )
    return result.app_id, server.function("kept", "web").get_web_url()


def _check(server: LocalServer, url: str) -> None:
    assert server.function("kept", "read").remote("/models/w.bin") == "weights"
    assert server.function("kept", "look").remote()["environ"]["API_KEY"] == "k"
    assert server.function("kept", "web").get_web_url() == url
    assert http(url).status == 201


def test_everything_is_there_after_a_restart(own_server: Callable[..., LocalServer]) -> None:
    server = own_server()
    app_id, url = _fill(server)
    _check(server, url)
    before = server.info
    assert server.stop() == 0
    assert not (server.state / "server.json").exists()
    server.start()
    after = server.info
    same = ("url", "control_url", "token_id", "token_secret", "version", "sdk_version")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    _check(server, url)
    rows = json.loads(server.cli("app", "list", "--json").stdout)
    assert [(row["app_id"], row["state"]) for row in rows] == [(app_id, "deployed")]


def test_everything_is_there_after_a_kill_and_nothing_else_is(own_server: Callable[..., LocalServer]) -> None:
    server = own_server()
    _, url = _fill(server)
    _check(server, url)
    server.function("kept", "child").remote()
    family = _descendants(server.pid)
    assert len(family) > 3
    server.kill()
    wait_until(lambda: not any(alive(pid) for pid in family), 5, "containers and their children to end")
    server.start()
    assert list((server.state / "run").glob("ta-*")) == []
    _check(server, url)


def test_killed_at_any_moment_of_a_deploy(own_server: Callable[..., LocalServer]) -> None:
    server = own_server()
    server.deploy("cut", {"f": Fn("basic:double")})
    for pause in (0.01, 0.05):
        script = f"import time,os; time.sleep({pause}); os.kill({server.pid}, {int(signal.SIGKILL)})"
        killer = subprocess.Popen(["python3", "-c", script])
        try:
            for _ in range(20):
                server.deploy("cut", {"f": Fn("basic:triple"), "g": Fn("basic:double")})
                server.deploy("cut", {"f": Fn("basic:double")})
                if killer.poll() is not None:
                    break
        except Exception as error:
            assert not isinstance(error, AssertionError)
        killer.wait(10)
        server.kill()
        server.start()
        connection = sqlite3.connect(server.state / "state.sqlite3")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        assert server.function("cut", "f").remote(2) in {4, 6}


def test_a_second_server_is_refused(server: LocalServer) -> None:
    started = time.monotonic()
    result = subprocess.run(
        server.command(), env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, timeout=10, check=False,
    )  # fmt: skip
    assert result.returncode == 3
    assert str(server.pid) in result.stderr
    assert result.stderr.count("\n") == 1
    assert time.monotonic() - started < 3
    assert rpc_works(server)


def rpc_works(server: LocalServer) -> bool:
    from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped, unused-ignore]

    return bool(rpc(server, "ClientHello", Empty()).image_builder_version)


def test_it_can_be_started_by_its_path(tmp_path: Path) -> None:
    main = Path(__file__).parents[2] / "modal_local" / "__main__.py"
    state = tmp_path / "by-path"
    import sys

    process = subprocess.Popen([sys.executable, str(main), "serve", "--state", str(state)], stderr=subprocess.DEVNULL)
    try:
        wait_until((state / "server.json").exists, 15, "the server")
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_files_are_private(server: LocalServer) -> None:
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(server.state) == 0o700
    for name in ("server.json", "tokens.json", "state.sqlite3", "server.lock"):
        assert mode(server.state / name) == 0o600, name
    assert re.fullmatch(r"ak-local\w{22}", server.info["token_id"])
    assert re.fullmatch(r"as-local\w{22}", server.info["token_secret"])


def test_only_its_own_tokens_are_accepted(server: LocalServer) -> None:
    info = server.info
    assert rpc_works(server)
    os.environ.update(server.environment)
    wrong = modal.Client.from_credentials(info["token_id"], "as-wrong")
    with pytest.raises(AuthError, match="accepts only its own pair"):
        modal.Volume.objects.list(client=wrong)
    other = modal.Client.from_credentials("ak-1", "as-1")
    with pytest.raises(AuthError, match=r"server\.json"):
        modal.Function.from_name("x", "y", client=other).hydrate()


def test_containers_are_known_by_more_than_their_word(server: LocalServer) -> None:
    """A process that only claims to be a container is refused."""
    script = (
        "import modal\n"
        "try:\n"
        "    modal.Volume.objects.list()\n"
        "except modal.exception.AuthError as error:\n"
        "    print('refused', error)\n"
    )
    import sys

    environment = {key: value for key, value in os.environ.items() if not key.startswith("MODAL_")}
    environment.update({"MODAL_SERVER_URL": server.info["url"], "MODAL_IS_REMOTE": "1"})
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True,
                            timeout=20, check=False)  # fmt: skip
    assert "refused" in result.stdout, result.stderr


def test_status_and_shutdown(own_server: Callable[..., LocalServer]) -> None:
    server = own_server()
    server.deploy("one", {"f": Fn("basic:double")})
    assert server.function("one", "f").remote(1) == 2
    assert server.control("GET", "/status", tokens=False)[0] == 401
    assert server.control("POST", "/shutdown", tokens=False)[0] == 401
    status, text = server.control("GET", "/status")
    document = json.loads(text)
    assert status == 200
    assert (document["pid"], document["version"]) == (server.pid, "test")
    assert (document["apps"], document["functions"], document["containers"]) == (1, 1, 1)
    family = _descendants(server.pid)
    pid = server.pid
    assert server.control("POST", "/shutdown")[0] == 202
    wait_until(lambda: not alive(pid), 6, "the server to end")
    assert not any(alive(child) for child in family)
    assert not (server.state / "server.json").exists()


def test_a_server_that_ends_leaves_what_is_of_another(own_server: Callable[..., LocalServer]) -> None:
    server = own_server()
    file = server.state / "server.json"
    document = {**server.info, "pid": 1}
    file.write_text(json.dumps(document))
    assert server.stop() == 0
    assert json.loads(file.read_text()) == document
    server.start()
    file.write_text("garbage")
    assert server.stop() == 0
    assert file.read_text() == "garbage"


def test_a_server_whose_state_was_deleted_leaves_the_new_state(own_server: Callable[..., LocalServer]) -> None:
    old = own_server()
    shutil.rmtree(old.state)
    new = LocalServer(old.state).start()
    try:
        assert old.stop() == 0
        assert new.info["pid"] == new.pid
        assert (new.state / "run").is_dir()
        new.deploy("new", {"f": Fn("basic:double")})
        assert new.function("new", "f").remote(1) == 2
    finally:
        new.stop()


def test_a_busy_server_ends_in_time(own_server: Callable[..., LocalServer]) -> None:
    server = own_server()
    server.deploy("busy", {"f": Fn("basic:stubborn"), "g": Fn("basic:sleep")})
    calls = [server.function("busy", name).spawn() for name in ("f", "g")]
    wait_until(lambda: server.function("busy", "f").get_current_stats().num_running_inputs == 1, 10, "the call")
    started = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - started < 6
    assert len(calls) == 2


def test_a_taken_port_is_left(own_server: Callable[..., LocalServer]) -> None:
    server = own_server()
    port = int(server.info["url"].rsplit(":", 1)[1])
    server.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        server.start()
        assert int(server.info["url"].rsplit(":", 1)[1]) != port
        assert f"port {port} of grpc is taken" in server.log
        assert rpc_works(server)


def _descendants(pid: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                continue
    found: list[int] = []
    todo = [pid]
    while todo:
        current = todo.pop()
        children = [child for child, parent in parents.items() if parent == current]
        found += children
        todo += children
    return found
