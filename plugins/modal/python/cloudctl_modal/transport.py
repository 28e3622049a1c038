"""Lines in, lines out: two threads beside the event loop, so that neither side can block the other.

Threads, and not asyncio's pipes, because the parent may give a pipe, a socket, a file or (on Windows) a handle.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloudctl_modal.errors import Json
    from cloudctl_modal.redaction import Redactor

_HIGH_WATER = 1024 * 1024  # Bytes waiting to be written above which `room` waits.


class LineWriter:
    """Writes messages in the order of ``send``; never blocks the caller."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop, redactor: Redactor) -> None:
        self._fd = fd
        self._loop = loop
        self._redactor = redactor
        self._lines: deque[bytes] = deque()
        self._waiting = 0
        self._condition = threading.Condition()
        self._closed = False
        self._room = asyncio.Event()
        self._room.set()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def send(self, message: dict[str, Json]) -> None:
        """Queue one message. NaN and infinity have no JSON form: ValueError."""
        # ASCII only: a lone surrogate in a string stays JSON instead of breaking the encoding.
        line = self._redactor.text(json.dumps(message, allow_nan=False, separators=(",", ":"))).encode() + b"\n"
        with self._condition:
            if self._closed:
                return
            self._lines.append(line)
            self._waiting += len(line)
            if self._waiting > _HIGH_WATER:
                self._room.clear()
            self._condition.notify()

    async def room(self) -> None:
        """Wait until the reader has caught up; producers of many messages call it."""
        await self._room.wait()

    def close(self, timeout: float) -> None:
        """Write what is queued, for at most ``timeout`` seconds."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._lines and not self._closed:
                    self._condition.wait()
                if not self._lines:
                    return
                line = self._lines.popleft()
            if not self._write(line):
                with self._condition:
                    self._closed = True
                    self._lines.clear()
                    self._waiting = 0
                self._signal_room()
                return
            with self._condition:
                self._waiting -= len(line)
                low = self._waiting <= _HIGH_WATER // 2
            if low and not self._room.is_set():
                self._signal_room()

    def _signal_room(self) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended.
            self._loop.call_soon_threadsafe(self._room.set)

    def _write(self, line: bytes) -> bool:
        view = memoryview(line)
        while view:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:  # noqa: PERF203 - the price is nothing beside a system call
                select.select([], [self._fd], [])
            except OSError:
                return False
        return True


class LineReader:
    """Calls ``on_line`` in the loop for each line, ``on_end`` at end of file."""

    def __init__(
        self,
        fd: int,
        loop: asyncio.AbstractEventLoop,
        on_line: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        self._fd = fd
        self._loop = loop
        self._on_line = on_line
        self._on_end = on_end
        threading.Thread(target=self._run, name="reader", daemon=True).start()

    def _run(self) -> None:
        held: list[bytes] = []
        try:
            while True:
                try:
                    data = os.read(self._fd, 65536)
                except BlockingIOError:
                    select.select([self._fd], [], [])
                    continue
                except OSError:
                    break
                if not data:
                    break
                *whole, rest = data.split(b"\n")
                if whole and held:
                    whole[0] = b"".join([*held, whole[0]])
                    held = []
                for line in whole:
                    if line.strip():
                        self._loop.call_soon_threadsafe(self._on_line, line)
                if rest:
                    held.append(rest)
            if held:
                self._loop.call_soon_threadsafe(self._on_line, b"".join(held))
            self._loop.call_soon_threadsafe(self._on_end)
        except RuntimeError:
            pass  # The loop has ended.
