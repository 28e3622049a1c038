"""From lines to methods and back: one task for each request, one reply for each request."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import traceback
from typing import TYPE_CHECKING

from cloudctl_modal.context import RequestContext
from cloudctl_modal.credentials import Credentials
from cloudctl_modal.errors import BridgeError, Json
from cloudctl_modal.params import (
    READERS,
    Cancel,
    DiscoverParams,
    ExamineParams,
    HelloParams,
    InspectParams,
    Request,
    VersionsParams,
    message_id,
    read_message,
)
from cloudctl_modal.protocol import PROTOCOL
from cloudctl_modal.warmup import Warmup, sdk_version

if TYPE_CHECKING:
    from cloudctl_modal.redaction import Redactor
    from cloudctl_modal.transport import LineWriter

_WITHOUT_SDK = frozenset({"hello", "inspect", "examine", "discover", "versions"})


def _not_a_number(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


class Dispatcher:
    """Everything between the transport and the methods."""

    def __init__(self, writer: LineWriter, warmup: Warmup, redactor: Redactor, credentials: int | None) -> None:
        self._writer = writer
        self._warmup = warmup
        self._credentials = Credentials(credentials, redactor)
        self._running: dict[int, tuple[asyncio.Task[None], RequestContext]] = {}
        self._leaving: set[asyncio.Task[None]] = set()
        self._seen: set[int] = set()

    def on_line(self, line: bytes) -> None:
        """Take one line of the parent."""
        number: int | None = None
        try:
            message: Json = json.loads(line, parse_constant=_not_a_number)
            number = message_id(message)
            received = read_message(message)
            if isinstance(received, Request) and received.id in self._seen:
                raise BridgeError("PROTOCOL", f"The id {received.id} was used before.")
        except BridgeError as error:
            self._reply_error(number if error.code != "PROTOCOL" else None, error)
            return
        except (ValueError, RecursionError) as error:
            self._reply_error(None, BridgeError("PROTOCOL", f"A line that is not JSON: {error}."))
            return
        if isinstance(received, Cancel):
            self._cancel(received.id)
            return
        self._seen.add(received.id)
        context = RequestContext(received.id, self._writer.send, self._writer.room)
        task = asyncio.get_running_loop().create_task(self._run(received, context))
        self._running[received.id] = (task, context)
        if received.method not in _WITHOUT_SDK:
            self._warmup.start()

    async def finish(self, patience: float, clean_up: float) -> None:
        """Let running requests end, for ``patience`` seconds; then cancel them."""
        tasks = {task for task, _ in self._running.values()} | self._leaving
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=patience)
            for number in list(self._running):
                self._cancel(number)
            if late:
                await asyncio.wait(late, timeout=clean_up)

    def _cancel(self, number: int) -> None:
        """Answer at once; the task's clean-up goes on behind it."""
        entry = self._running.pop(number, None)
        if entry is None:
            return
        task, context = entry
        context.ended = True
        self._reply_error(number, BridgeError("CANCELLED", "The request was cancelled."))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        task.cancel()

    async def _run(self, request: Request, context: RequestContext) -> None:
        try:
            result = await self._answer(request, context)
            reply: dict[str, Json] = {"id": request.id, "result": result}
            if not context.ended:
                self._writer.send(reply)
        except asyncio.CancelledError:
            if not context.ended:
                self._reply_error(request.id, BridgeError("CANCELLED", "The request was cancelled."))
        except BridgeError as error:
            if not context.ended:
                self._reply_error(request.id, error)
        except Exception as error:  # noqa: BLE001 - whatever is left is a bug, and the parent must hear of it
            trace = "".join(traceback.format_exception(error))
            if not context.ended:
                message = f"A bug in CloudCTL's Modal plugin: {type(error).__name__}: {error}"
                self._reply_error(request.id, BridgeError("INTERNAL", message, {"traceback": trace}))
        finally:
            context.ended = True
            self._running.pop(request.id, None)

    async def _answer(self, request: Request, context: RequestContext) -> dict[str, Json]:
        if isinstance(request.params, HelloParams):
            if request.params.warm:
                # After the reply: both at once would make it wait for the interpreter.
                asyncio.get_running_loop().call_later(0.01, self._warmup.start)
            return {
                "protocol": PROTOCOL,
                "sdk": sdk_version(),
                "python": platform.python_version(),
                "capabilities": list(READERS),
            }
        if isinstance(request.params, InspectParams):
            from cloudctl_modal.inspector import inspect_handler

            return inspect_handler(request.params.directory, request.params.handler).to_json()
        if isinstance(request.params, ExamineParams):
            from cloudctl_modal.examine import examine

            # In a thread: a project may have thousands of modules, and other requests go on meanwhile.
            return await asyncio.to_thread(examine, request.params)
        if isinstance(request.params, DiscoverParams):
            from cloudctl_modal.discover import discover

            return await asyncio.to_thread(discover, request.params)
        if isinstance(request.params, VersionsParams):
            from cloudctl_modal.versions import versions

            await self._credentials.ready()
            return await versions(request.params, {**os.environ, **self._credentials.variables})
        if request.method == "warm":  # The import has begun with the request.
            return {}
        methods = await self._warmup.methods()
        await self._credentials.ready()
        return await methods.run(request.method, request.params, context)

    def _reply_error(self, number: int | None, error: BridgeError) -> None:
        self._writer.send({"id": number, "error": error.to_json()})
