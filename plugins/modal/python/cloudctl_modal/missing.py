"""Modules that an import names and the package does not have: which way they are missing, and what to do about it."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cloudctl_modal.distributions import is_well_known
from cloudctl_modal.errors import BridgeError, Json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloudctl_modal.imports import Import
    from cloudctl_modal.module_path import ModulePath, Place

Reason = Literal["absent", "ignored", "outside"]
_NAMED = 5  # Of the further modules in a message.


@dataclass(frozen=True)
class Missing:
    """``file`` and ``line`` of the import; ``why`` continues the sentence "FILE:LINE imports MODULE"."""

    module: str
    reason: Reason
    why: str
    path: str | None = None
    by: str | None = None
    file: str = ""
    line: int = 1

    def at(self, file: str, line: int) -> Missing:
        return replace(self, file=file, line=line)

    def to_json(self) -> dict[str, Json]:
        found: dict[str, Json] = {
            "module": self.module,
            "file": self.file,
            "line": self.line,
            "reason": self.reason,
        }
        if self.path is not None:
            found["path"] = self.path
        return found if self.by is None else {**found, "by": self.by}


def modules_missing(missing: Sequence[Missing]) -> BridgeError:
    """MODULE_MISSING for these; the message has the first in full."""
    first, *rest = missing
    message = f"{first.file}:{first.line} imports {first.module}, {first.why}"
    if rest:
        named = [f"{item.module} ({item.file}:{item.line})" for item in rest[:_NAMED]]
        more = f" and {len(rest) - _NAMED} more" if len(rest) > _NAMED else ""
        message += f" Missing as well: {', '.join(named)}{more}."
    return BridgeError("MODULE_MISSING", message, {"missing": [item.to_json() for item in missing]})


class Searcher:
    """Finds out why a module is not there."""

    def __init__(self, path: ModulePath, open_ended: bool) -> None:
        """``open_ended``: the image may have modules that nobody can tell by name."""
        self._path = path
        self._open_ended = open_ended
        self._beside: dict[str, str] | None = None

    def top(self, name: str, parts: Sequence[str]) -> Missing | None:
        """A top-level module that is not there; None when nothing tells that it is meant to be the project's."""
        module = ".".join(parts)
        well_known = is_well_known(name)
        left_out = self._path.left_out(self._path.roots, name)
        if left_out is not None and not well_known:
            return _ignored(module, left_out.path, left_out.by)
        if well_known:
            return None
        names = self._path.names(self._path.roots)
        other = next((found for found in names if found.lower() == name.lower()), name)
        if other != name:
            return _case(module, other, names[other])
        beside = None if self._open_ended else self._names_beside().get(name)
        return None if beside is None else _outside(module, beside)

    def below(self, base: Sequence[str], place: Place, name: str) -> Missing:
        """A submodule that a module of the project does not have."""
        package = ".".join(base)
        module = f"{package}.{name}"
        if not place.folders:
            return Missing(module, "absent", f"but {place.file} is a module and no package. Correct the import.")
        left_out = self._path.left_out(place.folders, name)
        if left_out is not None:
            return _ignored(module, left_out.path, left_out.by)
        names = self._path.names(place.folders)
        other = next((found for found in names if found.lower() == name.lower()), None)
        if other is not None:
            return _case(module, other, names[other])
        near = difflib.get_close_matches(name, names, 1, 0.6)
        hint = f" Did you mean {package}.{near[0]}?" if near else ""
        return Missing(module, "absent", f"but there is no {place.folders[0]}/{name}.py.{hint}")

    def above(self, package: Sequence[str], found: Import) -> Missing:
        """A relative import that leaves the top of the package."""
        module = "." * found.level + found.module
        names = ", ".join(found.names)
        module = module if found.module or not names else module + names
        first = (found.module or (found.names[0] if found.names else "")).split(".")[0]
        in_a_package = "__init__.py" in self._path.entries("")
        if package or found.level > 1 or in_a_package:
            up = "/".join([".."] * max(found.level - len(package), 1))
            return Missing(module, "outside", "which lies above the directory that is deployed.", path=up)
        if self._path.inside(self._path.roots, first) is not None:
            absolute = f"from {found.module} import {names}" if found.module else f"import {names}"
            why = f"but a module at the top of the package has no package to be relative to. Write: {absolute}"
            return Missing(module, "absent", why)
        why = "but a module at the top of the package has no package to be relative to, and there is no such module."
        return Missing(module, "absent", why)

    def _names_beside(self) -> dict[str, str]:
        """Modules that lie beside the directory, such as the other packages of a repository."""
        if self._beside is None:
            self._beside = {}
            parent = Path(self._path.directory).resolve().parent
            try:
                entries = sorted(os.scandir(parent), key=lambda entry: entry.name)
            except OSError:
                entries = []
            for entry in entries:
                name = entry.name.removesuffix(".py")
                if not name.isidentifier():
                    continue
                is_module = entry.name.endswith(".py") and entry.is_file()
                if is_module or (entry.is_dir() and (Path(entry.path) / "__init__.py").is_file()):
                    self._beside.setdefault(name, f"../{entry.name}")
        return self._beside


def _ignored(module: str, path: str, by: str) -> Missing:
    return Missing(module, "ignored", f"but the package leaves {path} out ({by}).", path, by)


def _case(module: str, other: str, path: str) -> Missing:
    why = f"but it is called {other} ({path}): capitals count where it runs. Correct the import."
    return Missing(module, "absent", why, path)


def _outside(module: str, path: str) -> Missing:
    return Missing(module, "outside", f"which lies beside the directory that is deployed: {path}", path)
