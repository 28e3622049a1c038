"""A package as an archive and back. The same package always makes the same bytes."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The parent chooses what belongs to a package; these only appear afterwards, or would break the container.
IGNORED = ("**/__pycache__", "**/*.pyc", "**/.git", "**/.DS_Store")
_IGNORED_DIRECTORIES = frozenset({"__pycache__", ".git"})


def package_files(directory: str) -> Iterator[tuple[str, Path]]:
    """Path relative to the package (with /) and absolute path of each file, in order.

    As the SDK mounts them: a link to a file is a file, a link to a directory is left out.
    """
    for place, directories, files in os.walk(directory):
        directories[:] = sorted(name for name in directories if name not in _IGNORED_DIRECTORIES)
        relative = os.path.relpath(place, directory)
        prefix = "" if relative == "." else relative.replace(os.sep, "/") + "/"
        for name in sorted(files):
            path = Path(place, name)
            if name == ".DS_Store" or name.endswith(".pyc") or not path.is_file():
                continue
            yield prefix + name, path


def pack(directory: str, archive: str) -> None:
    """Write the package as a tar.gz; times, owners and the order of files play no part."""
    with (
        Path(archive).open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for relative, path in package_files(directory):
            with path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                entry = tarfile.TarInfo(relative)
                entry.size = status.st_size
                entry.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
                tar.addfile(entry, stream)


def unpack(archive: str, directory: str) -> tuple[int, int]:
    """Extract files, and nothing but files, inside ``directory``. Returns how many they are, and their bytes.

    ValueError for an archive that is broken or wants more.
    """
    try:
        return _unpack(archive, directory)
    except (EOFError, tarfile.TarError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"the package's archive is broken: {error}") from error


def _unpack(archive: str, directory: str) -> tuple[int, int]:
    files = size = 0
    Path(directory).mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "r:gz") as tar:
        for entry in tar:
            path = PurePosixPath(entry.name)
            if not entry.isfile() or path.is_absolute() or ".." in path.parts or "\\" in entry.name:
                raise ValueError(f"the archive has an entry that no package has: {entry.name}")
            content = tar.extractfile(entry)
            if content is None:
                raise ValueError(f"the archive's entry {entry.name} has no content")
            target = Path(directory, *path.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as stream:
                shutil.copyfileobj(content, stream)
            target.chmod(0o755 if entry.mode & stat.S_IXUSR else 0o644)
            files, size = files + 1, size + entry.size
    return files, size
