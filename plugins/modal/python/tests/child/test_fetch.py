"""`fetchPackage`: the code of a deployed function, back on a machine that never had it."""

from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from .conftest import Server, deploy_params
from .driver import Child, Message
from .stock import modal_command, project_of, put

if TYPE_CHECKING:
    from pathlib import Path

    import modal

NOT_KEPT = "0" * 64


@pytest.fixture(scope="module")
def child(shared: Child) -> Child:
    return shared


def params(app: str, digest: str, directory: Path | str) -> Message:
    return {"app": app, "digest": digest, "directory": str(directory)}


def test_the_code_comes_back_as_it_was(server: Server, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", "é").write("sub/data.bin", "x" * 1000)
    (project.directory / "run.sh").write_text("#!/bin/sh\n")
    (project.directory / "run.sh").chmod(0o755)
    with Child(server.credentials) as first:
        first.ask("deployApp", deploy_params("fetched", project.function("one")))
    with Child(server.credentials) as second:
        (managed,) = second.ask("observe", {"apps": ["fetched"]})["apps"][0]["managed"]
        target = tmp_path / "a place" / "code"  # Its folder is not there yet.
        result = second.ask("fetchPackage", params("fetched", managed["digest"], target))
    before = {path.relative_to(project.directory): path for path in project.directory.rglob("*") if path.is_file()}
    after = {path.relative_to(target): path for path in target.rglob("*") if path.is_file()}
    assert before.keys() == after.keys()
    assert all(after[name].read_bytes() == path.read_bytes() for name, path in before.items())
    assert os.access(target / "run.sh", os.X_OK) and not os.access(target / "main.py", os.X_OK)
    assert result == {"files": 4, "bytes": sum(path.stat().st_size for path in before.values())}
    assert os.listdir(target.parent) == ["code"]  # noqa: PTH208 - nothing else is left


def test_an_empty_directory_will_do(child: Child, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", 1)
    child.ask("deployApp", deploy_params("fetched-twice", project.function("one")))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        child.ask("fetchPackage", params("fetched-twice", "sha256:" + project.digest, tmp_path / name))
        assert (tmp_path / name / "main.py").is_file()


def test_what_is_not_kept(child: Child, server: Server, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", 1)
    child.ask("deployApp", deploy_params("fetch-from", project.function("one")))
    for app, digest in (("fetch-from", NOT_KEPT), ("no-such-app", project.digest)):
        failure = child.error("fetchPackage", params(app, digest, tmp_path / "code"))
        assert failure["code"] == "NOT_FOUND"
        assert failure["data"] == {"kind": "package", "name": digest}
    assert sorted(os.listdir(tmp_path)) == ["p"]  # noqa: PTH208 - hidden files too


def test_where_cloudctl_never_was(server: Server, tmp_path: Path) -> None:
    """An environment without CloudCTL's volume."""
    elsewhere = {**server.credentials, "MODAL_ENVIRONMENT": "fetch-nothing"}
    modal_command(server, "environment", "create", "fetch-nothing")
    with Child(elsewhere) as child:
        failure = child.error("fetchPackage", params("any", NOT_KEPT, tmp_path / "code"))
    assert failure["code"] == "NOT_FOUND" and failure["data"]["kind"] == "package"


def _archive(name: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    return content.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"no archive", _archive("main.py")[:-20], _archive("../evil.py"), b""],
    ids=["text", "cut", "evil", "empty"],
)
def test_an_archive_that_is_broken(child: Child, sdk: modal.Client, tmp_path: Path, data: bytes) -> None:
    put(sdk, f"apps/broken/packages/{NOT_KEPT}.tar.gz", data)
    (tmp_path / "code").mkdir()
    failure = child.error("fetchPackage", params("broken", NOT_KEPT, tmp_path / "code"))
    assert failure["code"] == "INVALID", failure
    assert "cannot be used" in failure["message"]
    assert list((tmp_path / "code").iterdir()) == []
    assert sorted(os.listdir(tmp_path)) == ["code"]  # noqa: PTH208 - hidden files too


def test_a_directory_that_cannot_be_used(child: Child, tmp_path: Path) -> None:
    project = project_of(tmp_path, "p", 1)
    child.ask("deployApp", deploy_params("fetch-to", project.function("one")))
    (tmp_path / "file").write_text("x")
    for directory in (project.directory, tmp_path / "file", tmp_path / "file" / "below"):
        failure = child.error("fetchPackage", params("fetch-to", project.digest, directory))
        assert failure["code"] == "INVALID", (directory, failure)
    assert (tmp_path / "file").read_text() == "x"
    assert child.error("fetchPackage", params("fetch-to", project.digest, "code"))["code"] == "INVALID_PARAMS"
