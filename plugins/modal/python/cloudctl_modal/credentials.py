"""The one object on fd 3: variables, tokens among them, that must not be in the start environment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import threading
from typing import TYPE_CHECKING

from cloudctl_modal.decode import MisfitError, matching, text
from cloudctl_modal.errors import BridgeError, Json

if TYPE_CHECKING:
    from cloudctl_modal.redaction import Redactor

_PATIENCE = 60.0  # Seconds: a local server may still be starting, but a parent that forgot must not hang us for ever.
_LARGEST = 1024 * 1024
_variable = matching(r"[A-Za-z_][A-Za-z0-9_]*", "must be a name of a variable")


def _read_environment(data: bytes) -> dict[str, str]:
    """The variables, or MisfitError."""
    try:
        message: Json = json.loads(data)
    except ValueError:
        raise MisfitError("descriptor 3", "must carry one JSON object") from None
    if not isinstance(message, dict) or set(message) != {"environment"}:
        raise MisfitError("descriptor 3", "must carry an object with the field 'environment' alone")
    environment = message["environment"]
    if not isinstance(environment, dict):
        raise MisfitError("environment", "must be an object")
    return {_variable(name, "environment"): text(value, f"environment.{name}") for name, value in environment.items()}


class Credentials:
    """Read once, when the first request needs them."""

    def __init__(self, fd: int | None, redactor: Redactor) -> None:
        self._fd = fd
        self._redactor = redactor
        self._reading: asyncio.Future[None] | None = None
        self.variables: dict[str, str] = {}
        """What came; the tokens among them leave ``os.environ`` when the SDK has connected."""

    async def ready(self) -> None:
        """Return when the variables are in ``os.environ``. BridgeError when what came is not usable."""
        if self._reading is None:
            loop = asyncio.get_running_loop()
            self._reading = loop.create_future()
            if self._fd is None:
                self._reading.set_result(None)
            else:
                threading.Thread(target=self._run, args=(loop, self._fd, self._reading), daemon=True).start()
        await asyncio.shield(self._reading)

    def _run(self, loop: asyncio.AbstractEventLoop, fd: int, reading: asyncio.Future[None]) -> None:
        error: BridgeError | None = None
        try:
            environment = _read_environment(self._read(fd))
            self._redactor.learn(environment)  # Before anything can print them.
            os.environ.update(environment)
            self.variables = environment
        except (MisfitError, OSError) as misfit:
            error = BridgeError("AUTH", f"The credentials could not be read: {misfit}.")
        finally:
            os.close(fd)

        def settle() -> None:
            if error is None:
                reading.set_result(None)
            else:
                reading.set_exception(error)

        with contextlib.suppress(RuntimeError):  # The loop has ended.
            loop.call_soon_threadsafe(settle)

    def _read(self, fd: int) -> bytes:
        data = bytearray()
        while len(data) <= _LARGEST:
            if os.name == "posix" and not select.select([fd], [], [], _PATIENCE)[0]:
                raise MisfitError("descriptor 3", f"brought nothing within {_PATIENCE:.0f} seconds")
            chunk = os.read(fd, 65536)
            if not chunk:
                return bytes(data)
            data += chunk
        raise MisfitError("descriptor 3", "must carry less than 1 MiB")
