"""The dependencies of a pyproject.toml, with its extras."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from cloudctl_modal.distributions import canonical
from cloudctl_modal.errors import BridgeError
from cloudctl_modal.requirements import (
    Requirements,
    Toml,
    applies,
    chosen_extras,
    parse_requirement,
    python_note,
    read_toml,
    table,
)
from cloudctl_modal.requirements_file import read_requirements_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from packaging.requirements import Requirement


def read_pyproject(directory: str, path: str, extras: Sequence[str], python: str | None) -> Requirements:
    """``[project]``'s dependencies and those of the extras, without the project itself. BridgeError INVALID."""
    data = read_toml(directory, path)
    project = table(data.get("project"), path, "[project]")
    groups = _groups(project, path)
    chosen = chosen_extras(extras, groups, path)
    found = _texts(project.get("dependencies"), path, "project.dependencies")
    own = canonical(str(project.get("name", "")))
    included = _parsed(found, path) + _with_extras(groups, chosen, own, path)
    lines = {str(requirement): requirement for requirement in included}
    dynamic = _dynamic(directory, path, data, python)
    names = {canonical(requirement.name) for requirement in lines.values() if applies(requirement, python)}
    on_request = {
        extra: frozenset(canonical(requirement.name) for requirement in _with_extras(groups, [extra], own, path))
        for extra in groups
        if extra not in chosen
    }
    return Requirements(
        "".join(f"{line}\n" for line in sorted(lines)) + dynamic.text,
        dynamic.local or any((requirement.url or "").startswith("file:") for requirement in lines.values()),
        frozenset(names) | dynamic.names,
        dynamic.opaque,
        on_request,
        (*dynamic.notes, *python_note(project.get("requires-python"), path, python)),
    )


def extras_of(directory: str, path: str) -> list[str]:
    """The names of the extras, as they are written. BridgeError INVALID."""
    project = table(read_toml(directory, path).get("project"), path, "[project]")
    return sorted(table(project.get("optional-dependencies"), path, "project.optional-dependencies"))


def _groups(project: Toml, path: str) -> dict[str, list[str]]:
    name = "project.optional-dependencies"
    groups = table(project.get("optional-dependencies"), path, name)
    return {canonical(extra): _texts(lines, path, f"{name}.{extra}") for extra, lines in groups.items()}


def _with_extras(groups: dict[str, list[str]], chosen: Sequence[str], own: str, path: str) -> list[Requirement]:
    """The requirements of extras; one may name others of the same project: ``all = ["project[a,b]"]``."""
    found: list[Requirement] = []
    seen: set[str] = set()
    waiting = list(chosen)
    while waiting:
        extra = waiting.pop()
        if extra in seen:
            continue
        seen.add(extra)
        for requirement in _parsed(groups[extra], path):
            if canonical(requirement.name) == own and requirement.extras:
                waiting += chosen_extras(sorted(requirement.extras), groups, path)
            else:
                found.append(requirement)
    return found


def _parsed(lines: Sequence[str], path: str) -> list[Requirement]:
    return [parse_requirement(line, path) for line in lines]


def _texts(value: object, path: str, name: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise BridgeError("INVALID", f"{path}: {name} must be a list of texts.")
    return list(value)


def _dynamic(directory: str, path: str, data: Toml, python: str | None) -> Requirements:
    """Dependencies that are kept elsewhere: setuptools may name requirements files; what others do, nobody can read."""
    project = table(data.get("project"), path, "[project]")
    tool = table(data.get("tool"), path, "[tool]")
    if "dependencies" in (project.get("dynamic") or []):
        setuptools = table(tool.get("setuptools"), path, "[tool.setuptools]")
        kept = table(setuptools.get("dynamic"), path, "[tool.setuptools.dynamic]").get("dependencies")
        files = kept.get("file") if isinstance(kept, dict) else None
        if files:
            named = [files] if isinstance(files, str) else [str(file) for file in files]
            folder = posixpath.dirname(path)
            parts = [read_requirements_file(directory, posixpath.join(folder, file), python) for file in named]
            return Requirements(
                "".join(part.text for part in parts),
                any(part.local for part in parts),
                frozenset[str]().union(*(part.names for part in parts)),
                any(part.opaque for part in parts),
            )
        why = "says that its dependencies are dynamic"
    elif (
        "dependencies" not in project
        and "poetry" in tool
        and "dependencies" in table(tool["poetry"], path, "[tool.poetry]")
    ):
        why = "has its dependencies in Poetry's own form"
    else:
        return Requirements("")
    return Requirements(
        "",
        opaque=True,
        notes=(
            f"{path} {why}, which CloudCTL cannot read: none of them is installed. "
            "Write them to a requirements file, and name it: --requirements requirements.txt",
        ),
    )
