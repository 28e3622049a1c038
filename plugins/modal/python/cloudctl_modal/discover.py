"""`discover`: what of a project looks like a handler, and what it says about its packages and its Python."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cloudctl_modal.bindings import modal_app_line
from cloudctl_modal.errors import BridgeError, Json
from cloudctl_modal.imports import imports_of
from cloudctl_modal.inspector import kind_of
from cloudctl_modal.module_path import ModulePath
from cloudctl_modal.requirements import library, read_text, read_toml, table
from cloudctl_modal.sources import read_module
from cloudctl_modal.stdlib import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cloudctl_modal.params import DiscoverParams

_MOST_HANDLERS = 10
_MOST_FILES = 2000
_SMALL = 12  # Modules; in a larger project not every public function is somebody's entry.
_DEEPEST = 5
_SUMMARY = 200

_USUAL_FUNCTIONS = ("handler", "main", "run", "predict", "handle", "infer", "inference", "generate", "process", "train")
_USUAL_MODULES = ("main", "app", "handler", "api", "service", "server", "function", "jobs", "tasks", "run", "predict")
_SKIPPED_MODULES = frozenset({"setup", "conftest", "noxfile", "fabfile", "manage", "__main__", "_version", "version"})
_SKIPPED_FOLDERS = words(
    "__pycache__ node_modules venv env site-packages build dist docs doc examples migrations test tests testing"
)
# As the plugin looks for requirements when nobody names a file.
_REQUIREMENTS = ("requirements.txt", "uv.lock", "pyproject.toml")
_LESS_USUAL = ("requirements/prod.txt", "requirements/production.txt", "requirements/base.txt", "requirements/main.txt")
_SUPPORTED = ("3.10", "3.11", "3.12", "3.13", "3.14")
_PREFERRED = "3.11"  # The default runtime, wherever the project allows it.


@dataclass(frozen=True)
class _Candidate:
    handler: str
    file: str
    line: int
    kind: str
    summary: str | None
    rank: tuple[int, ...]

    def to_json(self) -> dict[str, Json]:
        found: dict[str, Json] = {
            "handler": self.handler,
            "file": self.file,
            "line": self.line,
            "kind": self.kind,
        }
        return found if self.summary is None else {**found, "summary": self.summary}


def discover(params: DiscoverParams) -> dict[str, Json]:
    """The protocol's result of `discover`. A file that cannot be read is passed over: this is a look around.

    BridgeError INVALID when the directory does not exist.
    """
    if not Path(params.directory).is_dir():
        raise BridgeError("INVALID", f"The directory {params.directory} does not exist.")
    path = ModulePath(params.directory)
    files = sorted(set(params.files or _walk(params.directory)))
    modules = [file for file in files if _is_module(file, path)][:_MOST_FILES]
    trees = dict(_trees(modules, path))
    helpers = _imported_by_others(trees)
    small = len(trees) <= _SMALL
    found = [found for module, (file, tree) in trees.items() for found in _handlers(module, file, tree, helpers, small)]
    found.sort(key=lambda candidate: (candidate.rank, candidate.file, candidate.line))
    requirements = _requirements(params.directory, files)
    python, source = _python(params.directory, files)
    result: dict[str, Json] = {
        "handlers": [candidate.to_json() for candidate in found[:_MOST_HANDLERS]],
        "extras": [*_extras(params.directory, requirements)],
    }
    if requirements is not None:
        result["requirements"] = requirements
    if python is not None and source is not None:
        result.update(python=python, pythonFrom=source)
    return result


def _walk(directory: str) -> Iterator[str]:
    looked_at = 0
    for place, folders, files in os.walk(directory):
        relative = Path(place).relative_to(directory).as_posix()
        prefix = "" if relative == "." else f"{relative}/"
        deep = prefix.count("/") >= _DEEPEST
        folders[:] = [] if deep else sorted(name for name in folders if name not in _SKIPPED_FOLDERS and name[0] != ".")
        for name in sorted(files):
            looked_at += 1
            yield prefix + name
        if looked_at > 10 * _MOST_FILES:
            return


def _is_module(file: str, path: ModulePath) -> bool:
    """Whether a file may hold a handler: an importable module, and none for tests, tools or packaging."""
    pure = PurePosixPath(file)
    folders = pure.parts[:-1]
    if pure.suffix != ".py" or not pure.stem.isidentifier() or pure.stem in _SKIPPED_MODULES:
        return False
    if len(folders) > _DEEPEST or not all(name.isidentifier() and name not in _SKIPPED_FOLDERS for name in folders):
        return False
    if pure.stem.startswith("test_") or pure.stem.endswith("_test") or pure.stem in ("test", "tests"):
        return False
    if any(name.startswith("_") for name in (*folders, pure.stem) if name != "__init__"):
        return False
    entries = path.entries("/".join(folders))
    return entries.get(pure.name) == "file" and not (path.root is None and folders[:1] == ("src",) and not folders[1:])


def _module_name(file: str, path: ModulePath) -> str:
    parts = list(PurePosixPath(file).with_suffix("").parts)
    if path.root is not None and parts[0] == path.root and len(parts) > 1:
        parts = parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _trees(files: Sequence[str], path: ModulePath) -> Iterator[tuple[str, tuple[str, ast.Module]]]:
    """The modules that can be read, by name; what defines a Modal app of its own is no place for handlers."""
    for file in files:
        module = _module_name(file, path)
        try:
            place = path.find(module.split(".")) if module else None
            if place is None or place.file != file:
                continue
            tree = read_module(path.directory, file)
        except BridgeError:
            continue
        if modal_app_line(tree) is None:
            yield module, (file, tree)


def _imported_by_others(trees: dict[str, tuple[str, ast.Module]]) -> set[str]:
    """Modules that others import: they help, and are called from outside less often."""
    found: set[str] = set()
    for module, (file, tree) in trees.items():
        package = module.split(".") if file.endswith("__init__.py") else module.split(".")[:-1]
        for item in imports_of(tree, (3, 11)):
            base = [*(package[: len(package) - item.level + 1] if item.level else []), *filter(None, [item.module])]
            found.add(".".join(base))
            found |= {".".join((*base, name)) for name in item.names}
    return found


def _handlers(module: str, file: str, tree: ast.Module, helpers: set[str], small: bool) -> Iterator[_Candidate]:
    stem = module.rpartition(".")[2]
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        usual = node.name in _USUAL_FUNCTIONS
        if not usual and (not small or file.endswith("__init__.py")):
            continue
        rank = (
            0 if (module, node.name) == ("main", "handler") else 1,
            _USUAL_FUNCTIONS.index(node.name) if usual else len(_USUAL_FUNCTIONS),
            int(module in helpers),
            _USUAL_MODULES.index(stem) if stem in _USUAL_MODULES else len(_USUAL_MODULES),
            module.count("."),
        )
        yield _Candidate(f"{module}.{node.name}", file, node.lineno, kind_of(node), _summary(node), rank)


def _summary(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    text = (ast.get_docstring(node) or "").strip().split("\n\n")[0]
    line = " ".join(text.split())
    return None if not line else line if len(line) <= _SUMMARY else line[: _SUMMARY - 3] + "..."


def _requirements(directory: str, files: Sequence[str]) -> str | None:
    present = set(files)
    for name in (*_REQUIREMENTS, *_LESS_USUAL):
        if name in present and Path(directory, name).is_file():
            if name == "pyproject.toml" and not _has_dependencies(directory, name):
                continue
            return name
    return None


def _has_dependencies(directory: str, name: str) -> bool:
    """A pyproject.toml may be there for tools alone."""
    try:
        project = table(read_toml(directory, name).get("project"), name, "[project]")
    except BridgeError:
        return False
    return bool(project.get("dependencies") or project.get("optional-dependencies"))


def _extras(directory: str, requirements: str | None) -> list[str]:
    try:
        if requirements == "uv.lock":
            from cloudctl_modal import uv_lock

            return uv_lock.extras_of(directory, requirements)
        if requirements == "pyproject.toml":
            from cloudctl_modal import pyproject

            return pyproject.extras_of(directory, requirements)
    except BridgeError:
        pass
    return []


def _python(directory: str, files: Sequence[str]) -> tuple[str, str] | tuple[None, None]:
    """The Python that the project asks for, of those that Modal has, and the file that says so."""
    for name in (".python-version", "runtime.txt", "pyproject.toml", "uv.lock"):
        # A package may leave the first one out; it lies at the top all the same.
        if name not in files and not Path(directory, name).is_file():
            continue
        try:
            version = _range(directory, name) if name.endswith((".toml", ".lock")) else _exact(directory, name)
        except BridgeError:
            continue
        if version is not None:
            return version, name
    return None, None


def _exact(directory: str, name: str) -> str | None:
    for line in read_text(directory, name).splitlines():
        found = re.match(r"\s*(?:(?:c?python)[-@]?)?(3\.\d+)(?:\.\d+)?\s*$", line)
        if found and found[1] in _SUPPORTED:
            return found[1]
    return None


def _range(directory: str, name: str) -> str | None:
    data = read_toml(directory, name)
    spec = (
        data.get("requires-python")
        if name == "uv.lock"
        else table(data.get("project"), name, "[project]").get("requires-python")
    )
    if not isinstance(spec, str):
        return None
    specifiers: Any = library("packaging.specifiers")
    try:
        allowed: Any = specifiers.SpecifierSet(spec)
    except ValueError:
        return None
    return next((version for version in (_PREFERRED, *_SUPPORTED) if allowed.contains(f"{version}.99")), None)
