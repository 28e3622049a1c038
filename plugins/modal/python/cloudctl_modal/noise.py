"""Everything printed in this process, by Python, C code or a subprocess, goes through here on its way to stderr.

Descriptors 1 and 2 become the end of a pipe whose other end a thread reads. It takes secrets out, and it never lets
a parent that does not read stderr stop this process: what does not fit into a bounded buffer is dropped and counted.
"""

from __future__ import annotations

import os
import select
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloudctl_modal.redaction import Redactor

_BUFFER_LIMIT = 256 * 1024
_STALL = 0.5  # Seconds without a byte taken after which the parent counts as not reading.
_READ = 65536
_CHUNK = 4096  # A pipe that select calls writable takes this much without blocking.


class NoisePump:
    """Carries the process's output to ``target``, the parent's stderr."""

    def __init__(self, target: int, redactor: Redactor) -> None:
        self._target = target
        self._redactor = redactor
        self._source, write_end = os.pipe()
        os.dup2(write_end, 1)
        os.dup2(write_end, 2)
        os.close(write_end)
        self._thread = threading.Thread(target=self._run, name="noise", daemon=True)
        self._thread.start()

    def close(self, timeout: float) -> None:
        """Let what was printed so far reach the parent, for at most ``timeout`` seconds."""
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.close(null)
        self._thread.join(timeout)

    def _run(self) -> None:
        held = b""  # Not yet passed on: the end of a read may cut a line, or a secret, in two.
        ready = bytearray()
        dropped = 0
        reading, writing = True, True
        progress = time.monotonic()
        while reading or (writing and (held or ready)):
            # A slow parent is waited for, one that does not read at all is not.
            full = len(ready) + len(held) > _BUFFER_LIMIT - _READ and time.monotonic() - progress < _STALL
            readers = [self._source] if reading and not full else []
            writers = [self._target] if ready and writing else []
            # A line without an end (a prompt, a progress bar) is passed on after a moment of silence.
            readable, writable, _ = select.select(readers, writers, [], 0.1 if (held and reading) or full else None)
            if readable:
                data = os.read(self._source, _READ)
                reading = bool(data)
                held = self._redactor.data(held + data)
            if held:
                held, clean = self._split(held, at_rest=not (readable or writable or full) or not reading)
                progress = progress if ready else time.monotonic()
                room = max(_BUFFER_LIMIT - len(ready), 0)
                ready += clean[:room]
                dropped += len(clean) - min(room, len(clean))
            if not writing:
                ready.clear()
            elif ready and writable:
                try:
                    del ready[: os.write(self._target, bytes(ready[:_CHUNK]))]
                    progress = time.monotonic()
                except BlockingIOError:
                    pass
                except OSError:
                    writing = False  # The parent closed its end; keep reading so that nobody here blocks.
                if not ready and dropped:
                    ready += f"\n[{dropped} bytes of output dropped]\n".encode()
                    dropped = 0

    def _split(self, held: bytes, at_rest: bool) -> tuple[bytes, bytes]:
        """What to hold back and what to pass on."""
        if at_rest:
            cut = len(held)
        elif len(held) > _READ:
            cut = max(len(held) - self._redactor.longest, held.rfind(b"\n") + 1)
        else:
            cut = held.rfind(b"\n") + 1
        return held[cut:], held[:cut]
