"""What a function needs installed: a requirements file, a pyproject.toml or a uv.lock, read without running pip."""

from __future__ import annotations

import difflib
import importlib
import os
import posixpath
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudctl_modal.errors import BridgeError
from cloudctl_modal.sources import read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from packaging.requirements import Requirement

_LARGEST = 20_000_000  # Bytes; locks of large projects reach a few million.
_SHOWN = 80
_PATCH = 99  # The patch level is not known before the image is built: one as high as they come.

Toml = dict[str, Any]


@dataclass(frozen=True)
class Requirements:
    """``text`` is what pip is given; ``local`` when pip needs the rest of the package, too.

    ``names`` are the canonical names of what is installed, ``opaque`` says that there is more without a name.
    ``on_request`` has what extras that were not chosen would install, by extra; ``notes`` are warnings.
    """

    text: str
    local: bool = False
    names: frozenset[str] = frozenset()
    opaque: bool = False
    on_request: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_requirements(directory: str, path: str, extras: Sequence[str] = (), python: str | None = None) -> Requirements:
    """Read the requirements of a package for that Python on Linux; None when the image brings one nobody knows.

    BridgeError INVALID, with file and line, when they are missing, cannot be read or have no such extra.
    """
    check_inside(path, path)
    if Path(path).name == "uv.lock":
        from cloudctl_modal.uv_lock import read_uv_lock

        return read_uv_lock(directory, path, extras, python)
    if path.endswith(".toml"):
        from cloudctl_modal.pyproject import read_pyproject

        return read_pyproject(directory, path, extras, python)
    if extras:
        raise BridgeError(
            "INVALID",
            f"{path} has no extras, so {extras[0]!r} cannot be chosen; a pyproject.toml or a uv.lock has them.",
        )
    from cloudctl_modal.requirements_file import read_requirements_file

    return read_requirements_file(directory, path, python)


def check_inside(path: str, named: str, by: str = "") -> str:
    """The path in its short form. BridgeError INVALID when it leads out of the package."""
    clean = posixpath.normpath(path.replace(os.sep, "/"))
    if Path(clean).is_absolute() or clean.split("/")[0] in ("..", "~"):
        where = f"{by} names {named}, which" if by else f"The requirements file {named}"
        raise BridgeError("INVALID", f"{where} is outside of the package. Move it into the package.")
    return clean


def read_text(directory: str, path: str) -> str:
    """The text of a requirements file of whatever kind. BridgeError INVALID, with the line that is not UTF-8."""
    data = read_file(directory, path, _LARGEST, "The requirements file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
        guess = " (it is UTF-16, as PowerShell writes it)" if utf16 else ""
        message = f"{path}, line {line}: the text is not UTF-8{guess}. Save the file as UTF-8."
    raise BridgeError("INVALID", message)


def read_toml(directory: str, path: str) -> Toml:
    """A TOML file as a table. BridgeError INVALID, with the line."""
    text = read_text(directory, path)
    loads: Callable[[str], Toml] = library("tomllib" if sys.version_info >= (3, 11) else "tomli").loads
    try:
        return loads(text)
    except ValueError as error:
        place = re.search(r"line (\d+)", str(error))
        where = f"{path}, line {place[1]}" if place else path
        said = re.sub(r"\s*\(at .*\)$", "", str(error))
        message = f"{where}: {said}. The file is not valid TOML."
    raise BridgeError("INVALID", message)


def table(value: object, path: str, name: str) -> Toml:
    """A table inside of a TOML file, empty when absent. BridgeError INVALID."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BridgeError("INVALID", f"{path}: {name} must be a table.")
    return value


def tables(value: object, path: str, name: str) -> list[Toml]:
    """A list of tables, empty when absent. BridgeError INVALID."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BridgeError("INVALID", f"{path}: {name} must be a list.")
    return [table(item, path, name) for item in value]


def library(name: str) -> Any:
    """A module of the plugin's own environment. In an interpreter that the user named, it may be missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        package = name.split(".")[0]
        raise BridgeError(
            "INVALID",
            f"{sys.executable} has no Python package {package!r}, which reads requirements. "
            f"Install it: {sys.executable} -m pip install {package}",
        ) from None


def environment(python: str | None) -> dict[str, str]:
    """What environment markers are compared with: CPython on Linux in Modal's containers."""
    version = ".".join((python or "3.11").split(".")[:2])
    full = python if python is not None and python.count(".") == 2 else f"{version}.{_PATCH}"
    return {
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": version,
        "sys_platform": "linux",
        "extra": "",
    }


def parse_requirement(text: str, where: str) -> Requirement:
    """One requirement. BridgeError INVALID, which never repeats a password."""
    packaging: Any = library("packaging.requirements")
    try:
        parsed: Requirement = packaging.Requirement(text)
    except ValueError:
        raise BridgeError("INVALID", f"{where}: {shown(text)!r} is not a requirement that pip understands.") from None
    return parsed


def applies(requirement: Requirement, python: str | None) -> bool:
    """Whether its markers hold in the container."""
    return requirement.marker is None or requirement.marker.evaluate(environment(python))


def shown(text: str) -> str:
    """A piece of a requirements file, fit for a message."""
    clean = re.sub(r"(://)[^/@\s]*@", r"\1***@", text)
    clean = re.sub(r"[?&][^#\s]*", "?***", clean) if "://" in clean else clean
    return clean if len(clean) <= _SHOWN else clean[: _SHOWN - 3] + "..."


def chosen_extras(extras: Iterable[str], known: Collection[str], path: str) -> list[str]:
    """Canonical names of the extras. BridgeError INVALID for one that does not exist, with the nearest."""
    from cloudctl_modal.distributions import canonical

    by_name = {canonical(name): name for name in known}
    found: list[str] = []
    for extra in extras:
        if canonical(extra) not in by_name:
            near = difflib.get_close_matches(canonical(extra), by_name, 1, 0.6)
            hint = f" Did you mean {by_name[near[0]]}?" if near else ""
            has = f" It has: {', '.join(sorted(by_name.values()))}." if by_name else " It has none."
            raise BridgeError("INVALID", f"{path} has no extra {extra!r}.{hint}{has}")
        found.append(canonical(extra))
    return found


def python_note(spec: object, path: str, python: str | None) -> tuple[str, ...]:
    """A warning when ``requires-python`` excludes the function's Python."""
    if not isinstance(spec, str) or python is None:
        return ()
    specifiers: Any = library("packaging.specifiers")
    try:
        fits: bool = specifiers.SpecifierSet(spec).contains(environment(python)["python_full_version"])
    except ValueError:
        return ()
    if fits:
        return ()
    return (f"{path} requires Python {spec}, and the function runs with {python}. Choose another one: --runtime",)
