"""One container: its directories, its process, its output, and the inputs that it works on."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits
from modal_local.ids import new_id
from modal_local.runner import filesystem
from modal_local.runner.environment import container_environment, launcher_environment
from modal_local.runner.isolation import LAUNCHER
from modal_local.store.logs import LogLine
from modal_local.waiting import Bell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from modal_local.runner.calls import Input
    from modal_local.runner.isolation import Isolation
    from modal_local.runner.launcher import Plan
    from modal_local.runner.settings import PoolSettings
    from modal_local.store.logs import LogStore

_log = logging.getLogger(__name__)
_READ_LIMIT = limits.MAX_LOG_LINE
_LAST_WORDS = 2000
"""Bytes of stderr that the error of a failed start shows."""


@dataclass(frozen=True)
class ContainerSpec:
    """Everything that has to be known to start a container of a function."""

    app_id: str
    function_id: str
    function_name: str
    definition_id: str
    definition: api_pb2.Function
    settings: PoolSettings
    layout: api_pb2.AppLayout
    environment_name: str
    server_url: str
    files: Sequence[filesystem.FilePlacement]
    volumes: Sequence[filesystem.VolumePlacement]
    values: Mapping[str, str]
    working_directory: str


@dataclass(frozen=True)
class Ending:
    """How a container's process ended."""

    exit_code: int | None
    """None when it could not be started at all."""

    problem: str = ""

    def describe(self) -> str:
        """Say it in words that fit after 'the container'."""
        if self.problem:
            return f"could not be started: {self.problem}"
        code = self.exit_code or 0
        number = -code if code < 0 else code - 128
        if number in {member.value for member in signal.Signals}:
            return f"was ended by signal {number} ({signal.Signals(number).name})"
        return f"ended with exit code {code}"


def last_lines(data: bytes, most: int) -> str:
    """Return the end of ``data``, without the line that ``most`` bytes cut through, unless that is all there is."""
    if len(data) > most:
        tail = data[-most:]
        whole = tail.partition(b"\n")[2]
        data = b"..." + (b"\n" + whole if whole.strip() else tail)
    return data.decode(errors="replace").strip()


@dataclass(eq=False)
class Container:
    """A container from the moment it is wanted until everything of it is gone."""

    spec: ContainerSpec
    run_directory: Path
    state_directory: Path
    isolation: Isolation
    logs: LogStore
    on_end: Callable[[Container, Ending], None]
    task_id: str = field(default_factory=lambda: new_id("ta"))
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    enqueued_at: float = field(default_factory=time.time)
    ready_at: float = 0.0
    idle_since: float = field(default_factory=time.monotonic)
    running: dict[str, Input] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    """Input ids that the next heartbeat tells the container to give up."""
    bell: Bell = field(default_factory=Bell)
    draining: bool = False
    """Whether it gets no more inputs and is asked to end as soon as it asks for one."""
    stop_reason: str = ""
    """Why the server ended it; empty when it ended by itself."""
    start_failed: bool = False
    start_timed_out: bool = False
    task: asyncio.Task[None] | None = None
    _process: asyncio.subprocess.Process | None = None
    _stderr: bytes = b""
    """The end of what it wrote to stderr before it was ready."""

    @property
    def last_words(self) -> str:
        """The end of what it wrote to stderr before it was ready, in whole lines where they are not too long."""
        return last_lines(self._stderr, _LAST_WORDS)

    @property
    def ready(self) -> bool:
        """Whether it has asked for an input, that is, imported the user's code."""
        return self.ready_at > 0

    @property
    def free_slots(self) -> int:
        """How many more inputs it can take now, or will once it is ready."""
        return 0 if self.draining else max(0, self.spec.settings.concurrency - len(self.running))

    def start(self) -> None:
        """Begin in the background; :attr:`on_end` is called once, whatever happens."""
        _log.debug("container %s of '%s' begins", self.task_id, self.spec.function_name)
        self.task = asyncio.get_running_loop().create_task(self._live(), name=f"container {self.task_id}")

    async def _live(self) -> None:
        base = self.run_directory / self.task_id
        files = filesystem.ContainerFiles(base)
        ending = Ending(None, "it was cancelled")
        try:
            await asyncio.to_thread(filesystem.lay_out, base, self.spec.files, self._arguments())
            plan = self._plan(files)
            files.plan.write_text(json.dumps(plan))
            ending = Ending(await self._run(files))
        except OSError as error:
            ending = Ending(None, str(error))
        except Exception as error:  # noqa: BLE001 - a defect of ours must not leave callers waiting
            _log.exception("container %s of %s", self.task_id, self.spec.function_name)
            ending = Ending(None, repr(error))
        finally:
            _log.debug("container %s %s (%s)", self.task_id, ending.describe(), self.stop_reason or "by itself")
            self._kill_group()
            self.draining = True
            self.bell.ring()
            self.on_end(self, ending)
            await asyncio.to_thread(filesystem.remove, files)

    def _arguments(self) -> bytes:
        arguments: bytes = api_pb2.ContainerArguments(
            task_id=self.task_id,
            function_id=self.spec.function_id,
            app_id=self.spec.app_id,
            function_def=self.spec.definition,
            environment_name=self.spec.environment_name,
            app_layout=self.spec.layout,
        ).SerializeToString()
        return arguments

    def _plan(self, files: filesystem.ContainerFiles) -> Plan:
        real_paths = self.isolation.real_paths
        hidden = filesystem.hidden_directories(self.state_directory)
        if not real_paths:
            filesystem.link_volumes(files, self.spec.volumes)
        directory = self.spec.working_directory or filesystem.HOME
        files.inside(directory).mkdir(parents=True, exist_ok=True) if directory.startswith(filesystem.HOME) else None
        return {
            "server_pid": os.getpid(),
            "argv": [sys.executable, "-m", "modal._container_entrypoint"],
            "env": container_environment(
                files=files,
                real_paths=real_paths,
                server_url=self.spec.server_url,
                task_id=self.task_id,
                task_secret=self.secret,
                image_id=self.spec.definition.image_id,
                environment_name=self.spec.environment_name,
                own=self.spec.values,
            ),
            "cwd": directory if real_paths else str(files.inside(filesystem.HOME)),
            "isolate": real_paths,
            "process_namespace": self.isolation.own_processes,
            "new_root": str(files.new_root),
            "hidden": hidden,
            "binds": filesystem.binds(files, self.spec.files, self.spec.volumes, hidden) if real_paths else [],
        }

    async def _run(self, files: filesystem.ContainerFiles) -> int:
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(LAUNCHER),
            str(files.plan),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=launcher_environment(),
            start_new_session=True,
            limit=_READ_LIMIT,
        )
        assert process.stdout is not None and process.stderr is not None
        readers = [
            asyncio.ensure_future(self._read(process.stdout, api_pb2.FILE_DESCRIPTOR_STDOUT)),
            asyncio.ensure_future(self._read(process.stderr, api_pb2.FILE_DESCRIPTOR_STDERR)),
        ]
        if self.stop_reason:
            self._signal(signal.SIGTERM)
        started = asyncio.get_running_loop().call_later(self.spec.settings.startup_timeout, self._check_started)
        try:
            code = await process.wait()
            # What the process started and left behind may hold the pipes open: it goes now.
            self._kill_group()
            await asyncio.wait(readers, timeout=1.0)
            return code
        finally:
            started.cancel()
            for reader in readers:
                reader.cancel()

    def _check_started(self) -> None:
        if not self.ready:
            self.start_timed_out = True
            self.stop(f"did not start within {self.spec.settings.startup_timeout:g} s", kill=True)

    async def _read(self, stream: asyncio.StreamReader, descriptor: api_pb2.FileDescriptor.ValueType) -> None:
        while True:
            try:
                data = await stream.readuntil(b"\n")
            except asyncio.IncompleteReadError as error:
                data = error.partial
            except asyncio.LimitOverrunError as error:
                data = await stream.read(max(error.consumed, 1))
            if not data:
                return
            if descriptor == api_pb2.FILE_DESCRIPTOR_STDERR and not self.ready:
                # One byte more than is shown tells whether something is missing.
                self._stderr = (self._stderr + data)[-_LAST_WORDS - 1 :]
            only = next(iter(self.running.values())) if len(self.running) == 1 else None
            self.logs.add(
                LogLine(
                    app_id=self.spec.app_id,
                    function_id=self.spec.function_id,
                    task_id=self.task_id,
                    call_id=only.call.call_id if only else "",
                    input_id=only.input_id if only else "",
                    descriptor=descriptor,
                    written_at=time.time(),
                    text=data.decode(errors="replace"),
                )
            )

    def mark_ready(self) -> None:
        """Record that the user's code was imported and the container wants inputs."""
        if not self.ready:
            self.ready_at = time.time()
            self.idle_since = time.monotonic()

    def take(self, item: Input) -> None:
        """Note that the container works on ``item``."""
        item.task_id = self.task_id
        item.started_at = time.time()
        self.running[item.input_id] = item
        if self.spec.settings.single_use:
            self.draining = True

    def give_back(self, item: Input) -> None:
        """Note that the container is finished with ``item``."""
        if self.running.pop(item.input_id, None) is not None and not self.running:
            self.idle_since = time.monotonic()
        self.bell.ring()

    def cancel_input(self, item: Input) -> None:
        """Tell the container to give up ``item``; kill it when it does not."""
        self.cancelled.append(item.input_id)
        self.bell.ring()
        asyncio.get_running_loop().call_later(limits.CANCEL_GRACE, self._check_cancelled, item)

    def _check_cancelled(self, item: Input) -> None:
        if item.input_id in self.running and self.running[item.input_id] is item:
            self.stop("did not give up a cancelled input", kill=True)

    def drain(self) -> None:
        """Let it finish what it has and then end by itself."""
        self.draining = True
        self.bell.ring()

    def stop(self, reason: str, *, kill: bool = False) -> None:
        """End it now: SIGTERM, then SIGKILL; or SIGKILL at once."""
        if not self.stop_reason:
            self.stop_reason = reason
        self.draining = True
        self.bell.ring()
        if kill:
            self._signal(signal.SIGKILL)
            return
        self._signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(limits.TERMINATE_GRACE, self._signal, signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        try:
            process.send_signal(number)
        except ProcessLookupError:
            return
        if number == signal.SIGKILL:
            self._kill_group()

    def _kill_group(self) -> None:
        """Kill what shares the process group: children of the function where there is no process namespace."""
        if self._process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
