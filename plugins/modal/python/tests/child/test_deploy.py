"""`deployApp` against Local Modal: nothing that lives in an app is lost by accident."""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from typing import TYPE_CHECKING, Any

import modal
import pytest

from cloudctl_modal import packages

from .conftest import Project, Server, deploy_params, warnings_of
from .driver import Child, Message
from .stock import call, deploy_foreign, files, layout, modal_command, project_of, put, read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def child(shared: Child) -> Child:
    """One child for all of these tests, as each has an app of its own."""
    return shared


def test_the_first_deploy(child: Child, tmp_path: Path) -> None:
    project = project_of(tmp_path, "first", "first")
    result = child.ask("deployApp", deploy_params("first-app", project.function("one", url="private")))
    (function,) = result["functions"]
    assert function["name"] == "one"
    assert function["url"].startswith("http")
    assert function["id"].startswith("fu-") and function["httpId"].startswith("fu-")
    assert result["carried"] == [] and warnings_of(result) == []
    assert call(child, "first-app", "one") == "first"
    assert layout(child, "first-app") == {"one": True}


def test_one_then_two_keeps_one(child: Child, tmp_path: Path) -> None:
    one, two = project_of(tmp_path, "a", "from one"), project_of(tmp_path, "b", "from two")
    first = child.ask("deployApp", deploy_params("pair", one.function("one")))
    second = child.ask("deployApp", deploy_params("pair", two.function("two"), one.function("one"), targets=("two",)))
    assert second["appId"] == first["appId"]
    assert {f["name"]: f["id"] for f in second["functions"]}["one"] == first["functions"][0]["id"]
    assert second["carried"] == []
    # Each has the package of its own as /root, though both call their files by the same names.
    assert (call(child, "pair", "one"), call(child, "pair", "two")) == ("from one", "from two")


def test_a_second_machine_carries_what_the_first_deployed(server: Server, tmp_path: Path) -> None:
    one, two = project_of(tmp_path, "a", "from one"), project_of(tmp_path, "b", "from two")
    function = one.function("one", spec={"kept": [1, {"deep": None}]}, env={"A": "b"}, memory=333, url="public")
    with Child(server.credentials) as first:
        before = first.ask("deployApp", deploy_params("machines", function))
    (one.directory / "main.py").unlink()  # The second machine has nothing of the first.
    (one.directory / "helper.py").unlink()
    with Child(server.credentials) as second:
        result = second.ask("deployApp", deploy_params("machines", two.function("two")))
        assert result["carried"] == ["one"]
        assert (call(second, "machines", "one"), call(second, "machines", "two")) == ("from one", "from two")
        managed = {entry["name"]: entry for entry in second.ask("layout", {"app": "machines"})["managed"]}
        listed = [f for f in second.ask("listFunctions")["functions"] if f["app"] == "machines"]
    assert managed["one"]["spec"] == {"kept": [1, {"deep": None}]}
    assert managed["one"]["deployedAt"] == before["deployedAt"]  # Carrying is no new deployment of it.
    assert managed["two"]["deployedAt"] == result["deployedAt"]
    assert {f["name"]: bool(f["url"]) for f in listed} == {"one": True, "two": False}


def test_what_another_machine_deployed_later_wins_over_an_old_ledger(child: Child, tmp_path: Path) -> None:
    old, new = project_of(tmp_path, "old", "old"), project_of(tmp_path, "new", "new")
    two = project_of(tmp_path, "two", "two")
    child.ask("deployApp", deploy_params("ledgers", old.function("one")))
    child.ask("deployApp", deploy_params("ledgers", new.function("one")))  # The other machine.
    result = child.ask("deployApp", deploy_params("ledgers", two.function("two"), old.function("one")))
    assert result["carried"] == ["one"]
    assert call(child, "ledgers", "one") == "new"


def test_what_the_parent_knows_to_be_newer_wins_over_the_record(child: Child, tmp_path: Path) -> None:
    old, new = project_of(tmp_path, "old", "old"), project_of(tmp_path, "new", "new")
    two = project_of(tmp_path, "two", "two")
    child.ask("deployApp", deploy_params("newer", old.function("one")))
    later = new.function("one", deployedAt="2999-01-01T00:00:00Z")
    result = child.ask("deployApp", deploy_params("newer", two.function("two"), later))
    assert result["carried"] == []
    assert call(child, "newer", "one") == "new"


def test_the_target_wins_over_its_record(child: Child, tmp_path: Path) -> None:
    old, new = project_of(tmp_path, "old", "old"), project_of(tmp_path, "new", "new")
    child.ask("deployApp", deploy_params("target", old.function("one")))
    result = child.ask("deployApp", deploy_params("target", new.function("one")))
    assert result["carried"] == []
    assert call(child, "target", "one") == "new"


def test_foreign_functions_are_kept_until_told_otherwise(child: Child, sdk: modal.Client, tmp_path: Path) -> None:
    deploy_foreign(sdk, "foreign-app", "theirs", tmp_path)
    project = project_of(tmp_path, "mine", "mine")
    failure = child.error("deployApp", deploy_params("foreign-app", project.function("mine")))
    assert failure["code"] == "FOREIGN_FUNCTIONS"
    assert failure["data"] == {"functions": ["theirs"], "overwritten": []}
    assert layout(child, "foreign-app") == {"theirs": False}
    child.ask("deployApp", deploy_params("foreign-app", project.function("mine"), replace=True))
    assert layout(child, "foreign-app") == {"mine": True}


def test_a_foreign_function_is_not_overwritten_by_its_name(child: Child, sdk: modal.Client, tmp_path: Path) -> None:
    deploy_foreign(sdk, "same-name", "one", tmp_path)
    mine = project_of(tmp_path, "mine", "mine").function("one")
    failure = child.error("deployApp", deploy_params("same-name", mine))
    assert failure["code"] == "FOREIGN_FUNCTIONS"
    assert failure["data"] == {"functions": [], "overwritten": ["one"]}
    assert "of the same name" in failure["message"]
    assert call(child, "same-name", "one") == "foreign"
    # The parent's ledger knows it, from an adoption: then it is the user's to overwrite.
    child.ask("deployApp", deploy_params("same-name", mine, known=("one",)))
    assert call(child, "same-name", "one") == "mine"


def test_several_targets_are_one_publish(child: Child, tmp_path: Path) -> None:
    old, new = project_of(tmp_path, "old", "old"), project_of(tmp_path, "new", "new")
    first = child.ask("deployApp", deploy_params("several", *(old.function(name) for name in ("a", "b", "c"))))
    assert first["version"] == 1
    again = [new.function("a"), new.function("b"), old.function("c", deployedAt=first["deployedAt"])]
    second = child.ask("deployApp", deploy_params("several", *again, targets=("a", "b"), known=("a", "b")))
    assert second["version"] == 2 and second["carried"] == []
    assert [call(child, "several", name) for name in "abc"] == ["new", "new", "old"]
    managed = {entry["name"]: entry["deployedAt"] for entry in child.ask("layout", {"app": "several"})["managed"]}
    assert managed == {"a": second["deployedAt"], "b": second["deployedAt"], "c": first["deployedAt"]}


def test_the_history_tells_what_we_published(child: Child, server: Server, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", 1)
    for _ in range(2):
        child.ask("deployApp", deploy_params("tagged", project.function("one")))
    history = json.loads(modal_command(server, "app", "history", "tagged", "--json"))
    assert [entry["version"] for entry in history] == ["v2", "v1"]
    tags = [entry["tag"] for entry in history]
    assert all(tag.startswith("cloudctl-") for tag in tags) and tags[0] != tags[1]


def test_a_neighbour_that_another_machine_deployed_later_is_carried(child: Child, tmp_path: Path) -> None:
    old, new, two = (project_of(tmp_path, name, name) for name in ("old", "new", "two"))
    first = child.ask("deployApp", deploy_params("carried", old.function("one")))
    child.ask("deployApp", deploy_params("carried", new.function("one")))  # The other machine.
    mine = old.function("one", deployedAt=first["deployedAt"])
    result = child.ask("deployApp", deploy_params("carried", two.function("two"), mine))
    assert result["carried"] == ["one"]
    assert call(child, "carried", "one") == "new"


def test_records_of_functions_that_vanished_are_removed(child: Child, sdk: modal.Client, tmp_path: Path) -> None:
    one, two = project_of(tmp_path, "a", 1), project_of(tmp_path, "b", 2)
    child.ask("deployApp", deploy_params("vanish", one.function("one")))
    record = json.loads(read(sdk, "apps/vanish/one.json"))
    # A young one is spared: another machine may be about to bring its function back.
    put(sdk, "apps/vanish/one.json", json.dumps({**record, "deployedAt": "2020-01-01T00:00:00Z"}).encode())
    deploy_foreign(sdk, "vanish", "theirs", tmp_path)  # Drops `one`.
    assert layout(child, "vanish") == {"theirs": False}
    child.ask("deployApp", deploy_params("vanish", two.function("two"), replace=True))
    assert layout(child, "vanish") == {"two": True}
    assert files(sdk, "apps/vanish") == ["apps/vanish/packages", "apps/vanish/two.json"]


def test_the_records_hold_the_code_and_the_params(child: Child, sdk: modal.Client, tmp_path: Path) -> None:
    project = project_of(tmp_path, "kept", "kept")
    child.ask("deployApp", deploy_params("kept-app", project.function("one", secrets=[])))
    record = json.loads(read(sdk, "apps/kept-app/one.json"))
    assert record["name"] == "one" and record["client"] == "cloudctl-test/1"
    assert record["function"]["handler"] == "main.handler"
    assert "directory" not in record["function"]["package"]
    archive = read(sdk, f"apps/kept-app/packages/{project.digest}.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getnames() == ["helper.py", "main.py"]


def test_a_package_that_cannot_be_brought_back_counts_as_foreign(
    child: Child, sdk: modal.Client, tmp_path: Path
) -> None:
    one, two = project_of(tmp_path, "a", "lost"), project_of(tmp_path, "b", 2)
    child.ask("deployApp", deploy_params("lost", one.function("one")))
    put(sdk, f"apps/lost/packages/{one.digest}.tar.gz", b"no archive")
    failure = child.error("deployApp", deploy_params("lost", two.function("two")))
    assert failure["code"] == "FOREIGN_FUNCTIONS" and failure["data"]["functions"] == ["one"]
    assert call(child, "lost", "one") == "lost"


def test_a_record_of_a_newer_cloudctl_counts_as_foreign(child: Child, sdk: modal.Client, tmp_path: Path) -> None:
    one, two = project_of(tmp_path, "a", 1), project_of(tmp_path, "b", 2)
    child.ask("deployApp", deploy_params("newer-record", one.function("one")))
    record = json.loads(read(sdk, "apps/newer-record/one.json"))
    put(sdk, "apps/newer-record/one.json", json.dumps({**record, "version": 99}).encode())
    failure = child.error("deployApp", deploy_params("newer-record", two.function("two")))
    assert failure["code"] == "FOREIGN_FUNCTIONS"
    assert "newer CloudCTL" in failure["message"]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("volume", {"volumes": [{"name": "no-such-volume", "path": "/data"}]}),
        ("secret", {"secrets": ["no-such-secret"]}),
    ],
)
def test_missing_objects_stop_it_before_anything_is_sent(
    child: Child, project: Project, kind: str, options: Message
) -> None:
    project.write("main.py", "def handler(): pass\n")
    failure = child.error("deployApp", deploy_params(f"missing-{kind}", project.function("one", **options)))
    assert failure["code"] == "NOT_FOUND"
    assert failure["data"] == {"kind": kind, "name": f"no-such-{kind}"}
    assert child.ask("layout", {"app": f"missing-{kind}"})["appId"] is None
    assert "no-such-volume" not in [volume["name"] for volume in child.ask("listVolumes")["volumes"]]
    stages = {note["stage"] for note in child.notes("progress", child.last)}
    assert stages <= {"connect"}


def test_volumes_and_secrets_reach_the_function(child: Child, sdk: modal.Client, project: Project) -> None:
    child.ask("createVolume", {"name": "deploy-data"})
    secrets: Any = modal.Secret.objects
    secrets.create("deploy-secret", {"FROM_SECRET": "s3"}, client=sdk)
    project.write("main.py", "import os\ndef handler():\n    return [os.environ['FROM_SECRET'], os.environ['MINE']]\n")
    function = project.function(
        "one",
        volumes=[{"name": "deploy-data", "path": "/data"}],
        secrets=["deploy-secret"],
        env={"MINE": "m"},
    )
    child.ask("deployApp", deploy_params("mounted", function))
    assert call(child, "mounted", "one") == ["s3", "m"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"schedule": "every now and then"}, "neither five cron fields"),
        ({"schedule": "1h", "handler": "main.needs"}, "must work without arguments"),
        ({"minContainers": 3, "maxContainers": 1}, "minContainers"),
        ({"volumes": [{"name": "v", "path": "/root"}]}, "/root"),
        ({"requirements": "nothing.txt"}, "nothing.txt"),
        ({"scaledownWindow": 1}, "scaledown_window"),
        ({"image": {"kind": "modal", "python": "3.2"}}, "3.2"),
    ],
)
def test_what_cannot_work_is_refused(child: Child, project: Project, options: Message, words: str) -> None:
    project.write("main.py", "def handler(): pass\ndef needs(x): pass\n")
    if "volumes" in options:
        child.ask("createVolume", {"name": "v"})
    failure = child.error("deployApp", deploy_params("refused", project.function("one", **options)))
    assert failure["code"] == "INVALID", failure
    assert words in failure["message"]
    assert child.ask("layout", {"app": "refused"})["appId"] is None


def test_handlers_are_checked_first(child: Child, project: Project) -> None:
    project.write("main.py", "def handler(): pass\n")
    failure = child.error("deployApp", deploy_params("typo", project.function("one", handler="main.handlr")))
    assert failure["code"] == "HANDLER_NOT_FOUND"
    assert failure["data"]["suggestions"] == ["main.handler"]


def test_schedules_and_options_are_taken(child: Child, project: Project) -> None:
    project.write("main.py", "def handler(x=1): return x\n")
    functions = [
        project.function("cron", schedule="*/5 * * * *"),
        project.function("period", schedule="every 5m"),
        project.function("days", schedule="1d"),
        project.function(
            "all",
            minContainers=0,
            maxContainers=2,
            scaledownWindow=60,
            cpu=0.5,
            url="public",
            image={"kind": "registry", "reference": "python:3.11-slim", "python": None},
        ),
        project.function("python", image={"kind": "registry", "reference": "ubuntu:24.04", "python": "3.12"}),
    ]
    result = child.ask("deployApp", deploy_params("options", *functions))
    assert len(result["functions"]) == 5


def test_a_module_called_modal_is_warned_of(child: Child, project: Project) -> None:
    project.write("main.py", "def handler(): return 1\n").write("modal.py", "")
    result = child.ask("deployApp", deploy_params("hides", project.function("one")))
    assert any("modal.py" in warning for warning in result["warnings"])


def test_a_gpu_function_is_called_through_its_companion(child: Child, project: Project) -> None:
    import urllib.request

    project.write(
        "main.py",
        "import os\ndef handler(n=2):\n    return [n, os.getpid()]\n"
        "def stream(n=2):\n    for i in range(int(n)):\n        yield i\n"
        "class Bad(Exception): pass\n"
        "async def fails():\n    raise Bad('no')\n",
    )
    functions = [
        project.function("plain", gpu="T4", url="public"),
        project.function("stream", handler="main.stream", gpu="A100:2", url="public"),
        project.function("fails", handler="main.fails", gpu="T4", url="public"),
    ]
    result = child.ask("deployApp", deploy_params("gpus", *functions))
    urls = {function["name"]: function["url"] for function in result["functions"]}

    def get(url: str) -> Any:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.loads(answer.read())

    over_http = get(urls["plain"] + "?n=5")
    assert over_http[0] == "5"
    assert call(child, "gpus", "plain") == [2, over_http[1]]  # The same process: one model in memory.
    assert get(urls["stream"] + "?n=3") == [0, 1, 2]
    with pytest.raises(urllib.request.HTTPError) as caught:
        get(urls["fails"])
    assert caught.value.code == 500
    assert json.loads(caught.value.read()) == {"error": {"type": "main.Bad", "message": "no"}}


def test_a_cancelled_deploy_publishes_nothing(child: Child, project: Project) -> None:
    project.write("main.py", "def handler(): pass\n")
    for index in range(400):  # Enough files to be in the middle of.
        project.write(f"data/{index}.txt", str(index) * 50)
    number = child.start("deployApp", deploy_params("cancelled", project.function("one")))
    end = time.monotonic() + 20
    while not any(note["stage"] == "upload" for note in child.notes("progress", number)):
        assert time.monotonic() < end
        time.sleep(0.001)
    child.cancel(number)
    before = time.monotonic()
    assert child.reply(number)["error"]["code"] == "CANCELLED"
    assert time.monotonic() - before < 0.5
    time.sleep(1.5)
    assert child.ask("layout", {"app": "cancelled"}) == {
        "appId": None,
        "functions": [],
        "managed": [],
        "warnings": [],
    }
    left = [f for f in child.ask("listFunctions")["functions"] if f["app"] == "cancelled"]
    assert all(function["status"] in ("stopped", "stopping...") for function in left)
    child.ask("deployApp", deploy_params("cancelled", project.function("one")))


def test_archives_are_the_same_every_time(tmp_path: Path) -> None:
    project = project_of(tmp_path, "same", 1).write("sub/data.bin", "x").write("__pycache__/a.pyc", "y")
    (project.directory / "run.sh").write_text("#!/bin/sh\n")
    (project.directory / "run.sh").chmod(0o755)
    packages.pack(str(project.directory), str(tmp_path / "1.tar.gz"))
    os.utime(project.directory / "main.py", (1, 1))
    packages.pack(str(project.directory), str(tmp_path / "2.tar.gz"))
    assert (tmp_path / "1.tar.gz").read_bytes() == (tmp_path / "2.tar.gz").read_bytes()
    packages.unpack(str(tmp_path / "1.tar.gz"), str(tmp_path / "back"))
    names = sorted(
        str(path.relative_to(tmp_path / "back")) for path in (tmp_path / "back").rglob("*") if path.is_file()
    )
    assert names == ["helper.py", "main.py", "run.sh", "sub/data.bin"]
    assert os.access(tmp_path / "back" / "run.sh", os.X_OK)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_archives_cannot_write_elsewhere(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "bad.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    with pytest.raises(ValueError, match="entry"):
        packages.unpack(str(tmp_path / "bad.tar.gz"), str(tmp_path / "target"))
