"""The stock `modal` command."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import modal
from modal.runner import deploy_app
from modal_proto import api_pb2

from tests.local.harness import Fn, http, load, rpc

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.harness import LocalServer


def test_apps(server: LocalServer) -> None:
    result = server.deploy("by-command", {"f": Fn("basic:noisy"), "g": Fn("basic:double")}, tags={"a": "b"})
    server.deploy("by-command", {"f": Fn("basic:noisy")})
    rows = {row["app_id"]: row for row in json.loads(server.cli("app", "list", "--json").stdout)}
    assert (rows[result.app_id]["description"], rows[result.app_id]["state"]) == ("by-command", "deployed")
    history = json.loads(server.cli("app", "history", "by-command", "--json").stdout)
    assert len(history) == 2
    assert server.function("by-command", "f").remote() is True
    time.sleep(0.3)
    logs = server.cli("app", "logs", "by-command").stdout
    assert "to stdout" in logs
    assert "to stderr" in logs
    lines = list(server.function("by-command", "f").logs.tail(10))
    assert lines[0].message == "to stdout\n"
    assert sum(len(line.message) for line in lines) > 200_000
    server.cli("app", "rollback", "by-command")
    assert server.function("by-command", "g").remote(2) == 4
    server.cli("app", "stop", "by-command", "--yes")
    rows = {row["app_id"]: row for row in json.loads(server.cli("app", "list", "--json").stdout)}
    assert (rows[result.app_id]["state"], rows[result.app_id]["tasks"]) == ("stopped", "0")
    missing = server.cli("app", "stop", "no-such-app", "--yes", check=False)
    assert missing.returncode != 0
    assert "No App with name 'no-such-app'" in missing.stdout + missing.stderr


def test_history_and_rollback(server: LocalServer) -> None:
    first = server.deploy("versioned", {"f": Fn("basic:double"), "web": Fn("websites:echo", modal.asgi_app())})
    url = server.function("versioned", "web").get_web_url()
    app = modal.App("versioned")
    app.function(name="f")(load("basic").triple)
    deploy_app(app, client=server.client, tag="a-tag")  # Without `web`.
    assert http(url).status == 404
    server.cli("app", "rollback", "versioned", "v1")
    assert server.function("versioned", "f").remote(2) == 4
    assert http(url).status == 201, "what a rollback brings back runs"
    server.cli("app", "rollback", "versioned", "v2")
    assert server.function("versioned", "f").remote(2) == 6
    assert http(url).status == 404
    history = json.loads(server.cli("app", "history", "versioned", "--json").stdout)
    assert [row["version"] for row in history] == ["v4", "v3", "v2", "v1"]
    assert [row["tag"] for row in history] == ["a-tag", None, "a-tag", None]
    assert {row["client"] for row in history} == {modal.__version__}
    assert {row["deployed_by"] for row in history} == {"local"}
    entries = rpc(server, "AppDeploymentHistory", api_pb2.AppDeploymentHistoryRequest(app_id=first.app_id))
    assert [entry.rollback_version for entry in entries.app_deployment_histories] == [2, 1, 0, 0]
    request = api_pb2.AppGetLifecycleRequest(app_id=first.app_id)
    lifecycle = rpc(server, "AppGetLifecycle", request).lifecycle
    newest = entries.app_deployment_histories[0]
    assert (lifecycle.version, lifecycle.deployed_at, lifecycle.deployed_by) == (4, newest.deployed_at, "local")
    (listed,) = [app for app in rpc(server, "AppList", api_pb2.AppListRequest()).apps if app.name == "versioned"]
    assert listed.metadata.lifecycle == lifecycle
    unknown = server.cli("app", "rollback", "versioned", "v9", check=False)
    assert unknown.returncode != 0 and "no version 9" in unknown.stdout + unknown.stderr
    server.cli("app", "stop", "versioned", "--yes")
    lifecycle = rpc(server, "AppGetLifecycle", request).lifecycle
    assert lifecycle.stopped_at > lifecycle.deployed_at and lifecycle.stopped_by == "local"
    gone = server.cli("app", "rollback", "versioned", check=False)
    assert gone.returncode != 0


def test_volumes(server: LocalServer) -> None:
    def names() -> list[str]:
        return [row["name"] for row in json.loads(server.cli("volume", "list", "--json").stdout)]

    server.cli("volume", "create", "by-hand")
    assert "by-hand" in names()
    before = modal.Volume.from_name("by-hand", client=server.client).hydrate(server.client).object_id
    assert server.cli("volume", "create", "by-hand", check=False).returncode != 0
    server.cli("volume", "delete", "by-hand", "--yes")
    assert "by-hand" not in names()
    server.cli("volume", "create", "by-hand")
    after = modal.Volume.from_name("by-hand", client=server.client).hydrate(server.client).object_id
    assert after != before


def test_token_and_environments(server: LocalServer) -> None:
    assert server.info["token_id"] in server.cli("token", "info").stdout
    rows = json.loads(server.cli("environment", "list", "--json").stdout)
    assert [row["name"] for row in rows] == ["main"]


def test_containers(server: LocalServer) -> None:
    server.deploy("contained", {"f": Fn("basic:double")})
    assert server.function("contained", "f").remote(1) == 2
    rows = json.loads(server.cli("container", "list", "--json").stdout)
    (row,) = [row for row in rows if row["app_name"] == "contained"]
    server.cli("container", "stop", row["container_id"], "--yes")
    assert server.function("contained", "f").remote(1) == 2


def test_modal_deploy_and_run(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "own_app.py").write_text(
        "import modal\n"
        "app = modal.App('written-for-modal')\n"
        "vol = modal.Volume.from_name('own-volume', create_if_missing=True)\n"
        "@app.function(volumes={'/data': vol})\n"
        "def square(x: int = 3):\n"
        "    print('squaring', x)\n"
        "    return x * x\n"
        "@app.local_entrypoint()\n"
        "def main():\n"
        "    print('result', square.remote(5))\n"
    )
    server.cli("deploy", str(tmp_path / "own_app.py"))
    assert server.function("written-for-modal", "square").remote(4) == 16
    output = server.cli("run", str(tmp_path / "own_app.py")).stdout
    assert "result 25" in output
    assert "squaring 5" in output
    rows = json.loads(server.cli("app", "list", "--json").stdout)
    states = sorted(row["state"] for row in rows if row["description"] == "written-for-modal")
    assert states == ["deployed", "stopped"]


def test_usage() -> None:
    command = [sys.executable, "-m", "modal_local"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert result.returncode == 2
