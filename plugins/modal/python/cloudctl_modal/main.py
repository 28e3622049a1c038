"""The child's life: start, serve requests until end of file, finish within a second.

Nothing here imports modal. A thread does that in the background from the start, so that `hello` and `inspect` answer at
once and the other methods find it imported, or nearly so.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import NoReturn

from cloudctl_modal.dispatch import Dispatcher
from cloudctl_modal.noise import NoisePump
from cloudctl_modal.redaction import Redactor
from cloudctl_modal.transport import LineReader, LineWriter
from cloudctl_modal.warmup import Warmup

_FINISH = 0.7  # Seconds that running requests have after end of file.
_CLEAN_UP = 0.2  # Seconds for their clean-up when that was not enough.


async def _serve(requests: int, replies: int, credentials: int | None, redactor: Redactor) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    writer = LineWriter(replies, loop, redactor)
    warmup = Warmup(loop)
    dispatcher = Dispatcher(writer, warmup, redactor, credentials)
    LineReader(requests, loop, dispatcher.on_line, ended.set)
    if os.name == "posix":
        # Ctrl-C reaches the whole process group; what to do about it is for the parent to say.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        loop.add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    await dispatcher.finish(_FINISH, _CLEAN_UP)
    writer.close(0.2)


def run(requests: int, replies: int, noise: int, credentials: int | None) -> NoReturn:
    """Serve on the given descriptors; never returns."""
    redactor = Redactor()
    pump = NoisePump(noise, redactor) if os.name == "posix" else None
    try:
        asyncio.run(_serve(requests, replies, credentials, redactor), debug=False)
        code = 0
    except BaseException:  # noqa: BLE001 - the last frame before the end of the process
        import traceback

        traceback.print_exc()
        code = 1
    finally:
        sys.stderr.flush()
        if pump is not None:
            pump.close(0.3)
    # Threads of the SDK, or one stuck in a name lookup, must not keep the process alive.
    os._exit(code)
