"""Deploying: what is listed, replaced, refused, remembered; and what is said about what is not honoured."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import modal
import pytest
from modal.exception import ConflictError, InvalidError, NotFoundError, UnimplementedError
from modal.runner import deploy_app
from modal_proto import api_pb2

from tests.local.harness import Fn, http, load, rpc, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.harness import LocalServer


def listed(server: LocalServer) -> dict[str, str]:
    response = rpc(server, "AppList", api_pb2.AppListRequest())
    return {item.name: api_pb2.AppState.Name(item.state) for item in response.apps}


def layout(server: LocalServer, app_id: str) -> dict[str, str]:
    response = rpc(server, "AppGetLayout", api_pb2.AppGetLayoutRequest(app_id=app_id))
    return dict(response.app_layout.function_ids)


def test_deploy_is_listed_and_has_a_page(server: LocalServer) -> None:
    result = server.deploy("listed", {"double": Fn("basic:double")}, tags={"managed-by": "cloudctl"})
    assert result.app_id.startswith("ap-")
    assert result.warnings == []
    assert listed(server)["listed"] == "APP_STATE_DEPLOYED"
    assert list(layout(server, result.app_id)) == ["double"]
    page = http(result.app_page_url)
    assert (page.status, "double" in page.text, "deployed" in page.text) == (200, True, True)
    tags = rpc(server, "AppGetTags", api_pb2.AppGetTagsRequest(app_id=result.app_id)).tags
    assert dict(tags) == {"managed-by": "cloudctl"}


def test_redeploy_replaces_the_whole_app(server: LocalServer) -> None:
    first = server.deploy("replaced", {"one": Fn("basic:double"), "two": Fn("basic:triple")})
    before = layout(server, first.app_id)
    one, two = server.function("replaced", "one"), server.function("replaced", "two")
    assert (one.remote(1), two.remote(1)) == (2, 3)
    second = server.deploy("replaced", {"one": Fn("basic:triple")})
    assert second.app_id == first.app_id
    after = layout(server, first.app_id)
    assert after == {"one": before["one"]}, "the id of a function stays"
    assert server.function("replaced", "one").remote(1) == 3, "the new code runs"
    with pytest.raises(NotFoundError):
        server.function("replaced", "two").remote(1)
    with pytest.raises(NotFoundError, match="no longer part"):
        two.remote(1)
    tasks = api_pb2.TaskListRequest(app_id=first.app_id)
    wait_until(lambda: len(rpc(server, "TaskList", tasks).tasks) == 1, 10, "the removed function's container to end")


def test_redeploy_lets_running_calls_finish(server: LocalServer) -> None:
    server.deploy("rolling", {"f": Fn("basic:sleep")})
    call = server.function("rolling", "f").spawn(1.5)
    wait_until(lambda: server.function("rolling", "f").get_current_stats().num_running_inputs == 1, 10, "the call")
    server.deploy("rolling", {"f": Fn("basic:double")})
    assert server.function("rolling", "f").remote(4) == 8
    assert isinstance(call.get(timeout=10), int)


def test_the_recreate_strategy(server: LocalServer) -> None:
    server.deploy("recreated", {"f": Fn("basic:look_around")})
    first = server.function("recreated", "f").remote()["environ"]["MODAL_TASK_ID"]
    app = modal.App("recreated")
    app.function(name="f")(load("basic").look_around)
    deploy_app(app, client=server.client, deployment_strategy="recreate")
    assert server.function("recreated", "f").remote()["environ"]["MODAL_TASK_ID"] != first


def test_an_unchanged_redeploy_keeps_containers(server: LocalServer) -> None:
    functions = {"f": Fn("basic:look_around", secrets=[modal.Secret.from_dict({"A": "1"})])}
    server.deploy("unchanged", functions)
    first = server.function("unchanged", "f").remote()["environ"]["MODAL_TASK_ID"]
    server.deploy("unchanged", functions)
    assert server.function("unchanged", "f").remote()["environ"]["MODAL_TASK_ID"] == first


def test_stop_history_and_rollback(server: LocalServer) -> None:
    server.deploy("versions", {"f": Fn("basic:double")})
    result = server.deploy("versions", {"f": Fn("basic:triple")})
    assert server.function("versions", "f").remote(2) == 6
    request = api_pb2.AppDeploymentHistoryRequest(app_id=result.app_id)
    history = rpc(server, "AppDeploymentHistory", request).app_deployment_histories
    assert [item.version for item in history] == [2, 1]
    rpc(server, "AppRollback", api_pb2.AppRollbackRequest(app_id=result.app_id, version=-1))
    assert server.function("versions", "f").remote(2) == 4
    call = server.function("versions", "f").remote
    rpc(server, "AppStop", api_pb2.AppStopRequest(app_id=result.app_id))
    assert listed(server)["versions"] == "APP_STATE_STOPPED"
    with pytest.raises(NotFoundError, match="stopped"):
        call(2)
    found = rpc(server, "AppGetByDeploymentName", api_pb2.AppGetByDeploymentNameRequest(name="versions"))
    assert (found.app_id, found.previous_app_id) == ("", result.app_id)
    again = server.deploy("versions", {"f": Fn("basic:double")})
    assert again.app_id != result.app_id


def test_stopping_ends_calls_and_web_functions(server: LocalServer) -> None:
    result = server.deploy("stopping", {"f": Fn("basic:sleep"), "web": Fn("websites:echo", modal.asgi_app())})
    url = server.function("stopping", "web").get_web_url()
    call = server.function("stopping", "f").spawn(30)
    wait_until(lambda: server.function("stopping", "f").get_current_stats().num_running_inputs == 1, 10, "the call")
    rpc(server, "AppStop", api_pb2.AppStopRequest(app_id=result.app_id))
    with pytest.raises(modal.exception.RemoteError, match="stopped"):
        call.get(timeout=10)
    assert http(url).status == 404
    server.deploy("stopping", {"web": Fn("websites:echo", modal.asgi_app())})
    assert server.function("stopping", "web").get_web_url() == url, "a new app of the same name has the same URL"
    assert http(url).status == 201


def test_a_deploy_that_dies_leaves_no_trace(server: LocalServer) -> None:
    with pytest.raises(NotFoundError):
        server.deploy("dies", {"f": Fn("basic:double", volumes={"/m": modal.Volume.from_name("nowhere")})})
    assert "dies" not in listed(server)
    create = api_pb2.AppCreateRequest(description="left", app_state=api_pb2.APP_STATE_INITIALIZING)
    created = rpc(server, "AppCreate", create)
    rpc(server, "FunctionPrecreate", api_pb2.FunctionPrecreateRequest(app_id=created.app_id, function_name="f"))
    assert "left" not in listed(server)
    with pytest.raises(NotFoundError):
        server.function("left", "f").remote()


def test_a_failed_redeploy_leaves_the_old_one(server: LocalServer) -> None:
    server.deploy("survives", {"f": Fn("basic:double")})
    broken = Fn("basic:triple", volumes={"/m": modal.Volume.from_name("nowhere")})
    with pytest.raises(NotFoundError):
        server.deploy("survives", {"f": broken, "g": Fn("basic:double")})
    assert server.function("survives", "f").remote(2) == 4


def test_names_are_checked(server: LocalServer) -> None:
    with pytest.raises(InvalidError, match="Invalid app name"):
        request = api_pb2.AppCreateRequest(description="not a name", app_state=api_pb2.APP_STATE_INITIALIZING)
        rpc(server, "AppCreate", request)
    kind = api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING
    volume = api_pb2.VolumeGetOrCreateRequest(deployment_name="a/b", object_creation_type=kind)
    with pytest.raises(InvalidError, match="Invalid volume name"):
        rpc(server, "VolumeGetOrCreate", volume)
    secret = api_pb2.SecretGetOrCreateRequest(deployment_name="a b", object_creation_type=kind)
    with pytest.raises(InvalidError, match="Invalid secret name"):
        rpc(server, "SecretGetOrCreate", secret)
    with pytest.raises(NotFoundError, match="Environment 'nowhere' not found"):
        rpc(server, "AppList", api_pb2.AppListRequest(environment_name="nowhere"))


def test_two_first_deploys_of_one_name_do_not_shadow_each_other(server: LocalServer) -> None:
    create = api_pb2.AppCreateRequest(description="twice", app_state=api_pb2.APP_STATE_INITIALIZING)
    other = rpc(server, "AppCreate", create)
    server.deploy("twice", {"f": Fn("basic:double")})
    with pytest.raises(ConflictError, match="Deploy again"):
        publish = api_pb2.AppPublishRequest(app_id=other.app_id, name="twice", app_state=api_pb2.APP_STATE_DEPLOYED)
        rpc(server, "AppPublish", publish)


def test_deploys_that_overlap_keep_what_they_have_begun(server: LocalServer) -> None:
    """A publish sweeps what no version has; what another deploy has only just created is not to go with it."""
    app_id = server.deploy("overlap", {"f": Fn("basic:double")}).app_id
    kind = api_pb2.Function.FUNCTION_TYPE_FUNCTION
    precreate = api_pb2.FunctionPrecreateRequest(app_id=app_id, function_name="g", function_type=kind)
    precreated = rpc(server, "FunctionPrecreate", precreate)
    server.deploy("overlap", {"f": Fn("basic:triple")})
    definition = api_pb2.Function(module_name="basic", function_name="g", function_type=kind)
    create = api_pb2.FunctionCreateRequest(
        app_id=app_id, existing_function_id=precreated.function_id, function=definition
    )
    created = rpc(server, "FunctionCreate", create)
    assert created.function_id == precreated.function_id
    server.deploy("overlap", {"f": Fn("basic:double")})
    publish = api_pb2.AppPublishRequest(
        app_id=app_id,
        name="overlap",
        app_state=api_pb2.APP_STATE_DEPLOYED,
        function_ids={"g": created.function_id},
        definition_ids={created.function_id: created.handle_metadata.definition_id},
    )
    rpc(server, "AppPublish", publish)
    assert layout(server, app_id) == {"g": created.function_id}
    history = rpc(server, "AppDeploymentHistory", api_pb2.AppDeploymentHistoryRequest(app_id=app_id))
    assert [entry.version for entry in history.app_deployment_histories] == [4, 3, 2, 1]


def test_what_is_not_served_says_so(server: LocalServer) -> None:
    with pytest.raises(UnimplementedError, match="Local Modal does not serve QueueList yet"):
        rpc(server, "QueueList", api_pb2.QueueListRequest())


def test_what_is_not_honoured_is_said(server: LocalServer, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# a comment\nrequests-of-nobody>=1\n-e .\naiohttp\n")
    other = "3.12" if sys.version_info[:2] == (3, 13) else "3.13"
    image = (
        modal.Image.debian_slim(python_version=other)
        .apt_install("ffmpeg")
        .uv_pip_install("torch==2.4", "aiohttp")
        .pip_install("a-package-of-nobody")
        .uv_pip_install(requirements=[str(requirements)])
        .pip_install_from_requirements(str(requirements))
        .run_commands("echo hello")
        .env({"FROM_IMAGE": "yes"})
    )
    app = modal.App("warned", image=image)
    app.function(name="generate-image", gpu=["H100", "A100:2"], region="eu", schedule=modal.Period(hours=1))(
        load("basic").look_around
    )
    with pytest.warns(modal.exception.ServerWarning):
        result = deploy_app(app, client=server.client)
    text = "\n".join(result.warnings)
    assert "Local Modal runs 'generate-image' on Python 3." in text
    assert f"although its image asks for {other}" in text
    assert "packages: torch==2.4, a-package-of-nobody, requests-of-nobody>=1" in text
    parts = ("ffmpeg", "torch==2.4", "a-package-of-nobody", "requests-of-nobody", "echo hello", "GPU (H100)", "region")
    for part in (*parts, "schedule"):
        assert part in text, part
    assert "aiohttp" not in text, "what is installed is not missing"
    seen = server.function("warned", "generate-image").remote()
    assert seen["environ"]["FROM_IMAGE"] == "yes"


def test_registry_images_and_copied_files(server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    source = tmp_path_factory.mktemp("source")
    (source / "sub").mkdir()
    (source / "sub" / "data.txt").write_text("from the directory")
    image = (
        modal.Image.from_registry("nvidia/cuda:12.4.0-base", add_python="3.12")
        .add_local_dir(source, "/opt/app", copy=True)
        .workdir("/root/work")
        .add_local_dir(source, "/srv/data")
        .add_local_dir(source, "/root/beside")
    )
    app = modal.App("copied", image=image)
    app.function(name="read")(load("basic").read_file)
    app.function(name="look")(load("basic").look_around)
    with contextlib.suppress(Warning), pytest.warns(modal.exception.ServerWarning):
        result = deploy_app(app, client=server.client)
    text = "\n".join(result.warnings)
    assert "nvidia/cuda:12.4.0-base" in text
    assert "asks for 3.12" in text
    read = server.function("copied", "read")
    for path in ("/opt/app/sub/data.txt", "/srv/data/sub/data.txt", "/root/beside/sub/data.txt"):
        assert read.remote(path) == "from the directory"
    assert server.function("copied", "look").remote()["cwd"] == "/root/work"
