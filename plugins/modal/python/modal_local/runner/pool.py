"""The containers of one function: hands out inputs, starts and ends containers, enforces limits and time-outs."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from modal_proto import api_pb2

from modal_local import limits
from modal_local.runner.calls import InputState, failure
from modal_local.waiting import Bell, wait_for_any

if TYPE_CHECKING:
    from collections.abc import Callable

    from modal_local.runner.calls import CallBook, Input
    from modal_local.runner.container import Container, ContainerSpec, Ending
    from modal_local.runner.settings import PoolSettings

_MAX_REQUEUES = 2
_MAX_BACKOFF = 300.0


class ContainerMaker(Protocol):
    """Makes a container, or returns None when there is no room; ``urgent`` when an input waits for it."""

    def __call__(
        self, spec: ContainerSpec, on_end: Callable[[Container, Ending], None], *, urgent: bool
    ) -> Container | None:
        """Make a container."""


class Pool:
    """Inputs wait here; containers come and take them."""

    def __init__(
        self,
        calls: CallBook,
        make_spec: Callable[[], ContainerSpec],
        make_container: ContainerMaker,
        on_room: Callable[[], None],
    ) -> None:
        """``make_spec`` describes the live definition or raises LookupError; ``make_container`` may refuse with None.

        ``on_room`` is called whenever a container has ended, so that others may start.
        """
        self._calls = calls
        self._make_spec = make_spec
        self._make_container = make_container
        self._on_room = on_room
        self.pending: deque[Input] = deque()
        self.containers: dict[str, Container] = {}
        self.overrides = api_pb2.AutoscalerSettings()
        self._bell = Bell()
        self._failed_starts = 0
        self._next_warm_start = 0.0

    # --- inputs -------------------------------------------------------------------------------------------------

    def submit(self, item: Input) -> None:
        """Queue an input and see to it that somebody takes it."""
        self.pending.append(item)
        self._bell.ring()
        if any(container.ready and not container.draining for container in self.containers.values()):
            # A container that is about to become free will be faster than a new one.
            asyncio.get_running_loop().call_later(limits.SCALE_UP_PAUSE, self.scale)
        else:
            self.scale()

    def withdraw(self, item: Input) -> bool:
        """Take an input out of the queue. Returns whether it was there."""
        try:
            self.pending.remove(item)
        except ValueError:
            return False
        return True

    async def next_inputs(self, container: Container, batch_size: int, linger: float) -> list[Input] | None:
        """Wait for work for ``container``: a list (empty: nothing yet, ask again) or None for "end now"."""
        container.mark_ready()
        self._failed_starts = 0
        deadline = time.monotonic() + limits.HELD_POLL
        while True:
            if container.draining:
                return None
            if self.pending:
                return await self._take(container, batch_size, linger)
            now = time.monotonic()
            wait = deadline - now
            if not container.running:
                idle_left = container.idle_since + self._limits(container.spec).scaledown_window - now
                if idle_left <= 0 and self._may_leave(container):
                    container.drain()
                    return None
                if idle_left > 0:
                    wait = min(wait, idle_left)
            if wait <= 0:
                return []
            await wait_for_any(wait, self._bell, container.bell)

    async def _take(self, container: Container, batch_size: int, linger: float) -> list[Input]:
        taken = [self._assign(container)]
        until = time.monotonic() + linger
        while len(taken) < batch_size:
            if self.pending:
                taken.append(self._assign(container))
            elif not await self._bell.wait(until - time.monotonic()):
                break
        return taken

    def _assign(self, container: Container) -> Input:
        item = self.pending.popleft()
        item.state = InputState.RUNNING
        container.take(item)
        asyncio.get_running_loop().call_later(
            container.spec.settings.timeout, self._check_timeout, container, item, item.retry_count
        )
        return item

    def _check_timeout(self, container: Container, item: Input, attempt: int) -> None:
        running = item.state is InputState.RUNNING and item.retry_count == attempt
        if not running or container.running.get(item.input_id) is not item:
            return
        text = (
            f"Task's current input {item.input_id} hit its timeout of {container.spec.settings.timeout:g}s"
            f" (function '{container.spec.function_name}')"
        )
        self.conclude(item, failure(text, api_pb2.GenericResult.GENERIC_STATUS_TIMEOUT))
        container.cancel_input(item)

    def conclude(
        self,
        item: Input,
        result: api_pb2.GenericResult,
        data_format: api_pb2.DataFormat.ValueType = api_pb2.DATA_FORMAT_UNSPECIFIED,
    ) -> None:
        """Give an input its result, or another attempt where the retry policy is ours to apply."""
        if item.state is InputState.DONE:
            return
        retries = self._retries_left(item)
        success = result.status == api_pb2.GenericResult.GENERIC_STATUS_SUCCESS
        terminated = result.status == api_pb2.GenericResult.GENERIC_STATUS_TERMINATED
        if not success and not terminated and not item.call.is_sync and retries > 0:
            asyncio.get_running_loop().call_later(self._retry_delay(item), self._retry, item)
            return
        self._calls.finish(item, result, data_format)

    def _policy(self) -> api_pb2.FunctionRetryPolicy:
        try:
            return self._make_spec().settings.retry_policy
        except LookupError:
            return api_pb2.FunctionRetryPolicy()

    def _retries_left(self, item: Input) -> int:
        # Asked only for calls that nobody waits for: clients that wait retry by themselves.
        return 0 if item.call.is_sync else self._policy().retries - item.retry_count

    def _retry_delay(self, item: Input) -> float:
        policy = self._policy()
        delay = policy.initial_delay_ms * (policy.backoff_coefficient or 1.0) ** item.retry_count
        return float(min(delay, policy.max_delay_ms or delay)) / 1000

    def _retry(self, item: Input) -> None:
        if item.state is not InputState.DONE:
            self._calls.reopen(item, item.retry_count + 1)
            self.submit(item)

    def fail_pending(self, result: api_pb2.GenericResult) -> None:
        """Give every input that waits this result."""
        waiting, self.pending = self.pending, deque()
        for item in waiting:
            self.conclude(item, result)

    # --- containers ---------------------------------------------------------------------------------------------

    def scale(self) -> None:
        """Start containers for inputs that nobody will take soon, and keep the wanted number warm."""
        try:
            spec = self._make_spec()
        except LookupError as error:
            if self.pending:
                self.fail_pending(failure(str(error)))
            return
        self._retire_stale(spec)
        while self._wants_more(spec):
            container = self._make_container(spec, self._ended, urgent=bool(self.pending))
            if container is None:
                return
            self.containers[container.task_id] = container
            container.start()

    def _wants_more(self, spec: ContainerSpec) -> bool:
        limits_now = self._limits(spec)
        current = [container for container in self.containers.values() if not container.draining]
        if len(current) >= limits_now.max_containers:
            return False
        if sum(container.free_slots for container in current) < len(self.pending):
            return True
        return len(current) < limits_now.min_containers and time.monotonic() >= self._next_warm_start

    def _limits(self, spec: ContainerSpec) -> PoolSettings:
        return spec.settings.overridden(self.overrides)

    def settings(self) -> PoolSettings:
        """Return the limits in force, or raise LookupError for a function that is not live."""
        return self._limits(self._make_spec())

    def override(self, changes: api_pb2.AutoscalerSettings) -> None:
        """Change limits until the next deploy."""
        self.overrides.MergeFrom(changes)
        self.scale()

    def reset_overrides(self) -> None:
        """Go back to the limits of the definition."""
        self.overrides = api_pb2.AutoscalerSettings()

    def _may_leave(self, container: Container) -> bool:
        current = sum(1 for other in self.containers.values() if not other.draining)
        return current > self._limits(container.spec).min_containers

    def _retire_stale(self, spec: ContainerSpec) -> None:
        for container in self.containers.values():
            if container.spec.definition_id != spec.definition_id and not container.draining:
                container.drain()

    def _ended(self, container: Container, ending: Ending) -> None:
        self.containers.pop(container.task_id, None)
        running = list(container.running.values())
        container.running.clear()
        name = container.spec.function_name
        reason = container.stop_reason or ending.describe()
        for item in running:
            if item.state is not InputState.RUNNING:
                continue
            if container.stop_reason and item.requeued < _MAX_REQUEUES:
                # We ended the container for another reason than this input: that must not be its fault.
                item.requeued += 1
                item.state = InputState.PENDING
                self.pending.appendleft(item)
                self._bell.ring()
            else:
                self.conclude(item, failure(f"The container of '{name}' {reason} while it handled this call."))
        if not container.ready and not container.start_failed and self._counts_as_failed_start(container):
            text = f"The container of '{name}' {reason} while it started."
            if container.last_words:
                # The sentence comes last, where a traceback has its message.
                text = f"The container wrote to stderr:\n\n{container.last_words}\n\n{text}"
            self.start_failed(container, failure(text))
        self.scale()
        self._on_room()

    def _counts_as_failed_start(self, container: Container) -> bool:
        """Whether a container that ended before it was ready says something about the function as it is now."""
        try:
            current = self._make_spec().definition_id == container.spec.definition_id
        except LookupError:
            return False
        return current and (not container.stop_reason or container.start_timed_out)

    def start_failed(self, container: Container, result: api_pb2.GenericResult) -> None:
        """Fail what waits, as no other container will do better, and start warm containers less eagerly."""
        container.start_failed = True
        container.drain()
        self._failed_starts += 1
        self._next_warm_start = time.monotonic() + min(2.0**self._failed_starts, _MAX_BACKOFF)
        if not any(other.ready and not other.draining for other in self.containers.values()):
            self.fail_pending(result)

    def stop(self, reason: str, *, grace: float = 0.0) -> None:
        """End all containers and fail what waits. Running inputs get ``grace`` seconds to finish."""
        terminated = failure(reason, api_pb2.GenericResult.GENERIC_STATUS_TERMINATED)
        self.fail_pending(terminated)
        for container in list(self.containers.values()):
            container.drain()
            if grace and container.running:
                asyncio.get_running_loop().call_later(grace, self._stop_one, container, terminated)
            elif container.running or not container.ready:
                self._stop_one(container, terminated)
            else:
                # An idle one ends by itself, running the function's exit handlers; but not for ever.
                asyncio.get_running_loop().call_later(limits.REMOVED_GRACE, self._stop_one, container, terminated)

    def _stop_one(self, container: Container, result: api_pb2.GenericResult) -> None:
        for item in list(container.running.values()):
            self._calls.finish(item, result)
        if container.task_id in self.containers:
            container.stop(result.exception)

    def is_idle_and_dead(self) -> bool:
        """Whether nothing is left here and nothing can come any more."""
        if self.pending or self.containers:
            return False
        try:
            self._make_spec()
        except LookupError:
            return True
        return False

    def stats(self) -> api_pb2.FunctionStats:
        """Return what ``Function.get_current_stats`` shows."""
        current = list(self.containers.values())
        return api_pb2.FunctionStats(
            backlog=len(self.pending),
            num_total_tasks=len(current),
            num_running_inputs=sum(len(container.running) for container in current),
            input_headroom=sum(container.free_slots for container in current if container.ready),
        )
