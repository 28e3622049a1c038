"""One Local Modal for the whole suite, and children that speak to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import modal
import pytest

from .driver import CLIENT, ROOT, Child, Message
from .faults import Relay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGEST_LETTERS = "0123456789abcdef"


@dataclass(frozen=True)
class Server:
    """A running Local Modal."""

    url: str
    token_id: str
    token_secret: str

    @property
    def credentials(self) -> dict[str, str]:
        return {
            "MODAL_SERVER_URL": self.url,
            "MODAL_TOKEN_ID": self.token_id,
            "MODAL_TOKEN_SECRET": self.token_secret,
        }


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    state = tmp_path_factory.mktemp("modal-local")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with (state / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "modal_local", "serve", "--state", str(state)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        end = time.monotonic() + 30
        while not (state / "server.json").exists():
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"Local Modal did not start: {(state / 'output.txt').read_text()}")
            time.sleep(0.05)
        told = json.loads((state / "server.json").read_text())
        yield Server(told["url"], told["token_id"], told["token_secret"])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@pytest.fixture
def child(server: Server) -> Iterator[Child]:
    """A child with the server's credentials."""
    with Child(server.credentials) as started:
        yield started


@pytest.fixture(scope="module")
def shared(server: Server) -> Iterator[Child]:
    """A child for tests that only read, or that use an app of their own."""
    with Child(server.credentials) as started:
        yield started


@pytest.fixture(scope="module")
def sdk(server: Server) -> Iterator[modal.Client]:
    """The stock SDK in this process: what other tools would see and do."""
    for name, value in {**server.credentials, "MODAL_CONFIG_PATH": "/nonexistent/modal.toml"}.items():
        os.environ[name] = value
    client: Any = modal.Client.from_env()
    yield client
    client.close()


@pytest.fixture(scope="module")
def running(server: Server) -> Iterator[Relay]:
    with Relay(server.url) as relay:
        yield relay


@pytest.fixture
def relay(running: Relay) -> Iterator[Relay]:
    """The relay without faults."""
    running.seen.clear()
    yield running
    running.faults.clear()


@pytest.fixture(scope="module")
def relayed(running: Relay, server: Server) -> Iterator[Child]:
    """A child that speaks to the relay."""
    with Child({**server.credentials, "MODAL_SERVER_URL": running.url}) as child:
        yield child


@dataclass(frozen=True)
class Project:
    """A package on disk."""

    directory: Path

    def write(self, name: str, text: str) -> Project:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return self

    @property
    def digest(self) -> str:
        """Any digest that follows from the content will do."""
        import hashlib

        content = hashlib.sha256()
        for path in sorted(self.directory.rglob("*")):
            if path.is_file():
                content.update(str(path.relative_to(self.directory)).encode() + b"\0" + path.read_bytes())
        return content.hexdigest()

    def function(self, name: str, handler: str = "main.handler", **options: Any) -> Message:
        """A Function of the protocol."""
        return {
            "name": name,
            "handler": handler,
            "package": {"digest": self.digest, "directory": str(self.directory)},
            "image": {"kind": "modal", "python": f"{sys.version_info.major}.{sys.version_info.minor}"},
            "cpu": 0.25,
            "memory": 256,
            "timeout": 60,
            "url": "none",
            "spec": {"name": name},
            **options,
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    directory = tmp_path / "project"
    directory.mkdir()
    return Project(directory)


def warnings_of(result: Message) -> list[str]:
    """The warnings of a deploy, but for Modal's own about the Python that runs this suite."""
    return [warning for warning in result["warnings"] if "EOL" not in warning]


def deploy_params(
    app: str, *functions: Message, targets: tuple[str, ...] = (), known: tuple[str, ...] = (), replace: bool = False
) -> Message:
    """Params of `deployApp`; the first function is the target unless others are named."""
    return {
        "app": app,
        "functions": list(functions),
        "targets": list(targets) or [functions[0]["name"]],
        "known": list(known),
        "replace": replace,
        "client": CLIENT,
    }
