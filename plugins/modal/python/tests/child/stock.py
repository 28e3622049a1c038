"""What other tools would see and do: the stock SDK and the stock `modal` command; and short forms for tests."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import modal

from .conftest import Project

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Server
    from .driver import Child

STATE = "cloudctl-state"


def layout(child: Child, app: str) -> dict[str, bool]:
    """Live functions by name, and whether CloudCTL knows them."""
    return {entry["name"]: entry["managed"] for entry in child.ask("layout", {"app": app})["functions"]}


def call(child: Child, app: str, function: str) -> Any:
    """What a function without parameters answers."""
    return child.ask("call", {"app": app, "function": function, "hasInput": False})["value"]


def project_of(tmp_path: Path, name: str, answer: object) -> Project:
    """A project whose handler answers ``answer``."""
    directory = tmp_path / name
    directory.mkdir()
    return (
        Project(directory)
        .write("main.py", "import helper\ndef handler():\n    return helper.answer\n")
        .write("helper.py", f"answer = {answer!r}\n")
    )


def deploy_foreign(client: modal.Client, app_name: str, name: str, directory: Path) -> None:
    """A function that somebody deploys with the stock SDK; it replaces whatever lives in the app."""
    path = directory / f"foreign_{name}.py"
    path.write_text("def work():\n    return 'foreign'\n")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    app = modal.App(app_name)
    app.function(name=name)(module.work)
    deploy: Any = app.deploy
    deploy(client=client)


def modal_command(server: Server, *arguments: str) -> str:
    """The output of the stock `modal` command."""
    done = subprocess.run(
        [sys.executable, "-m", "modal", *arguments],
        env={**server.credentials, "MODAL_CONFIG_PATH": "/nonexistent/modal.toml", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(client: modal.Client, path: str) -> list[str]:
    """What lies in a folder of CloudCTL's own volume."""
    volume: Any = modal.Volume.from_name(STATE, client=client)
    return sorted(entry.path.lstrip("/") for entry in volume.listdir(path))


def read(client: modal.Client, path: str) -> bytes:
    """A file of CloudCTL's own volume."""
    volume: Any = modal.Volume.from_name(STATE, client=client)
    return b"".join(volume.read_file(path))


def put(client: modal.Client, path: str, data: bytes) -> None:
    """Write a file into CloudCTL's own volume."""
    volume: Any = modal.Volume.from_name(STATE, client=client)
    with volume.batch_upload(force=True) as batch:
        batch.put_file(io.BytesIO(data), path)


def remove(client: modal.Client, path: str) -> None:
    """Remove a file from CloudCTL's own volume."""
    volume: Any = modal.Volume.from_name(STATE, client=client)
    volume.remove_file(path)
