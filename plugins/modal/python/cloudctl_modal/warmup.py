"""Imports modal, and the modules that need it, in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import re
import sys
import threading
from typing import TYPE_CHECKING

from cloudctl_modal.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cloudctl_modal.methods import Methods


def sdk_version() -> str | None:
    """Version of the installed modal package, without importing it; None when there is none.

    The name of its dist-info directory says it; importlib.metadata would, too, at ten times the price.
    """
    for place in sys.path:
        try:
            names = os.listdir(place or ".")  # noqa: PTH208 - pathlib would cost milliseconds before `hello`
        except OSError:
            continue
        for name in names:
            match = re.fullmatch(r"modal-([^-]+)\.dist-info", name)
            if match:
                return match[1]
    try:
        from importlib.metadata import version

        return version("modal")
    except Exception:  # noqa: BLE001 - broken metadata of whatever kind means that we do not know
        return None


class Warmup:
    """The import as something to wait for."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._started = False
        self._methods: asyncio.Future[Methods] = loop.create_future()

    def start(self) -> None:
        """Begin importing; harmless when it has begun."""
        if not self._started:
            self._started = True
            threading.Thread(target=self._run, name="import", daemon=True).start()

    async def methods(self) -> Methods:
        """The methods that need modal. BridgeError when it cannot be imported."""
        self.start()
        return await asyncio.shield(self._methods)

    def _run(self) -> None:
        error: BaseException
        # What an import makes lives until the end: looking for garbage in it meanwhile costs a tenth of the time.
        gc.disable()
        try:
            from cloudctl_modal.methods import Methods

            methods = Methods()
        except BaseException as caught:  # noqa: BLE001 - modal itself raises SystemExit on an unsupported Python
            error = caught
        else:
            self._settle(lambda: self._methods.set_result(methods))
            return
        finally:
            gc.freeze()
            gc.enable()
        import traceback

        text = "".join(traceback.format_exception(error))
        message = f"Modal's Python package cannot be imported: {error}"
        self._settle(
            lambda: self._methods.set_exception(BridgeError("INTERNAL", message, {"traceback": text})),
        )

    def _settle(self, action: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended.
            self._loop.call_soon_threadsafe(action)
