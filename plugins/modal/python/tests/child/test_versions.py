"""`versions`: which version of an app is live, asked without the SDK."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .conftest import deploy_params
from .driver import Child
from .stock import modal_command, project_of

if TYPE_CHECKING:
    from .conftest import Server


def has_sdk(child: Child) -> bool:
    """Whether the child has imported the SDK: it brings a compiled module that nothing else needs."""
    return "cbor2" in Path(f"/proc/{child.process.pid}/maps").read_text()


def test_live_published_again_stopped_and_absent(child: Child, server: Server, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", 1)
    params = deploy_params("counted", project.function("one"), targets=("one",))
    deployed = child.ask("deployApp", params)
    ask = {"apps": ["counted", "nobody"]}
    live = {"app": "counted", "appId": deployed["appId"], "state": "deployed", "version": deployed["version"]}
    assert child.ask("versions", ask)["apps"] == [live, {"app": "nobody", "state": "absent"}]
    again = child.ask("deployApp", params)
    assert child.ask("versions", ask)["apps"][0]["version"] == again["version"] == deployed["version"] + 1
    modal_command(server, "app", "stop", "counted", "--yes")
    assert child.ask("versions", ask)["apps"][0]["state"] != "deployed"


def test_the_sdk_is_not_imported_for_it(child: Child) -> None:
    assert child.ask("versions", {"apps": ["nobody"]})["apps"] == [{"app": "nobody", "state": "absent"}]
    assert not has_sdk(child)
    child.ask("whoami")
    assert has_sdk(child)


def test_wrong_tokens_and_a_dead_server_are_for_the_sdk_to_explain(server: Server) -> None:
    with Child({**server.credentials, "MODAL_TOKEN_SECRET": "as-wrong"}) as child:
        error = child.error("versions", {"apps": ["nobody"]})
        assert error["code"] == "PROVIDER"
        assert "as-wrong" not in error["message"]
    with Child({**server.credentials, "MODAL_SERVER_URL": "http://127.0.0.1:9"}) as child:
        assert child.error("versions", {"apps": ["nobody"]})["code"] == "PROVIDER"


def test_a_proxy_is_for_the_sdk(server: Server) -> None:
    variables = {**server.credentials, "HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
    with Child(variables, environment={"NO_PROXY": "", "no_proxy": ""}) as child:
        assert child.error("versions", {"apps": ["nobody"]})["code"] == "PROVIDER"
