"""Volumes and secrets: as objects, through the SDK, the stock command line and functions."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import modal
import pytest
from modal.exception import AlreadyExistsError, InvalidError, NotFoundError
from modal_proto import api_pb2

from tests.local.harness import Fn, http, rpc

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.harness import LocalServer


def volume(server: LocalServer, name: str, version: int = 1) -> modal.Volume:
    return modal.Volume.from_name(name, create_if_missing=True, version=version, client=server.client)


def paths(found: modal.Volume, where: str = "/", *, recursive: bool = True) -> list[str]:
    return [entry.path for entry in found.listdir(where, recursive=recursive)]


def test_create_list_rename_delete(server: LocalServer) -> None:
    objects = modal.Volume.objects
    for number in range(3):
        objects.create(f"listed-{number}", client=server.client)
    with pytest.raises(AlreadyExistsError):
        objects.create("listed-0", client=server.client)
    objects.create("listed-0", allow_existing=True, client=server.client)
    names = [found.name for found in objects.list(client=server.client)]
    assert [name for name in names if name and name.startswith("listed-")] == ["listed-2", "listed-1", "listed-0"]
    assert len(objects.list(max_objects=2, client=server.client)) == 2
    modal.Volume.rename("listed-0", "renamed", client=server.client)
    with pytest.raises(NotFoundError):
        modal.Volume.from_name("listed-0", client=server.client).hydrate()
    objects.delete("renamed", client=server.client)
    with pytest.raises(NotFoundError):
        objects.delete("renamed", client=server.client)


def test_more_volumes_than_a_page(server: LocalServer) -> None:
    kind = api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING
    for number in range(105):
        name = f"paged-{number}"
        request = api_pb2.VolumeGetOrCreateRequest(deployment_name=name, object_creation_type=kind)
        rpc(server, "VolumeGetOrCreate", request)
    found = {one.name for one in modal.Volume.objects.list(client=server.client)}
    assert {f"paged-{number}" for number in range(105)} <= found


@pytest.mark.parametrize("version", [1, 2])
def test_files_through_the_sdk(server: LocalServer, tmp_path: Path, version: int) -> None:
    files = volume(server, f"files-{version}", version)
    large = bytes(range(256)) * 40_000 + b"\0" * 9_000_000 + b"end"
    (tmp_path / "large.bin").write_bytes(large)
    (tmp_path / "zeros.bin").write_bytes(b"\0" * 1000)
    (tmp_path / "empty").touch()
    with files.batch_upload() as batch:
        batch.put_directory(tmp_path, "/dir/sub")
        batch.put_file(io.BytesIO(b"small"), "/a.txt")
    expected = ["a.txt", "dir", "dir/sub", "dir/sub/empty", "dir/sub/large.bin", "dir/sub/zeros.bin"]
    assert sorted(paths(files)) == expected
    assert paths(files, "/", recursive=False) == ["a.txt", "dir"]
    assert paths(files, "a.txt") == ["a.txt"]
    assert b"".join(files.read_file("dir/sub/large.bin")) == large
    assert b"".join(files.read_file("/dir/sub/zeros.bin")) == b"\0" * 1000
    assert b"".join(files.read_file("dir/sub/empty")) == b""
    with pytest.raises(FileExistsError), files.batch_upload() as batch:
        batch.put_file(io.BytesIO(b"other"), "/a.txt")
    with files.batch_upload(force=True) as batch:
        batch.put_file(io.BytesIO(b"other"), "/a.txt")
    assert b"".join(files.read_file("a.txt")) == b"other"
    files.copy_files(["a.txt"], "copy.txt")
    files.copy_files(["a.txt", "copy.txt"], "dir")
    assert b"".join(files.read_file("dir/copy.txt")) == b"other"
    files.remove_file("a.txt")
    with pytest.raises(FileNotFoundError):
        files.remove_file("a.txt")
    with pytest.raises(InvalidError):
        files.remove_file("dir")
    files.remove_file("dir", recursive=True)
    assert paths(files) == ["copy.txt"]
    with pytest.raises(FileNotFoundError):
        b"".join(files.read_file("dir/copy.txt"))
    with pytest.raises(NotFoundError):
        files.listdir("nowhere")


def test_paths_cannot_leave_the_volume(server: LocalServer) -> None:
    files = volume(server, "fenced")
    server.deploy("fenced", {"link": Fn("basic:make_link", volumes={"/models": files})})
    server.function("fenced", "link").remote("/etc", "/models/etc")
    server.function("fenced", "link").remote("/etc/passwd", "/models/passwd")
    with pytest.raises(FileNotFoundError):
        b"".join(files.read_file("passwd"))
    with pytest.raises(InvalidError):
        b"".join(files.read_file("etc/passwd"))
    with pytest.raises(FileNotFoundError):
        b"".join(files.read_file("../../tokens.json"))
    assert paths(files) == ["etc", "passwd"], "links are listed, not followed"
    request = api_pb2.VolumePutFilesRequest(volume_id=files.object_id, files=[api_pb2.MountFile(filename="etc/x")])
    with pytest.raises(Exception, match=r"SHA-256|leads out"):
        rpc(server, "VolumePutFiles", request)


def test_transfer_urls_cannot_be_guessed(server: LocalServer) -> None:
    files = volume(server, "signed")
    with files.batch_upload(force=True) as batch:
        batch.put_file(io.BytesIO(b"secret"), "small")
        batch.put_file(io.BytesIO(b"secret" * 20_000), "large")
    for name, content in (("small", b"secret"), ("large", b"secret" * 20_000)):
        response = rpc(server, "VolumeGetFile2", api_pb2.VolumeGetFile2Request(volume_id=files.object_id, path=name))
        (url,) = response.get_urls
        assert http(url).body == content
        assert http(url[:-1] + ("0" if url[-1] != "0" else "1")).status == 403
        assert http(url.replace("/t/", "/t/x")).status == 403
        assert http(url, method="PUT", data=b"x").status == 405


def test_functions_share_volumes(server: LocalServer) -> None:
    models = volume(server, "shared")
    server.deploy(
        "shared",
        {
            "write": Fn("basic:write_file", volumes={"/models": models}),
            "read": Fn("basic:read_file", volumes={"/models": models}),
            "below-home": Fn("basic:read_file", volumes={"/root/weights": models}),
            "part": Fn("basic:read_file", volumes={"/models": models.with_mount_options(sub_path="/deep")}),
            "read-only": Fn("basic:write_file", volumes={"/models": models.with_mount_options(read_only=True)}),
            "commit": Fn("basic:commit_and_reload", volumes={"/models": models}),
        },
    )
    write, read = server.function("shared", "write"), server.function("shared", "read")
    assert write.remote("/models/deep/a.txt", "first") == ["a.txt"]
    assert read.remote("/models/deep/a.txt") == "first"
    write.remote("/models/deep/a.txt", "second")
    assert read.remote("/models/deep/a.txt") == "second"
    assert server.function("shared", "below-home").remote("/root/weights/deep/a.txt") == "second"
    assert server.function("shared", "part").remote("/models/a.txt") == "second"
    with pytest.raises(OSError, match="Read-only"):
        server.function("shared", "read-only").remote("/models/b.txt", "no")
    assert server.function("shared", "commit").remote("shared") == ["committed.txt", "deep"]
    assert b"".join(models.read_file("deep/a.txt")) == b"second"
    with models.batch_upload() as batch:
        batch.put_file(io.BytesIO(b"uploaded"), "up.txt")
    assert read.remote("/models/up.txt") == "uploaded"


def test_the_stock_command_line(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "local.txt").write_text("from here")
    server.cli("volume", "create", "by-cli")
    rows = json.loads(server.cli("volume", "list", "--json").stdout)
    assert "by-cli" in [row["name"] for row in rows]
    server.cli("volume", "put", "by-cli", str(tmp_path / "local.txt"), "/in/remote.txt")
    listing = json.loads(server.cli("volume", "ls", "by-cli", "in", "--json").stdout)
    assert [row["filename"] for row in listing] == ["in/remote.txt"]
    server.cli("volume", "get", "by-cli", "in/remote.txt", str(tmp_path / "back.txt"))
    assert (tmp_path / "back.txt").read_text() == "from here"
    server.cli("volume", "rm", "by-cli", "in/remote.txt")
    assert paths(modal.Volume.from_name("by-cli", client=server.client)) == ["in"]
    server.cli("volume", "delete", "by-cli", "--yes")
    assert "by-cli" not in [found.name for found in modal.Volume.objects.list(client=server.client)]


def test_secrets(server: LocalServer) -> None:
    objects = modal.Secret.objects
    objects.create("api", {"API_KEY": "k1", "OTHER": "o"}, client=server.client)
    with pytest.raises(AlreadyExistsError):
        objects.create("api", {}, client=server.client)
    assert [secret.name for secret in objects.list(client=server.client)] == ["api"]
    named = modal.Secret.from_name("api", client=server.client)
    app_secret = modal.Secret.from_dict({"OTHER": "mine", "PLAIN": "p"})
    server.deploy("secrets", {"look": Fn("basic:look_around", secrets=[named, app_secret], env={"E": "e"})})
    seen = server.function("secrets", "look").remote()["environ"]
    assert (seen["API_KEY"], seen["OTHER"], seen["PLAIN"], seen["E"]) == ("k1", "mine", "p", "e")
    with pytest.raises(NotFoundError, match="MISSING"):
        modal.Secret.from_name("api", required_keys=["MISSING"], client=server.client).hydrate()
    objects.delete("api", client=server.client)
    assert objects.list(client=server.client) == []
    assert server.cli("secret", "list", "--json").stdout.strip() == "[]"


def test_a_small_file_that_is_replaced_while_it_is_read(server: LocalServer) -> None:
    found = volume(server, "replaced-meanwhile").hydrate(server.client)

    def put(content: bytes) -> None:
        with found.batch_upload(force=True) as batch:
            batch.put_file(io.BytesIO(content), "state.json")

    put(b"the old content")
    request = api_pb2.VolumeGetFile2Request(volume_id=found.object_id, path="state.json", client_pads_blocks=True)
    told = rpc(server, "VolumeGetFile2", request)
    put(b"new")
    assert http(told.get_urls[0]).text == "the old content"
    assert b"".join(found.read_file("state.json")) == b"new"
