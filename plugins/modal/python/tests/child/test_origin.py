"""Who published what is live: what Modal is asked for it, and what is said where it does not tell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from grpclib import GRPCError, Status

from .conftest import deploy_params, warnings_of
from .stock import call, deploy_foreign, project_of, remove

if TYPE_CHECKING:
    from pathlib import Path

    import modal

    from .driver import Child
    from .faults import Ask, Relay


async def _refused(_request: Any, _ask: Ask) -> Any:
    raise GRPCError(Status.PERMISSION_DENIED, "Deployment history is not available on this plan.")


def test_a_deploy_without_changes_costs_two_requests(relay: Relay, relayed: Child, tmp_path: Path) -> None:
    deployed = relayed.ask("deployApp", deploy_params("cheap", project_of(tmp_path, "p", 1).function("one")))
    known = {"app": "cheap", "appId": deployed["appId"], "version": 1, "functions": ["one"]}
    relay.seen.clear()
    relayed.ask("observe", {"apps": ["cheap"], "known": [known]})
    assert sorted(relay.seen) == ["AppGetByDeploymentName", "AppGetLayout"]
    relay.seen.clear()
    relayed.ask("observe", {"apps": ["cheap"]})
    assert "VolumeList" not in relay.seen and "VolumeGetOrCreate" in relay.seen
    assert "AppDeploymentHistory" not in relay.seen  # The records tell.


def test_a_history_that_is_refused(relay: Relay, relayed: Child, sdk: modal.Client, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", "mine")
    relayed.ask("deployApp", deploy_params("no-history", project.function("one")))
    relay.faults["AppDeploymentHistory"] = _refused
    # Our own version needs no history.
    seen = relayed.ask("observe", {"apps": ["no-history"]})
    assert seen["apps"][0]["ours"] is True and seen["warnings"] == []
    remove(sdk, "apps/no-history/one.json")
    seen = relayed.ask("observe", {"apps": ["no-history"]})
    assert (seen["apps"][0]["ours"], seen["apps"][0]["unrecorded"]) == (False, None)
    assert "not available on this plan" in seen["warnings"][0]
    # A deploy says so, and goes on when the parent knows the function.
    failure = relayed.error("deployApp", deploy_params("no-history", project.function("one")))
    assert failure["code"] == "FOREIGN_FUNCTIONS" and failure["data"]["overwritten"] == ["one"]
    assert "not available on this plan" in failure["message"]
    relayed.ask("deployApp", deploy_params("no-history", project.function("one"), known=("one",)))
    assert relayed.ask("observe", {"apps": ["no-history"]})["apps"][0]["ours"] is True


def test_records_that_may_not_be_read(relay: Relay, relayed: Child, tmp_path: Path) -> None:
    relayed.ask("deployApp", deploy_params("no-records", project_of(tmp_path, "p", 1).function("one")))
    relay.faults["VolumeGetOrCreate"] = _refused
    result = relayed.ask("observe", {"apps": ["no-records", "nowhere"]})
    assert (result["apps"][0]["ours"], result["apps"][0]["unrecorded"]) == (False, True)
    assert [entry["managed"] for entry in result["apps"][0]["functions"]] == [False]
    assert "cannot be read" in result["warnings"][0]


def test_a_list_that_tells_nothing_of_the_version(relay: Relay, relayed: Child, tmp_path: Path) -> None:
    deployed = relayed.ask("deployApp", deploy_params("terse", project_of(tmp_path, "p", 1).function("one")))

    def row() -> dict[str, Any]:
        (found,) = [entry for entry in relayed.ask("listFunctions")["functions"] if entry["app"] == "terse"]
        return {key: found[key] for key in ("version", "deployedAt", "deployedBy")}

    told = row()
    assert told == {"version": 1, "deployedAt": deployed["deployedAt"], "deployedBy": "local"}
    assert "AppGetLifecycle" in relay.seen  # Of the deploy.
    relay.seen.clear()
    assert row() == told
    assert "AppGetLifecycle" not in relay.seen

    async def terse(_request: Any, ask: Ask) -> Any:
        reply = await ask()
        for app in reply.apps:
            app.metadata.ClearField("lifecycle")
        return reply

    relay.faults["AppList"] = terse
    assert row() == told
    relay.faults["AppGetLifecycle"] = _refused
    assert row() == {"version": None, "deployedAt": None, "deployedBy": None}


def test_somebody_publishes_between_the_look_and_the_publish(
    relay: Relay, relayed: Child, sdk: modal.Client, tmp_path: Path
) -> None:
    """What they added is dropped by Modal, which keeps the last publish alone. It is said."""
    app = "meanwhile"
    project = project_of(tmp_path, "p", "mine")
    relayed.ask("deployApp", deploy_params(app, project.function("one")))

    async def publish(_request: Any, ask: Ask) -> Any:
        relay.faults.clear()
        await asyncio.to_thread(deploy_foreign, sdk, app, "theirs", tmp_path)
        return await ask()

    relay.faults["AppPublish"] = publish
    result = relayed.ask("deployApp", deploy_params(app, project.function("one", memory=300)))
    assert any("at the same time" in warning for warning in result["warnings"])
    assert call(relayed, app, "one") == "mine"


def test_versions_that_modal_skips_are_nobodys_publish(relay: Relay, relayed: Child, tmp_path: Path) -> None:
    """Nothing promises that Modal counts in steps of one."""
    project = project_of(tmp_path, "p", 1)
    relayed.ask("deployApp", deploy_params("skips", project.function("one")))

    async def later(_request: Any, ask: Ask) -> Any:
        reply = await ask()
        reply.lifecycle.version += 5
        return reply

    async def history(_request: Any, ask: Ask) -> Any:
        reply = await ask()
        reply.app_deployment_histories[0].version += 5  # Ours.
        return reply

    relay.faults |= {"AppGetLifecycle": later, "AppDeploymentHistory": history}
    result = relayed.ask("deployApp", deploy_params("skips", project.function("one", memory=300)))
    assert result["version"] == 7 and warnings_of(result) == []
