"""The content-addressed directory: files named by the SHA-256 of their content."""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

_HEX_LENGTH = 64


class BlobWriter:
    """Writes one file, hashing it on the way. Leaving the ``with`` block without :meth:`commit` discards it."""

    def __init__(self, directory: BlobDirectory) -> None:
        """Open a temporary file beside the final place."""
        self._directory = directory
        self._path = directory.root / f".{secrets.token_hex(8)}.tmp"
        self._stream = self._path.open("xb")
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def write(self, data: bytes) -> None:
        """Append ``data``."""
        self._sha256.update(data)
        self._md5.update(data)
        self._stream.write(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of what was written so far."""
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        """Hexadecimal MD5 of what was written so far; the SDK compares uploads by it."""
        return self._md5.hexdigest()

    def commit(self) -> str:
        """Put the file in its place and return its SHA-256."""
        self._stream.close()
        target = self._directory.path(self.sha256)
        target.parent.mkdir(exist_ok=True, mode=0o700)
        self._path.replace(target)
        return self.sha256

    def __enter__(self) -> BlobWriter:  # noqa: PYI034 - Self needs Python 3.11
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the temporary file if it was not committed."""
        self._stream.close()
        self._path.unlink(missing_ok=True)


class BlobDirectory:
    """Files by content. Nothing in it is ever changed in place."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, which exists; leftovers of interrupted writes are removed."""
        self.root = root
        for leftover in root.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where the content with this hexadecimal hash is or would be. Raises ValueError for anything else."""
        if len(sha256) != _HEX_LENGTH or not all(character in "0123456789abcdef" for character in sha256):
            message = f"not a SHA-256: {sha256!r}"
            raise ValueError(message)
        return self.root / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether the content is here."""
        return self.path(sha256).is_file()

    def put(self, data: bytes) -> str:
        """Store ``data`` and return its SHA-256."""
        with self.writer() as writer:
            writer.write(data)
            return writer.commit()

    def writer(self) -> BlobWriter:
        """Start writing a file of unknown content."""
        return BlobWriter(self)

    def all(self) -> Iterator[str]:
        """Iterate over the hashes of everything stored."""
        for shard in self.root.iterdir():
            if shard.is_dir():
                for entry in os.scandir(shard):
                    yield entry.name

    def remove(self, sha256: str) -> None:
        """Remove content if it is here."""
        self.path(sha256).unlink(missing_ok=True)
