"""Lists, volumes and the owner of the token."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

from .conftest import Project, Server, deploy_params
from .driver import Child

if TYPE_CHECKING:
    from pathlib import Path


def test_whoami(shared: Child) -> None:
    result = shared.ask("whoami")
    assert result["workspace"] and result["environment"]


def test_functions_with_their_urls_folded_in(shared: Child, project: Project) -> None:
    project.write("main.py", "def handler(): return 1\n")
    functions = [project.function("with-url", url="public"), project.function("without")]
    deployed = shared.ask("deployApp", deploy_params("listed", *functions))
    rows = {row["name"]: row for row in shared.ask("listFunctions")["functions"] if row["app"] == "listed"}
    assert set(rows) == {"with-url", "without"}
    urls = {function["name"]: function.get("url") for function in deployed["functions"]}
    assert rows["with-url"]["url"] == urls["with-url"]
    assert rows["without"]["url"] is None
    assert rows["without"]["status"] == "deployed"
    assert rows["without"]["appId"] == deployed["appId"]
    assert rows["without"]["createdAt"].endswith("Z")
    live = {entry["name"]: entry for entry in shared.ask("layout", {"app": "listed"})["functions"]}
    assert live["with-url"]["url"] == urls["with-url"]
    assert set(live) == {"with-url", "without"}


def test_functions_of_a_stopped_app(shared: Child, server: Server, project: Project, tmp_path: Path) -> None:
    project.write("main.py", "def handler(): return 1\n")
    app_id = shared.ask("deployApp", deploy_params("stopped-app", project.function("one")))["appId"]
    environment = {**server.credentials, "MODAL_CONFIG_PATH": "/nonexistent/modal.toml", "PATH": "/usr/bin:/bin"}
    subprocess.run(
        [sys.executable, "-m", "modal", "app", "stop", app_id, "--yes"],
        env=environment,
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    rows = [row for row in shared.ask("listFunctions")["functions"] if row["appId"] == app_id]
    assert all(row["status"].startswith("stop") for row in rows)
    assert shared.ask("layout", {"app": "stopped-app"})["functions"] == []


def test_layout_of_an_app_that_is_not_there(shared: Child) -> None:
    result = shared.ask("layout", {"app": "nowhere"})
    assert (result["appId"], result["functions"], result["managed"]) == (None, [], [])


def test_volumes(shared: Child) -> None:
    first = shared.ask("createVolume", {"name": "my.volume-1"})
    second = shared.ask("createVolume", {"name": "my.volume-1"})
    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"] and first["id"].startswith("vo-")
    assert first["createdAt"] == second["createdAt"]
    listed = {volume["name"]: volume for volume in shared.ask("listVolumes")["volumes"]}
    assert listed["my.volume-1"]["id"] == first["id"]
    assert listed["my.volume-1"]["createdAt"] == first["createdAt"]


def test_our_own_volume_is_not_listed(shared: Child, project: Project) -> None:
    project.write("main.py", "def handler(): return 1\n")
    shared.ask("deployApp", deploy_params("hidden-volume", project.function("one")))
    assert "cloudctl-state" not in [volume["name"] for volume in shared.ask("listVolumes")["volumes"]]


def test_names_that_modal_rejects(shared: Child) -> None:
    failure = shared.error("createVolume", {"name": "ap-" + "a" * 22})
    assert failure["code"] == "INVALID"


def test_the_first_list_comes_soon(server: Server) -> None:
    with Child(server.credentials) as child:
        child.ask("listFunctions")
        assert time.monotonic() - child.started < 6
