"""`observe`: what is live, who published it, and what the records say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import modal
import pytest

from .conftest import deploy_params
from .stock import call, deploy_foreign, modal_command, project_of, put, remove

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Server
    from .driver import Child, Message


@pytest.fixture(scope="module")
def child(shared: Child) -> Child:
    """One child for all of these tests, as each has an app of its own."""
    return shared


def observe(child: Child, app: str, known: Message | None = None) -> Message:
    """What is seen of one app."""
    params: Message = {"apps": [app], "known": [{"app": app, **known}] if known else None}
    (seen,) = child.ask("observe", params)["apps"]
    assert seen["app"] == app
    result: Message = seen
    return result


def test_an_app_that_we_deployed(child: Child, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", 1)
    functions = [project.function("one", url="public", spec={"cpu": [1]}), project.function("two")]
    deployed = child.ask("deployApp", deploy_params("seen", *functions, targets=("one", "two")))
    seen = observe(child, "seen")
    urls = {function["name"]: function.get("url") for function in deployed["functions"]}
    ids = {function["name"]: function["id"] for function in deployed["functions"]}
    assert {key: seen[key] for key in ("state", "ours", "appId", "version", "deployedAt")} == {
        "state": "deployed",
        "ours": True,
        "appId": deployed["appId"],
        "version": deployed["version"],
        "deployedAt": deployed["deployedAt"],  # By Modal's clock, as the records have it.
    }
    assert seen["deployedBy"] and seen["rolledBackTo"] is None and seen["unrecorded"] is None
    assert seen["functions"] == [
        {"name": "one", "id": ids["one"], "url": urls["one"], "managed": True},
        {"name": "two", "id": ids["two"], "url": None, "managed": True},
    ]
    # All that another machine needs to adopt it.
    assert [entry["name"] for entry in seen["managed"]] == ["one", "two"]
    assert seen["managed"][0] == {
        "name": "one",
        "digest": project.digest,
        "spec": {"cpu": [1]},
        "deployedAt": deployed["deployedAt"],
        "functionId": ids["one"],
        "client": "cloudctl-test/1",
    }


def test_what_is_as_the_ledger_has_it_needs_no_closer_look(child: Child, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", 1)
    deployed = child.ask("deployApp", deploy_params("known", project.function("one", url="public")))
    known = {"appId": deployed["appId"], "version": 1, "functions": ["one", "forgotten"]}
    spared = observe(child, "known", known)
    assert spared["ours"] is True and spared["version"] == 1 and spared["managed"] == []
    assert [(entry["name"], entry["managed"]) for entry in spared["functions"]] == [("one", False)]
    others: list[Message] = [{"version": 2}, {"appId": "ap-other"}, {"functions": []}]
    for other in others:
        looked = observe(child, "known", {**known, **other})
        assert [entry["name"] for entry in looked["managed"]] == ["one"], other


def test_what_is_not_there(child: Child) -> None:
    result = child.ask("observe", {"apps": ["nowhere", "nowhere"], "volumes": ["no-volume"]})
    assert result == {
        "apps": [{"app": "nowhere", "state": "absent", "ours": False, "functions": [], "managed": []}],
        "volumes": [{"name": "no-volume"}],
        "warnings": [],
    }
    assert child.ask("observe") == {"apps": [], "volumes": [], "warnings": []}


def test_a_stopped_app(child: Child, server: Server, tmp_path: Path) -> None:
    deployed = child.ask("deployApp", deploy_params("halted", project_of(tmp_path, "p", 1).function("one")))
    modal_command(server, "app", "stop", "halted", "--yes")
    known = {"appId": deployed["appId"], "version": 1, "functions": ["one"]}
    for seen in (observe(child, "halted"), observe(child, "halted", known)):
        assert (seen["state"], seen["ours"], seen["functions"], seen["managed"]) == ("stopped", False, [], [])
        assert seen["appId"] == deployed["appId"] and seen["version"] == 1
        assert seen["stoppedAt"] > seen["deployedAt"] and seen["stoppedBy"]


def test_what_somebody_else_published(child: Child, sdk: modal.Client, tmp_path: Path) -> None:
    child.ask("deployApp", deploy_params("taken", project_of(tmp_path, "p", 1).function("one")))
    deploy_foreign(sdk, "taken", "theirs", tmp_path)
    seen = observe(child, "taken")
    assert (seen["ours"], seen["unrecorded"], seen["version"], seen["client"]) == (False, None, 2, modal.__version__)
    assert [(entry["name"], entry["managed"]) for entry in seen["functions"]] == [("theirs", False)]
    assert seen["managed"] == []  # The record of `one` is of nothing that lives.


def test_a_rollback_is_not_ours(child: Child, server: Server, tmp_path: Path) -> None:
    old, new = project_of(tmp_path, "old", "old"), project_of(tmp_path, "new", "new")
    child.ask("deployApp", deploy_params("rolled", old.function("one")))
    child.ask("deployApp", deploy_params("rolled", new.function("one"), known=("one",)))
    modal_command(server, "app", "rollback", "rolled", "v1")
    assert call(child, "rolled", "one") == "old"
    seen = observe(child, "rolled")
    assert (seen["ours"], seen["unrecorded"], seen["rolledBackTo"], seen["version"]) == (False, None, 1, 3)
    assert seen["managed"][0]["digest"] == new.digest
    child.ask("deployApp", deploy_params("rolled", new.function("one"), known=("one",)))
    assert observe(child, "rolled")["ours"] is True
    assert call(child, "rolled", "one") == "new"


def test_a_record_that_is_missing_or_broken(child: Child, sdk: modal.Client, tmp_path: Path) -> None:
    child.ask("deployApp", deploy_params("unrecorded", project_of(tmp_path, "p", 1).function("one")))
    put(sdk, "apps/unrecorded/one.json", b"{")
    result = child.ask("observe", {"apps": ["unrecorded"]})
    assert result["apps"][0]["unrecorded"] is True and result["apps"][0]["ours"] is False
    assert "record of one in unrecorded" in result["warnings"][0]
    remove(sdk, "apps/unrecorded/one.json")
    result = child.ask("observe", {"apps": ["unrecorded"]})
    assert result["apps"][0]["unrecorded"] is True and result["warnings"] == []


def test_a_new_app_of_the_same_name_is_another(child: Child, server: Server, sdk: modal.Client, tmp_path: Path) -> None:
    """A new app counts its versions from 1 again: our record of version 1 must not vouch for somebody's version 1."""
    child.ask("deployApp", deploy_params("reborn", project_of(tmp_path, "p", 1).function("one")))
    modal_command(server, "app", "stop", "reborn", "--yes")
    deploy_foreign(sdk, "reborn", "one", tmp_path)
    seen = observe(child, "reborn")
    assert (seen["version"], seen["ours"], seen["unrecorded"]) == (1, False, None)


def test_volumes(child: Child, server: Server) -> None:
    created = child.ask("createVolume", {"name": "looked-at"})
    (seen,) = child.ask("observe", {"volumes": ["looked-at"]})["volumes"]
    assert (seen["name"], seen["id"], seen["createdAt"]) == ("looked-at", created["id"], created["createdAt"])
    assert seen["createdBy"]
    modal_command(server, "volume", "delete", "looked-at", "--yes")
    assert child.ask("observe", {"volumes": ["looked-at"]})["volumes"] == [{"name": "looked-at"}]
    modal_command(server, "volume", "create", "looked-at")
    (again,) = child.ask("observe", {"volumes": ["looked-at"]})["volumes"]
    assert again["id"] != created["id"]


def test_many_at_once(child: Child, tmp_path: Path) -> None:
    child.ask("deployApp", deploy_params("many-0", project_of(tmp_path, "p", 1).function("one")))
    names = [f"many-{number}" for number in range(60)]
    result = child.ask("observe", {"apps": names, "volumes": names})
    assert [entry["app"] for entry in result["apps"]] == names
    assert [entry["state"] for entry in result["apps"]] == ["deployed", *["absent"] * 59]
    assert [entry["name"] for entry in result["volumes"]] == names
