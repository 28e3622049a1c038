"""What a function sees of this machine."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modal
import pytest

from tests.local.harness import Fn, alive, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.harness import LocalServer


@pytest.fixture(scope="module", autouse=True)
def app(server: LocalServer) -> None:
    if '"isolation": "none"' in server.control("GET", "/status")[1]:
        pytest.skip("this machine allows no unprivileged namespaces")
    models = modal.Volume.from_name("isolation", create_if_missing=True, client=server.client)
    server.deploy("isolation", _functions(models))


def _functions(models: modal.Volume) -> dict[str, Fn]:
    volumes: dict[Any, Any] = {"/models": models}
    return {
        "look": Fn("basic:look_around", volumes=volumes),
        "write": Fn("basic:write_and_list", single_use_containers=True),
        "exists": Fn("basic:exists", volumes=volumes),
        "list": Fn("basic:listing", volumes=volumes),
        "write-file": Fn("basic:write_file", volumes=volumes),
        "child": Fn("basic:leave_child"),
    }


def test_paths_are_those_of_modal(server: LocalServer) -> None:
    seen = server.function("isolation", "look").remote()
    assert (seen["cwd"], seen["home"], seen["uid"]) == ("/root", "/root", 0)
    assert seen["file"].startswith("/root/basic_")
    assert seen["python"] == sys.version_info[:2]
    assert server.function("isolation", "write-file").remote("/models/x") == ["x"]


def test_writes_to_the_home_are_thrown_away(server: LocalServer) -> None:
    write = server.function("isolation", "write")
    assert "written.txt" not in write.remote("/root/written.txt")
    assert "written.txt" not in write.remote("/root/written.txt")
    assert "written.txt" not in write.remote("/tmp/written.txt")
    assert not Path("/tmp/written.txt").exists()
    if os.access("/root", os.X_OK):
        assert not Path("/root/written.txt").exists()


def test_the_environment_is_the_functions_own(server: LocalServer) -> None:
    environment = server.function("isolation", "look").remote()["environ"]
    assert "A_SECRET_OF_THE_SERVER" not in environment
    assert "MODAL_TOKEN_SECRET" not in environment
    assert server.info["token_secret"] not in str(environment)
    assert environment["MODAL_SERVER_URL"] == server.info["url"]
    assert environment["MODAL_IS_REMOTE"] == "1"


def test_homes_and_the_servers_state_are_hidden_and_the_system_is_not(server: LocalServer) -> None:
    exists = server.function("isolation", "exists")
    assert not exists.remote(str(server.state / "tokens.json"))
    assert not exists.remote(str(server.state))
    assert exists.remote("/usr/bin/env")
    assert exists.remote("/etc/hosts")
    assert exists.remote("/dev/null")
    home = Path("~").expanduser()
    hidden = [entry.name for entry in home.iterdir() if not sys.prefix.startswith(str(entry))]
    shown = "/root" if home == Path("/root") else str(home)
    # A home below /tmp is gone altogether: a container has its own /tmp.
    visible = server.function("isolation", "list").remote(shown) if exists.remote(shown) else []
    assert not [name for name in hidden if name in visible and name != ".pyenv"]


def test_a_functions_processes_end_with_its_container(server: LocalServer) -> None:
    if '"isolation": "full"' not in server.control("GET", "/status")[1]:
        pytest.skip("no process namespaces here")
    # A duration that no other test on this machine uses at the moment.
    seconds = f"300.{random.randrange(10**9):09d}"
    server.function("isolation", "child").remote(seconds)
    (child,) = _sleepers(seconds)
    server.deploy("isolation", {"look": Fn("basic:look_around")})
    wait_until(lambda: not alive(child), 10, "the function's child to end")


def _sleepers(seconds: str) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cmdline").read_bytes() == f"sleep\0{seconds}\0".encode():
                    found.add(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.parametrize("isolation", ["none", "mounts"])
def test_plainer_ways(own_server: Callable[..., LocalServer], isolation: str) -> None:
    server = own_server(environment={"MODAL_LOCAL_ISOLATION": isolation})
    models = modal.Volume.from_name("models", create_if_missing=True, client=server.client)
    functions = _functions(models)
    if isolation == "none":
        with pytest.warns(modal.exception.ServerWarning):
            result = server.deploy("plain", functions)
        assert any("'look' does not find /models" in text for text in result.warnings)
    else:
        server.deploy("plain", functions)
    seen = server.function("plain", "look").remote()
    if isolation == "none":
        assert seen["cwd"].endswith("/fs/root")
        assert "A_SECRET_OF_THE_SERVER" not in seen["environ"]
        assert server.function("plain", "write-file").remote("../models/x") == ["x"]
        assert [entry.path for entry in models.listdir("/")] == ["x"]
    else:
        assert seen["cwd"] == "/root"
        assert server.function("plain", "write-file").remote("/models/x") == ["x"]
    pid = seen["pid"]
    assert alive(pid), "without a process namespace its number is the host's"
    server.kill()
    wait_until(lambda: not alive(pid), 5, "the container to end with the server")
    assert os.getpid() != pid
