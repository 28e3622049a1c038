"""Lays out the files of one container and says what it should see where."""

from __future__ import annotations

import os
import posixpath
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from modal_local.runner.interpreter import interpreter_directories

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modal_local.runner.launcher import Bind

HOME = "/root"
"""The home and default working directory of Modal's containers."""

PRIVATE = "/__modal"
"""Where Modal keeps its own files in a container."""

ARGUMENTS_NAME = "arguments.bin"


@dataclass(frozen=True)
class FilePlacement:
    """A file of a mount: stored content and the absolute path at which the container should find it."""

    source: Path
    target: str
    mode: int


@dataclass(frozen=True)
class VolumePlacement:
    """A volume's directory and the absolute path at which the container should find it."""

    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True)
class ContainerFiles:
    """Directories of one container, all below ``base``, which goes away with it."""

    base: Path

    @property
    def tree(self) -> Path:
        """The container's own files, laid out as it sees them from ``/``."""
        return self.base / "fs"

    @property
    def new_root(self) -> Path:
        """Where the container's root directory is assembled."""
        return self.base / "new"

    @property
    def plan(self) -> Path:
        """The launcher's plan."""
        return self.base / "plan.json"

    def inside(self, path: str) -> Path:
        """Return where the container's absolute ``path`` lies on the host."""
        return self.tree / path.lstrip("/")


def lay_out(base: Path, placements: Sequence[FilePlacement], arguments: bytes) -> ContainerFiles:
    """Create the directories and copy the files. Blocking; raises OSError, for example on a full disk."""
    files = ContainerFiles(base)
    files.new_root.mkdir(parents=True)
    for directory in (HOME, "/tmp", PRIVATE):
        files.inside(directory).mkdir(parents=True)
    files.inside("/tmp").chmod(0o1777)
    (files.inside(PRIVATE) / ARGUMENTS_NAME).write_bytes(arguments)
    for placement in placements:
        target = files.inside(posixpath.normpath(placement.target))
        target.parent.mkdir(parents=True, exist_ok=True)
        # Copied, not linked: the function may change its files, the store must not change.
        shutil.copyfile(placement.source, target)
        target.chmod((placement.mode or 0o644) & 0o777 | 0o400)
    return files


def binds(
    files: ContainerFiles,
    placements: Sequence[FilePlacement],
    volumes: Sequence[VolumePlacement],
    hidden: Sequence[str],
) -> list[Bind]:
    """Return what the container sees where, for one with its own view of the file system."""
    result: list[Bind] = [
        {"source": str(files.inside(path)), "target": path, "read_only": False} for path in (HOME, "/tmp", PRIVATE)
    ]
    result.extend(
        {"source": str(files.inside(target)), "target": target, "read_only": False} for target in _tops(placements)
    )
    result.extend(
        {"source": directory, "target": directory, "read_only": False}
        for directory in interpreter_directories()
        if any(directory.startswith(parent + "/") for parent in (*hidden, "/tmp"))
    )
    result.extend(
        {
            "source": str(volume.source),
            "target": _resolved(posixpath.normpath(volume.target)),
            "read_only": volume.read_only,
        }
        for volume in volumes
    )
    return result


def hidden_directories(state: Path) -> list[str]:
    """Return the host's directories that containers should not see: homes and the server's own state."""
    homes = {os.path.realpath(Path("~").expanduser()), "/root"}
    homes.discard("/")
    return sorted(homes | {os.path.realpath(state)})


def _tops(placements: Sequence[FilePlacement]) -> list[str]:
    """Return the shortest paths outside the home that have to be bound for the files to appear in their places."""
    tops: set[str] = set()
    for placement in placements:
        path = posixpath.normpath(placement.target)
        if path.startswith((HOME + "/", "/tmp/", PRIVATE + "/")):
            continue
        parts = path.strip("/").split("/")
        candidates = ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]
        tops.add(next((top for top in candidates if not os.path.lexists(top)), path))
    return sorted(tops)


def _resolved(target: str) -> str:
    """Follow links in the part of a mount path that exists on the host, as in /var/run."""
    return target if target.startswith(HOME) else os.path.realpath(target)


def link_volumes(files: ContainerFiles, volumes: Sequence[VolumePlacement]) -> None:
    """Without namespaces: put links to the volumes where relative paths, at least, can find them."""
    for volume in volumes:
        link = files.inside(posixpath.normpath(volume.target))
        link.parent.mkdir(parents=True, exist_ok=True)
        if not os.path.lexists(link):
            link.symlink_to(volume.source)


def remove(files: ContainerFiles) -> None:
    """Remove a container's directories. Links are not followed, so volumes are safe."""
    shutil.rmtree(files.base, ignore_errors=True)
