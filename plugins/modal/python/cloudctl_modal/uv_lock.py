"""A uv.lock: exactly what the project and the chosen extras need, each in its pinned version."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from cloudctl_modal.distributions import canonical
from cloudctl_modal.errors import BridgeError
from cloudctl_modal.requirements import (
    Requirements,
    Toml,
    chosen_extras,
    environment,
    library,
    python_note,
    read_toml,
    table,
    tables,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FORMAT = 1
# In the markers of conflicting extras, uv writes `extra == 'extra-7-project-gpu'`: 7 is the length of the name.
_EXTRA = re.compile(r"""extra\s*(==|!=)\s*['"](?:extra-\d+-)?([^'"]+)['"]""")
_LOCAL_SOURCES = ("editable", "virtual", "directory")


def read_uv_lock(directory: str, path: str, extras: Sequence[str], python: str | None) -> Requirements:
    """The closure of the project, markers evaluated, without what is a local folder. BridgeError INVALID."""
    lock = _Lock(directory, path, python)
    chosen = chosen_extras(extras, lock.extras, path)
    packages = lock.closure(chosen)
    pins: dict[str, None] = {}
    indexes: dict[str, None] = {}
    notes: list[str] = []
    for package in packages:
        source = table(package.get("source"), path, "source")
        if any(kind in source for kind in (*_LOCAL_SOURCES, "path")):
            if package not in lock.own:
                notes.append(
                    f"{path} takes {package.get('name')} from the folder {_folder(source)}, which is not installed: "
                    "its modules must be importable from the package."
                )
            continue
        index = source.get("registry")
        # Whichever is the default where the image is built: naming it once more does no harm.
        if isinstance(index, str) and "://" in index:
            indexes[f"--extra-index-url {index}"] = None
        pins[_pin(package, source, path)] = None
    with_nothing = {canonical(str(package.get("name"))) for package in packages}
    on_request = {
        extra: frozenset(canonical(str(package.get("name"))) for package in lock.closure([extra])) - with_nothing
        for extra in sorted(lock.extras)
        if extra not in chosen
    }
    return Requirements(
        "".join(f"{line}\n" for line in (*sorted(indexes), *sorted(pins))),
        False,
        frozenset(with_nothing) - {canonical(str(package.get("name"))) for package in lock.own},
        bool(notes),
        on_request,
        (*notes, *python_note(lock.requires_python, path, python)),
    )


def extras_of(directory: str, path: str) -> list[str]:
    """The names of the extras. BridgeError INVALID."""
    return sorted(_Lock(directory, path, None).extras)


def _folder(source: Toml) -> str:
    return str(next(source[kind] for kind in (*_LOCAL_SOURCES, "path") if kind in source))


def _pin(package: Toml, source: Toml, path: str) -> str:
    name, version = package.get("name"), package.get("version")
    if not isinstance(name, str):
        raise BridgeError("INVALID", f"{path}: a package has no name. Write the lock anew: uv lock")
    git, url = source.get("git"), source.get("url")
    if isinstance(git, str):
        address, _, commit = git.partition("#")
        folder = re.search(r"[?&]subdirectory=([^&]+)", address)
        pin = f"{name} @ git+{address.split('?')[0]}" + (f"@{commit}" if commit else "")
        return pin + (f"#subdirectory={folder[1]}" if folder else "")
    if isinstance(url, str):
        return f"{name} @ {url}"
    if not isinstance(version, str):
        raise BridgeError("INVALID", f"{path}: the package {name} has no version. Write the lock anew: uv lock")
    return f"{name}=={version}"


class _Lock:
    def __init__(self, directory: str, path: str, python: str | None) -> None:
        data = read_toml(directory, path)
        if data.get("version") != _FORMAT:
            raise BridgeError(
                "INVALID",
                f"{path} has the format {data.get('version')!r}; CloudCTL reads format {_FORMAT}. "
                "Write requirements instead: uv export --no-emit-project -o requirements.txt",
            )
        self._path = path
        self.requires_python = data.get("requires-python")
        if python is None:  # An image of a registry, with a Python of its own: the oldest that the lock is for.
            least = re.search(r">=\s*(3\.\d+)", str(self.requires_python))
            python = least[1] if least else None
        self._environment = environment(python)
        self._packages: dict[str, list[Toml]] = defaultdict(list)
        for package in tables(data.get("package"), path, "package"):
            self._packages[canonical(str(package.get("name")))].append(package)
        self.own = self._own(table(data.get("manifest"), path, "[manifest]"))
        self.extras = {
            canonical(extra)
            for package in self.own
            for extra in table(package.get("optional-dependencies"), path, "optional-dependencies")
        }

    def _own(self, manifest: Toml) -> list[Toml]:
        """The project beside the lock, or the members of a workspace without one."""
        everything = [package for versions in self._packages.values() for package in versions]
        sources = [(package, table(package.get("source"), self._path, "source")) for package in everything]
        at_the_top = [package for package, source in sources if any(source.get(kind) == "." for kind in _LOCAL_SOURCES)]
        if at_the_top:
            return at_the_top
        members = {canonical(str(name)) for name in manifest.get("members") or []}
        return [package for package in everything if canonical(str(package.get("name"))) in members]

    def closure(self, chosen: Sequence[str]) -> list[Toml]:
        """The packages of the project with these extras, itself included."""
        found: dict[int, Toml] = {}
        seen: set[tuple[int, tuple[str, ...]]] = set()
        waiting = [(package, tuple(chosen)) for package in self.own]
        while waiting:
            package, extras = waiting.pop()
            if (id(package), extras) in seen:
                continue
            seen.add((id(package), extras))
            found[id(package)] = package
            for wanted in self._wanted(package, extras):
                if self._holds(wanted.get("marker"), chosen):
                    taken = tuple(sorted(canonical(str(extra)) for extra in wanted.get("extra") or []))
                    waiting += [(target, taken) for target in self._targets(wanted, chosen)]
        return list(found.values())

    def _wanted(self, package: Toml, extras: Sequence[str]) -> Iterator[Toml]:
        yield from tables(package.get("dependencies"), self._path, "dependencies")
        groups = table(package.get("optional-dependencies"), self._path, "optional-dependencies")
        for extra, wanted in groups.items():
            if canonical(extra) in extras:
                yield from tables(wanted, self._path, f"optional-dependencies.{extra}")

    def _targets(self, wanted: Toml, chosen: Sequence[str]) -> list[Toml]:
        name, version, source = wanted.get("name"), wanted.get("version"), wanted.get("source")
        candidates = [
            package
            for package in self._packages.get(canonical(str(name)), [])
            if version in (None, package.get("version")) and source in (None, package.get("source"))
        ]
        if not candidates:
            raise BridgeError("INVALID", f"{self._path} does not have {name}, which it needs. Write it anew: uv lock")
        fitting = [
            package
            for package in candidates
            if not package.get("resolution-markers")
            or any(self._holds(marker, chosen) for marker in package["resolution-markers"])
        ]
        return (fitting or candidates)[:1]

    def _holds(self, marker: object, chosen: Sequence[str]) -> bool:
        if not isinstance(marker, str):
            return True
        own = [canonical(str(package.get("name"))) for package in self.own]

        def decided(match: re.Match[str]) -> str:
            name = canonical(match[2])
            present = any(name in (extra, *(f"{project}-{extra}" for project in own)) for extra in chosen)
            return "python_version >= '3'" if present == (match[1] == "==") else "python_version < '3'"

        markers: Any = library("packaging.markers")
        try:
            return bool(markers.Marker(_EXTRA.sub(decided, marker)).evaluate(self._environment))
        except ValueError:
            raise BridgeError(
                "INVALID", f"{self._path}: {marker!r} is no marker. Write the lock anew: uv lock"
            ) from None
