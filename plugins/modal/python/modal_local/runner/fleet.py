"""All containers of all functions, under one roof."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits
from modal_local.runner.calls import InputState, failure
from modal_local.runner.container import Container, ContainerSpec, Ending
from modal_local.runner.isolation import Isolation, probe
from modal_local.runner.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from modal_local.runner.calls import CallBook, Input
    from modal_local.runner.specs import SpecMaker
    from modal_local.store.logs import LogStore

_log = logging.getLogger(__name__)
_TICK = 1.0


class Fleet:
    """Pools by function, containers by task id."""

    def __init__(
        self, state_directory: Path, run_directory: Path, calls: CallBook, specs: SpecMaker, logs: LogStore
    ) -> None:
        """Nothing starts before :meth:`open`."""
        self._state_directory = state_directory
        self._run_directory = run_directory
        self._calls = calls
        self._specs = specs
        self._logs = logs
        self._pools: dict[str, Pool] = {}
        self._containers: dict[str, Container] = {}
        self._closing = False
        self._ticker: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[Isolation] | None = None
        self._isolation: Isolation | None = None

    def open(self) -> None:
        """Begin: find out how containers can be separated, and keep the pools going."""
        loop = asyncio.get_running_loop()
        self._probing = loop.create_task(self._probe())
        self._ticker = loop.create_task(self._tick())

    async def _probe(self) -> Isolation:
        self._isolation = await probe(self._run_directory)
        self.scale_all()
        return self._isolation

    async def isolation(self) -> Isolation:
        """Return how containers are separated, waiting for the first answer."""
        if self._isolation is not None:
            return self._isolation
        if self._probing is None:
            return Isolation.NONE
        return await asyncio.shield(self._probing)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            try:
                self.scale_all()
            except Exception:  # noqa: BLE001 - the ticker has to go on
                _log.exception("scaling")

    def scale_all(self) -> None:
        """Let every pool look at its needs."""
        for function_id, pool in list(self._pools.items()):
            pool.scale()
            if pool.is_idle_and_dead():
                del self._pools[function_id]

    def pool(self, function_id: str) -> Pool:
        """Return the pool of a function."""
        pool = self._pools.get(function_id)
        if pool is None:
            pool = self._pools[function_id] = Pool(
                self._calls, lambda: self._specs.make(function_id), self._make_container, self.scale_all
            )
        return pool

    def submit(self, item: Input) -> None:
        """Queue an input with the pool of its function."""
        self.pool(item.call.function_id).submit(item)

    def cancel(self, item: Input, reason: str) -> None:
        """Give up an input, wherever it is."""
        if item.state is InputState.DONE:
            return
        self.pool(item.call.function_id).withdraw(item)
        container = self._containers.get(item.task_id)
        running = item.state is InputState.RUNNING
        self._calls.finish(item, failure(reason, api_pb2.GenericResult.GENERIC_STATUS_TERMINATED))
        if running and container is not None:
            container.cancel_input(item)

    def container(self, task_id: str) -> Container | None:
        """Return a container by its task id."""
        return self._containers.get(task_id)

    def containers(self) -> Iterable[Container]:
        """Return all containers."""
        return list(self._containers.values())

    def of_app(self, app_id: str) -> list[Container]:
        """Return the containers of an app."""
        return [container for container in self._containers.values() if container.spec.app_id == app_id]

    def _make_container(
        self, spec: ContainerSpec, on_end: Callable[[Container, Ending], None], *, urgent: bool
    ) -> Container | None:
        if self._closing or self._isolation is None:
            return None
        if len(self._containers) >= limits.MAX_CONTAINERS_IN_ALL:
            if urgent:
                self._make_room()
            return None

        def ended(container: Container, ending: Ending) -> None:
            self._containers.pop(container.task_id, None)
            on_end(container, ending)

        container = Container(
            spec=spec,
            run_directory=self._run_directory,
            state_directory=self._state_directory,
            isolation=self._isolation,
            logs=self._logs,
            on_end=ended,
        )
        self._containers[container.task_id] = container
        return container

    def _make_room(self) -> None:
        """End the container that has been idle longest, so that a call of another function need not wait for it."""
        idle = [container for container in self._containers.values() if not container.running]
        if any(container.draining for container in idle):
            return
        leaving = min((one for one in idle if one.ready), key=lambda one: one.idle_since, default=None)
        if leaving is not None:
            leaving.drain()

    def stop_function(self, function_id: str, reason: str, grace: float = 0.0) -> None:
        """End a function's containers; fail what waits for them."""
        pool = self._pools.get(function_id)
        if pool is not None:
            pool.stop(reason, grace=grace)

    async def close(self) -> None:
        """End all containers: ask, then SIGTERM, then SIGKILL. Bounded to a few seconds."""
        self._closing = True
        for task in (self._ticker, self._probing):
            if task is not None:
                task.cancel()
        for function_id in list(self._pools):
            self.stop_function(function_id, "Local Modal was shut down.")
        tasks = {container.task for container in self.containers() if container.task is not None}
        deadline = time.monotonic() + limits.SHUTDOWN_GRACE
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, deadline - time.monotonic()))
        for container in self.containers():
            container.stop("Local Modal was shut down.", kill=True)
        if tasks:
            await asyncio.wait(tasks, timeout=limits.TERMINATE_GRACE)
