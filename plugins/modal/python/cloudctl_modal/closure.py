"""The import closure of a handler: every module of the project that it needs, and what it takes from elsewhere."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cloudctl_modal.imports import Import, Names, imports_of, may_import_by_call, names_of
from cloudctl_modal.missing import Missing, Searcher
from cloudctl_modal.sources import parse_source, read_module, read_source
from cloudctl_modal.stdlib import can_be_hidden, minor_of, standard_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cloudctl_modal.module_path import ModulePath, Place

MOST_MODULES = 5000
MOST_BYTES = 100_000_000
"""Of one project; a handler that imports more is examined no further."""

_IN_EVERY_IMAGE = frozenset({"modal", "pip"})

# Of these names, many packages share one; which one is meant shows only further down.
_SHARED = frozenset({"google", "azure", "ruamel", "opentelemetry", "zope", "snowflake"})


@dataclass(frozen=True)
class External:
    """A module that is not the project's, at its first import."""

    module: str
    file: str
    line: int


@dataclass
class Closure:
    """``modules`` has the file of each by name; ``truncated`` when there were too many."""

    modules: dict[str, str] = field(default_factory=dict)
    missing: list[Missing] = field(default_factory=list)
    externals: dict[str, External] = field(default_factory=dict)
    hidden: dict[str, External] = field(default_factory=dict)  # Local modules behind a module of Python's own.
    truncated: bool = False


@dataclass(frozen=True)
class _Site:
    """Where an import is written: a module, its package, and the import itself."""

    module: str
    package: tuple[str, ...]
    file: str
    found: Import


class _Walk:
    def __init__(self, path: ModulePath, python: str, installed: Callable[[str], bool], open_ended: bool) -> None:
        self._path = path
        self._python = (3, minor_of(python))
        self._standard = standard_modules(python)
        self._installed = installed
        self._search = Searcher(path, open_ended)
        self._bytes = 0
        self._waiting: deque[tuple[tuple[str, ...], Place]] = deque()
        self._names: dict[str, Names] = {}
        self._reported: set[tuple[str, str]] = set()
        self.closure = Closure()

    def run(self, module: str, file: str) -> Closure:
        parts = tuple(module.split("."))
        start = _Site(module, parts[:-1], file, Import(module, (), 0, 1, False))
        self._need(parts, start)
        while self._waiting:
            name, place = self._waiting.popleft()
            if place.file is not None:
                self._read(name, place)
        self.closure.modules = dict(sorted(self.closure.modules.items()))
        return self.closure

    def _add(self, parts: tuple[str, ...], place: Place) -> None:
        name = ".".join(parts)
        if place.file is None or name in self.closure.modules:
            return
        if len(self.closure.modules) >= MOST_MODULES or self._bytes > MOST_BYTES:
            self.closure.truncated = True
            return
        self.closure.modules[name] = place.file
        self._waiting.append((parts, place))

    def _read(self, parts: tuple[str, ...], place: Place) -> None:
        file = place.file or ""
        source = read_source(self._path.directory, file)
        self._bytes += len(source)
        tree = parse_source(file, source)
        package = parts if place.kind == "package" else parts[:-1]
        if place.kind == "package":
            self._names[".".join(parts)] = names_of(tree)
        for found in imports_of(tree, self._python, may_import_by_call(source)):
            self._resolve(_Site(".".join(parts), package, file, found))

    def _resolve(self, site: _Site) -> None:
        found = site.found
        base = tuple(found.module.split(".")) if found.module else ()
        if found.level:
            up = len(site.package) - (found.level - 1)
            if up < 1:
                self._miss(site, self._search.above(site.package, found))
                return
            base = (*site.package[:up], *base)
        for name in found.names or (None,):
            self._import(base, name, site)

    def _import(self, base: tuple[str, ...], name: str | None, site: _Site) -> None:
        """``import base`` or ``from base import name``."""
        place = self._need(base, site, name)
        if name is None or place is None or not place.folders:
            return
        names = self._names_of(".".join(base), place)
        if name == "*":
            for exported in names.exported:
                inner = self._path.inside(place.folders, exported) if exported not in names.bound else None
                if inner is not None:
                    self._add((*base, exported), inner)
        elif name not in names.bound and not name.startswith("__"):
            self._step(base, place, name, site, sure=not names.open)

    def _names_of(self, module: str, place: Place) -> Names:
        """A namespace package has nothing but its modules."""
        if place.file is None:
            return Names(frozenset(), False, ())
        if module not in self._names:
            self._names[module] = names_of(read_module(self._path.directory, place.file))
        return self._names[module]

    def _need(self, parts: tuple[str, ...], site: _Site, name: str | None = None) -> Place | None:
        """The place of a module, with the packages on the way; None when it is not the project's, or missing."""
        top = self._local(parts, site, name)
        if top is None:
            return None
        self._add(parts[:1], top)
        place: Place | None = top
        for index in range(1, len(parts)):
            if place is None:
                return None
            sure = place.file is None or not self._names_of(".".join(parts[:index]), place).open
            place = self._step(parts[:index], place, parts[index], site, sure)
        return place

    def _step(self, base: tuple[str, ...], place: Place, name: str, site: _Site, sure: bool) -> Place | None:
        """The submodule ``name``; missing only where nothing else can bring it."""
        inner = self._path.inside(place.folders, name)
        if inner is not None:
            self._add((*base, name), inner)
        elif sure and place.kind != "extension" and not self._installed(".".join((*base, name))):
            self._miss(site, self._search.below(base, place, name))
        return inner

    def _local(self, parts: tuple[str, ...], site: _Site, name: str | None) -> Place | None:
        """The top-level module when it is the project's; what is not is noted."""
        top = parts[0]
        place = self._path.inside(self._path.roots, top)
        first = site.found.level == 0
        external = External(_full_name(parts, name), site.file, site.found.line)
        standard = top in self._standard
        if standard and place is not None and not can_be_hidden(top) and first:
            self.closure.hidden.setdefault(top, external)
            return None
        # Whatever is installed under this name wins over a folder without __init__.py.
        if place is not None and place.kind == "namespace" and first:
            elsewhere = standard or self._installed(external.module) or not self._path.has_python(place)
            place = None if elsewhere else place
        if place is not None or standard or top in _IN_EVERY_IMAGE or self._installed(external.module):
            return place
        missing = self._search.top(top, parts)
        if missing is not None:
            self._miss(site, missing)
        elif not site.found.optional:
            self.closure.externals.setdefault(external.module, external)
        return None

    def _miss(self, site: _Site, missing: Missing) -> None:
        """Report an import once for each file; one that the code goes on without is nobody's trouble."""
        key = (missing.module, site.file)
        if not site.found.optional and key not in self._reported:
            self._reported.add(key)
            self.closure.missing.append(missing.at(site.file, site.found.line))


def _full_name(parts: Sequence[str], name: str | None) -> str:
    if parts[0] not in _SHARED:
        return parts[0]
    return ".".join((*parts, name) if name not in (None, "*") and len(parts) < 3 else parts)


def closure_of(
    module: str,
    file: str,
    path: ModulePath,
    python: str,
    installed: Callable[[str], bool],
    open_ended: bool = False,
) -> Closure:
    """Follow every import from a module on.

    ``installed`` tells whether the image has a module by its dotted name; ``open_ended`` says that it may have more.

    BridgeError SYNTAX_ERROR or INVALID for a module that cannot be read.
    """
    return _Walk(path, python, installed, open_ended).run(module, file)
