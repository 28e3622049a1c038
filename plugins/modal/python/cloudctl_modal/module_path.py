"""Where the modules of a package are, by Python's own rules: what the container's import system will find."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cloudctl_modal.errors import BridgeError
from cloudctl_modal.sources import not_a_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cloudctl_modal.protocol import Root

Entry = Literal["file", "folder", "other"]
PlaceKind = Literal["module", "package", "namespace", "extension"]

_EXTENSION = re.compile(r"(\w+)(?:\.[\w-]+)*\.so")
_DEPTH_OF_SRC = 3  # Folders below src/ that are looked into for Python; namespace packages may be nested.
_FOLDERS_OF_SRC = 200
_NOT_CODE = frozenset({"__pycache__", "node_modules", "site-packages"})


@dataclass(frozen=True)
class Place:
    """What an importable name stands for. ``file`` is relative; a namespace package and a compiled module have none.

    ``folders`` are where its submodules are looked for, none for what is no package.
    """

    kind: PlaceKind
    file: str | None
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeftOut:
    """A module that is there, but not in the package: ``path`` and ``by`` as the parent gave them."""

    path: str
    by: str


class ModulePath:
    """The folders of a package that its modules are imported from: the package itself, then its ``src``.

    Names mind their case everywhere, as the container's file system does.
    """

    def __init__(self, directory: str, ignored: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self._ignored = dict(ignored or {})
        self._entries: dict[str, dict[str, Entry]] = {}
        self.root: Root | None = "src" if self._has_src() else None
        self.roots: tuple[str, ...] = ("",) if self.root is None else ("", self.root)

    def entries(self, folder: str) -> dict[str, Entry]:
        """What is in a folder of the package, by name, in order; nothing for a folder that is not there."""
        found = self._entries.get(folder)
        if found is None:
            found = self._entries[folder] = self._list(folder)
        return found

    def find(self, parts: Sequence[str]) -> Place | None:
        """The module with this dotted name."""
        place: Place | None = None
        folders = self.roots
        for part in parts:
            place = self.inside(folders, part)
            if place is None:
                return None
            folders = place.folders
        return place

    def inside(self, folders: Sequence[str], name: str) -> Place | None:
        """The module ``name`` of these folders. BridgeError INVALID for a folder or a socket with a module's name.

        As in Python, a package wins over a compiled module, that one over a file, and a folder without ``__init__.py``
        (a namespace package) counts only when no other folder of the path has anything better.
        """
        portions: list[str] = []
        for folder in folders:
            entries = self.entries(folder)
            sub = _join(folder, name)
            is_folder = entries.get(name) == "folder"
            if is_folder and self.entries(sub).get("__init__.py") == "file":
                return Place("package", f"{sub}/__init__.py", (sub,))
            compiled = (_EXTENSION.fullmatch(entry) for entry in entries if entry.endswith(".so"))
            if any(match is not None and match[1] == name for match in compiled):
                return Place("extension", None)
            kind = entries.get(f"{name}.py")
            if kind == "file":
                return Place("module", f"{sub}.py")
            if is_folder:
                portions.append(sub)
            elif kind is not None:
                raise not_a_file(self.directory, f"{sub}.py")
        return Place("namespace", None, tuple(portions)) if portions else None

    def has_python(self, place: Place) -> bool:
        """Whether a namespace package has modules, or is just a folder with a module's name."""
        return any(self._python_below(folder, _DEPTH_OF_SRC) for folder in place.folders)

    def left_out(self, folders: Sequence[str], name: str) -> LeftOut | None:
        """The module ``name`` of these folders, when the package leaves it out.

        A snapshot has no trace of what was left out: then a folder of that name is taken for the package.
        """
        for folder in folders:
            sub = _join(folder, name)
            for path, file in ((f"{sub}/", f"{sub}/__init__.py"), (f"{sub}.py", f"{sub}.py")):
                by = self._ignored.get(path)
                if by is not None and (path.endswith(".py") or self._may_hold_python(sub)):
                    return LeftOut(path, by)
                by = self._ignored.get(file)
                if by is not None:
                    return LeftOut(file, by)
        return None

    def _may_hold_python(self, folder: str) -> bool:
        real = Path(self.directory, folder)
        if not real.is_dir():
            return True
        try:
            return any(entry.name.endswith(".py") for entry in os.scandir(real))
        except OSError:
            return False

    def names(self, folders: Sequence[str]) -> dict[str, str]:
        """Every importable name of these folders with its path, the earlier folder first."""
        found: dict[str, str] = {}
        for folder in folders:
            for name, kind in self.entries(folder).items():
                stem = name[:-3] if name.endswith(".py") and kind == "file" else name
                if stem.isidentifier() and stem != "__init__" and (kind == "folder" or stem != name):
                    found.setdefault(stem, _join(folder, name))
        return found

    def _has_src(self) -> bool:
        if self.entries("").get("src") != "folder" or "__init__.py" in self.entries("src"):
            return False
        return self._python_below("src", _DEPTH_OF_SRC)

    def _python_below(self, folder: str, depth: int) -> bool:
        waiting = [(folder, depth)]
        for _ in range(_FOLDERS_OF_SRC):
            if not waiting:
                return False
            place, left = waiting.pop(0)
            entries = self.entries(place)
            if any(name.endswith((".py", ".so")) and kind == "file" for name, kind in entries.items()):
                return True
            if left:
                waiting += [
                    (_join(place, name), left - 1)
                    for name, kind in entries.items()
                    if kind == "folder" and name.isidentifier() and name not in _NOT_CODE
                ]
        return False

    def _list(self, folder: str) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        try:
            with os.scandir(Path(self.directory, folder)) as entries:
                for entry in entries:
                    path = _join(folder, entry.name)
                    if path in self._ignored or f"{path}/" in self._ignored:
                        continue
                    found[entry.name] = "file" if entry.is_file() else "folder" if entry.is_dir() else "other"
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise BridgeError("INVALID", f"The folder {folder or '.'} cannot be read: {reason}.") from None
        return dict(sorted(found.items()))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
