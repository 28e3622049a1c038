"""What Modal may answer on a bad day: refusals, failed builds, warnings; and cancelling at the worst moments."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from grpclib import GRPCError, Status
from modal_proto import api_pb2

from .conftest import Project, deploy_params, warnings_of

if TYPE_CHECKING:
    from .driver import Child
    from .faults import Ask, Relay


def _project(project: Project) -> Project:
    return project.write("main.py", "def handler(): return 1\n").write("requirements.txt", "no-such-package\n")


def test_an_image_that_cannot_be_built(relay: Relay, relayed: Child, project: Project) -> None:
    async def unbuilt(_request: Any, ask: Ask) -> Any:
        reply = await ask()
        reply.ClearField("result")
        return reply

    async def build(_request: Any, _ask: Ask) -> Any:
        lines = (
            "".join(f"#{i} step\n" for i in range(300)) + "ERROR: No matching distribution found for no-such-package\n"
        )
        failure = api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_FAILURE)
        return [
            api_pb2.ImageJoinStreamingResponse(task_logs=[api_pb2.TaskLogs(data=lines[:40])]),
            api_pb2.ImageJoinStreamingResponse(task_logs=[api_pb2.TaskLogs(data=lines[40:])]),
            api_pb2.ImageJoinStreamingResponse(result=failure),
        ]

    relay.faults |= {"ImageGetOrCreate": unbuilt, "ImageJoinStreaming": build}
    function = _project(project).function("one", requirements="requirements.txt")
    failure = relayed.error("deployApp", deploy_params("unbuilt", function))
    assert failure["code"] == "IMAGE_BUILD"
    log = failure["data"]["log"].splitlines()
    assert log[-1] == "ERROR: No matching distribution found for no-such-package"
    assert len(log) == 200
    logged = [note["log"] for note in relayed.notes("progress", relayed.last) if note.get("log")]
    assert logged[0] == "#0 step" and logged[-1] == log[-1]
    assert "AppClientDisconnect" in relay.seen
    assert "AppPublish" not in relay.seen


def test_a_state_volume_that_is_not_allowed(relay: Relay, relayed: Child, project: Project) -> None:
    async def forbidden(request: Any, ask: Ask) -> Any:
        if request.deployment_name == "cloudctl-state":
            raise GRPCError(Status.PERMISSION_DENIED, "You may not touch volumes.")
        return await ask()

    relay.faults["VolumeGetOrCreate"] = forbidden
    result = relayed.ask("deployApp", deploy_params("no-state", _project(project).function("one")))
    (warning,) = warnings_of(result)
    assert "cloudctl-state" in warning and "foreign" in warning
    (live,) = relayed.ask("layout", {"app": "no-state"})["functions"]
    assert (live["name"], live["managed"]) == ("one", False)


def test_warnings_of_the_server_come_once(relay: Relay, relayed: Child, project: Project) -> None:
    warning = api_pb2.Warning(message="Something will change soon.")

    async def publish(_request: Any, ask: Ask) -> Any:
        reply = await ask()
        reply.server_warnings.append(warning)
        return reply

    async def create(_request: Any, ask: Ask) -> Any:
        reply = await ask()
        reply.server_warnings.extend([warning, api_pb2.Warning(message="A slow region.")])
        return reply

    relay.faults |= {"AppPublish": publish, "FunctionCreate": create}
    result = relayed.ask("deployApp", deploy_params("warned", _project(project).function("one")))
    assert sorted(warnings_of(result)) == ["A slow region.", "Something will change soon."]


REFUSALS = [
    (Status.PERMISSION_DENIED, "PERMISSION"),
    (Status.UNAUTHENTICATED, "AUTH"),
    (Status.RESOURCE_EXHAUSTED, "LIMIT"),
    (Status.FAILED_PRECONDITION, "CONFLICT"),
    (Status.ALREADY_EXISTS, "CONFLICT"),
    (Status.INVALID_ARGUMENT, "INVALID"),
    (Status.UNIMPLEMENTED, "PROVIDER"),
    (Status.DATA_LOSS, "PROVIDER"),
    (Status.INTERNAL, "PROVIDER"),
]


@pytest.mark.parametrize(("status", "code"), REFUSALS, ids=lambda value: getattr(value, "name", value))
def test_refusals(relay: Relay, relayed: Child, status: Status, code: str) -> None:
    async def refuse(_request: Any, _ask: Ask) -> Any:
        raise GRPCError(status, "The server's own words.")

    relay.faults["AppList"] = refuse
    failure = relayed.error("listFunctions")
    assert failure["code"] == code
    assert "The server's own words." in failure["message"]
    assert "Status" not in failure["message"] and "grpc" not in failure["message"].lower()


def test_a_missing_environment(relay: Relay, relayed: Child) -> None:
    async def refuse(_request: Any, _ask: Ask) -> Any:
        raise GRPCError(Status.NOT_FOUND, "Environment 'staging' not found.")

    relay.faults["AppList"] = refuse
    failure = relayed.error("listFunctions")
    assert failure["code"] == "NOT_FOUND"
    assert failure["data"] == {"kind": "environment", "name": "staging"}


def test_one_app_that_cannot_be_read_hides_no_other(
    relay: Relay, relayed: Child, project: Project, shared: Child
) -> None:
    ids = [
        shared.ask("deployApp", deploy_params(name, _project(project).function("one")))["appId"]
        for name in ("readable", "unreadable")
    ]

    async def refuse(request: Any, ask: Ask) -> Any:
        if request.app_id == ids[1]:
            raise GRPCError(Status.PERMISSION_DENIED, "Not yours.")
        return await ask()

    relay.faults["AppGetLayout"] = refuse
    result = relayed.ask("listFunctions")
    apps = {row["app"] for row in result["functions"]}
    assert "readable" in apps and "unreadable" not in apps
    assert any("unreadable" in warning and "Not yours." in warning for warning in result["warnings"])


def _wait_for(relay: Relay, rpc: str) -> None:
    end = time.monotonic() + 20
    while rpc not in relay.seen:
        assert time.monotonic() < end, relay.seen
        time.sleep(0.005)


def test_cancelled_before_the_publish(relay: Relay, relayed: Child, project: Project) -> None:
    async def slow(_request: Any, ask: Ask) -> Any:
        await asyncio.sleep(5)
        return await ask()

    relay.faults["FunctionCreate"] = slow
    number = relayed.start("deployApp", deploy_params("early", _project(project).function("one")))
    _wait_for(relay, "FunctionCreate")
    relayed.cancel(number)
    assert relayed.reply(number, patience=2)["error"]["code"] == "CANCELLED"
    _wait_for(relay, "AppClientDisconnect")
    assert "AppPublish" not in relay.seen
    relay.faults.clear()
    assert relayed.ask("layout", {"app": "early"})["appId"] is None


def test_cancelled_while_it_publishes(relay: Relay, relayed: Child, project: Project) -> None:
    """Past the point of no return the publish is finished and recorded, so that no function becomes foreign."""

    async def slow(_request: Any, ask: Ask) -> Any:
        reply = await ask()
        await asyncio.sleep(1)
        return reply

    relay.faults["AppPublish"] = slow
    number = relayed.start("deployApp", deploy_params("late", _project(project).function("one")))
    _wait_for(relay, "AppPublish")
    relayed.cancel(number)
    assert relayed.reply(number, patience=2)["error"]["code"] == "CANCELLED"
    end = time.monotonic() + 20
    while True:
        live = relayed.ask("layout", {"app": "late"})
        if [function["managed"] for function in live["functions"]] == [True]:
            break
        assert time.monotonic() < end, live
        time.sleep(0.1)


def test_a_server_that_falls_silent_is_noticed(relay: Relay, relayed: Child) -> None:
    relayed.ask("whoami")

    async def silent(_request: Any, _ask: Ask) -> Any:
        await asyncio.sleep(60)

    relay.faults |= {"AppList": silent, "ClientHello": silent}
    before = time.monotonic()
    assert relayed.error("listFunctions", patience=20)["code"] == "UNREACHABLE"
    assert time.monotonic() - before < 8.5


def test_a_deploy_costs_few_calls(relay: Relay, relayed: Child, project: Project) -> None:
    relayed.ask("deployApp", deploy_params("counted", _project(project).function("one")))
    first = Counter(relay.seen)
    relay.seen.clear()
    relayed.ask("deployApp", deploy_params("counted", _project(project).function("one", memory=512)))
    second = Counter(relay.seen)
    for counted in (first, second):
        counted.pop("AppHeartbeat", None)
    assert sum(first.values()) <= 32, first
    assert sum(second.values()) <= 26, second
