"""Requirements files in all their forms, and shims for all kinds of handler."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from cloudctl_modal import shim
from cloudctl_modal.errors import BridgeError
from cloudctl_modal.inspector import inspect_handler
from cloudctl_modal.requirements import read_requirements

if TYPE_CHECKING:
    from pathlib import Path

HASHED = "six==1.17.0 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def"


def _write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)


@pytest.mark.parametrize(
    ("files", "text", "local"),
    [
        (
            {"r.txt": "numpy\ntorch==2.7 ; python_version > '3.9'\n"},
            "numpy\ntorch==2.7 ; python_version > '3.9'\n",
            False,
        ),
        ({"r.txt": "-r base.txt\nb\n", "base.txt": "a\n"}, "a\nb\n", False),
        ({"r.txt": "--requirement=sub/x.txt", "sub/x.txt": "-r y.txt # more\na", "sub/y.txt": "b"}, "b\na\n", False),
        (
            {"r.txt": "--index-url https://example.org/simple\n--pre\na\n"},
            "--index-url https://example.org/simple\n--pre\na\n",
            False,
        ),
        ({"r.txt": HASHED}, HASHED + "\n", False),
        ({"r.txt": "-r https://example.org/r.txt"}, "-r https://example.org/r.txt\n", False),
        ({"r.txt": "a @ git+https://example.org/a.git"}, "a @ git+https://example.org/a.git\n", False),
        ({"r.txt": "-f https://example.org/wheels\na"}, "-f https://example.org/wheels\na\n", False),
        ({"r.txt": "-e .\na"}, "-e .\na\n", True),
        ({"r.txt": "--editable=./lib"}, "--editable=./lib\n", True),
        ({"r.txt": "./lib"}, "./lib\n", True),
        ({"r.txt": "-c constraints.txt\na", "constraints.txt": "a==1"}, "-c constraints.txt\na\n", True),
        ({"r.txt": "wheels/a-1.0-py3-none-any.whl"}, "wheels/a-1.0-py3-none-any.whl\n", True),
        ({"r.txt": "a @ file:///root/a"}, "a @ file:///root/a\n", True),
        ({"r.txt": "\ufeffa\n"}, "a\n", False),
    ],
)
def test_requirements(tmp_path: Path, files: dict[str, str], text: str, local: bool) -> None:
    _write(tmp_path, files)
    found = read_requirements(str(tmp_path), "r.txt")
    assert (found.text, found.local) == (text, local)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"r.txt": "-r missing.txt"},
        {"r.txt": "-r ../outside.txt"},
        {"r.txt": "-r r.txt"},
        {"r.txt": "-r a.txt", "a.txt": "-r r.txt"},
        {"r.txt": "-r /etc/passwd"},
    ],
)
def test_requirements_that_cannot_be_followed(tmp_path: Path, files: dict[str, str]) -> None:
    _write(tmp_path, files)
    with pytest.raises(BridgeError) as caught:
        read_requirements(str(tmp_path), "r.txt")
    assert caught.value.code == "INVALID"


@pytest.mark.parametrize(
    "source",
    [
        "def handler(): pass",
        "async def handler(a, b=[]): pass",
        "def handler(a, *, b: 'int', c: Undefined = undefined()):\n    yield 1",
        "async def handler(*args, k, **rest):\n    yield 1",
        "def handler(*, k): pass",
        "handler = something()",
    ],
)
def test_the_stand_in_is_like_the_handler(tmp_path: Path, source: str) -> None:
    (tmp_path / "main.py").write_text(source)
    signature = inspect_handler(str(tmp_path), "main.handler")
    with shim.loaded(shim.function_shim(signature), str(tmp_path)) as entry:
        assert inspect.iscoroutinefunction(entry) == (signature.kind == "async")
        assert inspect.isgeneratorfunction(entry) == (signature.kind == "generator")
        assert inspect.isasyncgenfunction(entry) == (signature.kind == "asyncGenerator")
        found = [(name, value.default is value.empty) for name, value in inspect.signature(entry).parameters.items()]
    expected = [
        (parameter.name, parameter.required or parameter.kind.startswith("var")) for parameter in signature.parameters
    ]
    assert found == expected


def test_shims_have_names_that_follow_from_what_they_do(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def one(): pass\ndef two(): pass\n")
    one, two = (inspect_handler(str(tmp_path), f"main.{name}") for name in ("one", "two"))
    stems = {
        shim.function_shim(one).stem,
        shim.function_shim(two).stem,
        shim.http_shim(one).stem,
        shim.forwarding_shim(one, "app", "one").stem,
        shim.forwarding_shim(one, "app", "two").stem,
    }
    assert len(stems) == 5
    assert shim.function_shim(one).stem == shim.function_shim(one).stem
