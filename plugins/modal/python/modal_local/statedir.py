"""The state directory: paths, the exclusive lock, the token pair and atomic files."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import string
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_TOKEN_ALPHABET = string.ascii_letters + string.digits
_TOKEN_LENGTH = 22


class StateLockedError(Exception):
    """Another server holds the state directory; the message names its process id."""


@dataclass(frozen=True)
class TokenPair:
    """The credentials of this server, accepted as Modal tokens and as ``Modal-Key``/``Modal-Secret``."""

    token_id: str
    token_secret: str

    def matches(self, token_id: str, token_secret: str) -> bool:
        """Compare in constant time."""
        same_id = secrets.compare_digest(self.token_id.encode(), token_id.encode())
        same_secret = secrets.compare_digest(self.token_secret.encode(), token_secret.encode())
        return same_id and same_secret


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace ``path`` by ``data`` so that a reader, or a crash, sees the old or the new content and nothing else."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class StateDirectory:
    """An exclusively locked state directory. Obtain it with :meth:`acquire`, give it back with :meth:`release`."""

    def __init__(self, root: Path, lock_descriptor: int) -> None:
        """Take over an open, locked descriptor; use :meth:`acquire` instead."""
        self.root = root
        self._lock_descriptor = lock_descriptor
        self.database = root / "state.sqlite3"
        self.blobs = root / "blobs"
        self.blocks = root / "blocks"
        self.volumes = root / "volumes"
        self.run = root / "run"
        self.server_file = root / "server.json"
        self.tokens_file = root / "tokens.json"

    @classmethod
    def acquire(cls, root: Path) -> StateDirectory:
        """Create the directory (0700) if needed and lock it, or raise :class:`StateLockedError`."""
        root = root.expanduser().absolute()
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        root.chmod(0o700)
        root = root.resolve()
        descriptor = os.open(root / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 64).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            message = f"another Local Modal server (pid {holder}) already uses {root}"
            raise StateLockedError(message) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        state = cls(root, descriptor)
        for directory in (state.blobs, state.blocks, state.volumes, state.run):
            directory.mkdir(exist_ok=True, mode=0o700)
        return state

    def release(self) -> None:
        """Give the lock back. The lock file stays: removing it would let two servers lock different files."""
        os.close(self._lock_descriptor)

    def clear(self) -> None:
        """Remove what is of a running server alone. Leaves what another server has put there in the meantime."""
        try:
            replaced = not os.path.samestat(os.fstat(self._lock_descriptor), (self.root / "server.lock").stat())
        except OSError:
            replaced = True
        if replaced:
            # The directory was deleted and made anew while this server ran.
            return
        shutil.rmtree(self.run, ignore_errors=True)
        # Last, so that where there is no such file the directory is free, but for a blink.
        with suppress(OSError, ValueError, TypeError, KeyError):
            if json.loads(self.server_file.read_text())["pid"] == os.getpid():
                self.server_file.unlink()

    def tokens(self) -> TokenPair:
        """Read the token pair, creating it at the first start."""
        try:
            raw = json.loads(self.tokens_file.read_text())
            return TokenPair(token_id=str(raw["token_id"]), token_secret=str(raw["token_secret"]))
        except (OSError, ValueError, KeyError):
            pair = TokenPair(
                token_id="ak-local" + _random_text(),
                token_secret="as-local" + _random_text(),
            )
            document = {"token_id": pair.token_id, "token_secret": pair.token_secret}
            write_atomically(self.tokens_file, json.dumps(document).encode())
            return pair


def _random_text() -> str:
    return "".join(secrets.choice(_TOKEN_ALPHABET) for _ in range(_TOKEN_LENGTH))
