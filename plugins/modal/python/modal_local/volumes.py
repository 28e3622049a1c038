"""The files of volumes: real directories, reached by paths that cannot leave them."""

from __future__ import annotations

import os
import posixpath
import secrets
import shutil
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.errors import already_exists, invalid, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_COPY_CHUNK = 1024 * 1024


class VolumeFiles:
    """Operations on the files of volumes. All of them may block on the disk."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, which holds one directory a volume."""
        self.root = root

    def directory(self, volume_id: str) -> Path:
        """Return the directory of a volume."""
        return self.root / volume_id

    def create(self, volume_id: str) -> None:
        """Make the directory of a new volume."""
        self.directory(volume_id).mkdir(mode=0o755, exist_ok=True)

    def delete(self, volume_id: str) -> None:
        """Remove a volume's files. Moved away first, so that a crash half way leaves no half volume."""
        directory = self.directory(volume_id)
        doomed = self.root / f".deleted-{volume_id}"
        try:
            directory.rename(doomed)
        except FileNotFoundError:
            return
        shutil.rmtree(doomed, ignore_errors=True)

    def sweep(self, known: set[str]) -> None:
        """Remove directories of volumes that no longer exist, and leftovers of interrupted work."""
        for entry in self.root.iterdir():
            if entry.name not in known:
                shutil.rmtree(entry, ignore_errors=True)

    def inside(self, volume_id: str, path: str) -> Path:
        """Return the host path of a path in a volume; INVALID_ARGUMENT for one that would leave it."""
        if "\0" in path:
            raise invalid("Paths in volumes must not contain null characters.")
        clean = posixpath.normpath("/" + path)
        directory = self.directory(volume_id)
        target = directory / clean.lstrip("/")
        # Functions may have put links into the volume; they must not lead clients out of it.
        parent = os.path.realpath(target.parent)
        root = os.path.realpath(directory)
        if parent != root and not parent.startswith(root + "/") and target != directory:
            raise invalid(f"'{path}' leads out of the volume.")
        return target

    def list_entries(self, volume_id: str, path: str, *, recursive: bool) -> Iterator[api_pb2.FileEntry]:
        """Yield the entries of a directory, or the entry of a file; NOT_FOUND when there is neither."""
        target = self.inside(volume_id, path)
        root = self.directory(volume_id)
        if target.is_symlink() or target.is_file():
            yield _entry(root, target)
            return
        if not target.is_dir():
            raise not_found(f"No such file or directory: '{path}'.")
        yield from _walk(root, target, recursive=recursive)

    def readable_file(self, volume_id: str, path: str) -> Path:
        """Return the host path of a file, or raise NOT_FOUND; links are followed only within the volume."""
        target = self.inside(volume_id, path)
        resolved = target.resolve()
        if not resolved.is_file() or not resolved.is_relative_to(self.directory(volume_id).resolve()):
            raise not_found(f"No such file: '{path}'.")
        return target

    def prepare_write(self, volume_id: str, path: str, *, overwrite: bool) -> Path:
        """Check that a file may be written and return its host path, with its parents created."""
        target = self.inside(volume_id, path)
        if target.is_dir():
            raise already_exists(f"'{path}' is a directory.")
        if not overwrite and os.path.lexists(target):
            raise already_exists(f"'{path}' already exists in the volume.")
        _make_parents(self.directory(volume_id), target.parent)
        return target

    def write(self, target: Path, sources: list[tuple[Path, int]], size: int, mode: int) -> None:
        """Replace ``target`` atomically by parts at offsets. Gaps and the end are filled with zero bytes."""
        temporary = self.root / f".incoming-{secrets.token_hex(8)}"
        try:
            with temporary.open("xb") as stream:
                for source, offset in sources:
                    stream.seek(offset)
                    with source.open("rb") as part:
                        shutil.copyfileobj(part, stream, _COPY_CHUNK)
                stream.truncate(size)
            temporary.chmod((mode or 0o644) & 0o777)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, volume_id: str, path: str, *, recursive: bool) -> None:
        """Remove a file, or with ``recursive`` a directory; the root itself is emptied."""
        target = self.inside(volume_id, path)
        if not os.path.lexists(target):
            raise not_found(f"No such file or directory: '{path}'.")
        if target.is_dir() and not target.is_symlink():
            if not recursive:
                raise invalid(f"'{path}' is a directory. Use recursive to remove it with everything in it.")
            if target == self.directory(volume_id):
                for entry in target.iterdir():
                    _remove_entry(entry)
            else:
                shutil.rmtree(target)
        else:
            target.unlink()

    def copy(self, volume_id: str, sources: list[str], destination: str, *, recursive: bool) -> None:
        """Copy like ``cp``: into a directory, or one file over another."""
        target = self.inside(volume_id, destination)
        into_directory = target.is_dir() or destination.endswith("/") or len(sources) > 1
        if into_directory:
            target.mkdir(parents=True, exist_ok=True)
        else:
            _make_parents(self.directory(volume_id), target.parent)
        for path in sources:
            source = self.inside(volume_id, path)
            if not os.path.lexists(source):
                raise not_found(f"No such file or directory: '{path}'.")
            final = target / source.name if into_directory else target
            if source.is_dir() and not source.is_symlink():
                if not recursive:
                    raise invalid(f"'{path}' is a directory. Use recursive to copy it.")
                if final == source or final.is_relative_to(source):
                    raise invalid(f"'{path}' cannot be copied into itself.")
                shutil.copytree(source, final, symlinks=True, dirs_exist_ok=True)
            elif final.exists() and final.samefile(source):
                raise invalid(f"'{path}' and '{destination}' are the same file.")
            else:
                shutil.copy2(source, final, follow_symlinks=False)


def _remove_entry(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _make_parents(root: Path, directory: Path) -> None:
    """Create directories with ordinary permissions: functions may run under another umask than the server."""
    missing = []
    while directory != root and not directory.exists():
        missing.append(directory)
        directory = directory.parent
    if not directory.is_dir():
        raise already_exists(f"'{directory.name}' is a file, not a directory.")
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)


def _walk(root: Path, directory: Path, *, recursive: bool) -> Iterator[api_pb2.FileEntry]:
    for item in sorted(directory.iterdir(), key=lambda path: path.name):
        try:
            yield _entry(root, item)
        except FileNotFoundError:
            continue
        if recursive and item.is_dir() and not item.is_symlink():
            yield from _walk(root, item, recursive=True)


def _entry(root: Path, path: Path) -> api_pb2.FileEntry:
    status = path.lstat()
    if path.is_symlink():
        kind = api_pb2.FileEntry.SYMLINK
    elif path.is_dir():
        kind = api_pb2.FileEntry.DIRECTORY
    elif path.is_fifo():
        kind = api_pb2.FileEntry.FIFO
    elif path.is_socket():
        kind = api_pb2.FileEntry.SOCKET
    else:
        kind = api_pb2.FileEntry.FILE
    return api_pb2.FileEntry(
        path=path.relative_to(root).as_posix(),
        type=kind,
        mtime=int(status.st_mtime),
        size=0 if kind == api_pb2.FileEntry.DIRECTORY else status.st_size,
    )
