"""Projects for `examine`, and what it says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cloudctl_modal.errors import BridgeError
from cloudctl_modal.examine import examine
from cloudctl_modal.params import ExamineParams, Ignored

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Files = dict[str, "str | bytes"]
HANDLER = "def handler(): pass\n"


def write(directory: Path, files: Mapping[str, str | bytes]) -> Path:
    directory.mkdir(exist_ok=True)
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return directory


def run(directory: Path, handler: str = "main.handler", python: str = "3.11", **options: Any) -> dict[str, Any]:
    ignored = tuple(Ignored(path, by) for path, by in options.pop("ignored", {}).items())
    return examine(ExamineParams(str(directory), handler, python, ignored=ignored, **options))


def modules(directory: Path, handler: str = "main.handler", **options: Any) -> str:
    """The names of the modules, in order."""
    return " ".join(module["name"] for module in run(directory, handler, **options)["modules"])


def failure(directory: Path, handler: str = "main.handler", **options: Any) -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        run(directory, handler, **options)
    return caught.value


def missing(directory: Path, **options: Any) -> list[dict[str, Any]]:
    error = failure(directory, **options)
    assert error.code == "MODULE_MISSING", error.message
    found: Any = (error.data or {})["missing"]
    return list(found)
