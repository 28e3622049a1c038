"""Logs of apps and functions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits
from modal_local.dispatch import streaming, unary
from modal_local.errors import not_found
from modal_local.protobuf import Timestamp
from modal_local.store.logs import LogQuery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from modal_local.auth import Caller
    from modal_local.context import Context
    from modal_local.store.logs import LogLine

_LIMIT = 20_000
_DONE_PAUSE = 0.3


class LogService:
    """Reads what containers wrote to stdout and stderr."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context
        self._logs = context.logs

    @unary("AppFetchLogs")
    async def fetch(self, request: api_pb2.AppFetchLogsRequest, _caller: Caller) -> api_pb2.AppFetchLogsResponse:
        """Return the newest lines of a span of time."""
        self._check_app(request.app_id)
        lines = self._logs.tail(_query(request), min(request.limit or _LIMIT, _LIMIT))
        return api_pb2.AppFetchLogsResponse(batches=list(_batches(lines)))

    @unary("AppCountLogs")
    async def count(self, request: api_pb2.AppCountLogsRequest, _caller: Caller) -> api_pb2.AppCountLogsResponse:
        """Count lines by time."""
        self._check_app(request.app_id)
        buckets: dict[int, api_pb2.AppCountLogsResponse.LogBucket] = {}
        for start, descriptor, number in self._logs.counts(_query(request), request.bucket_secs or 60):
            bucket = buckets.setdefault(
                start, api_pb2.AppCountLogsResponse.LogBucket(bucket_start_at=Timestamp(seconds=start))
            )
            if descriptor == api_pb2.FILE_DESCRIPTOR_STDOUT:
                bucket.stdout_logs += number
            elif descriptor == api_pb2.FILE_DESCRIPTOR_STDERR:
                bucket.stderr_logs += number
            else:
                bucket.system_logs += number
        return api_pb2.AppCountLogsResponse(app_id=request.app_id, buckets=list(buckets.values()))

    @streaming("AppGetLogs")
    async def follow(self, request: api_pb2.AppGetLogsRequest, _caller: Caller) -> AsyncIterator[api_pb2.TaskLogsBatch]:
        """Stream lines as they are written, from the given entry on; end when the app has stopped."""
        app_id = self._app_of(request)
        number = request.last_entry_id.partition("-")[0]
        position = int(number) if number.isdigit() else self._logs.last_entry()
        if not request.last_entry_id and self._is_run(app_id):
            # A run's client wants everything from the beginning.
            position = 0
        deadline = time.monotonic() + min(request.timeout or limits.HELD_STREAM, limits.HELD_STREAM)
        while True:
            lines = self._logs.after(
                LogQuery(
                    app_id=app_id,
                    function_id=request.function_id,
                    call_id=request.function_call_id,
                    task_id=request.task_id,
                    descriptor=int(request.file_descriptor),
                    after_entry=position,
                )
            )
            for batch in _batches(lines):
                yield batch
            if lines:
                position = lines[-1].entry
                continue
            if self._is_over(app_id):
                yield api_pb2.TaskLogsBatch(app_done=True)
                return
            wait = min(deadline - time.monotonic(), _DONE_PAUSE if self._is_stopped(app_id) else limits.HELD_STREAM)
            if not await self._logs.bell.wait(wait) and time.monotonic() >= deadline:
                return

    def _app_of(self, request: api_pb2.AppGetLogsRequest) -> str:
        if request.app_id:
            self._check_app(request.app_id)
            return request.app_id
        container = self._context.fleet.container(request.task_id)
        if container is None:
            raise not_found(f"Container {request.task_id} not found.")
        return container.spec.app_id

    def _check_app(self, app_id: str) -> None:
        if self._context.stores.apps.get(app_id) is None:
            raise not_found(f"App {app_id} not found.")

    def _is_run(self, app_id: str) -> bool:
        app = self._context.stores.apps.get(app_id)
        return app is not None and app.state == api_pb2.APP_STATE_EPHEMERAL

    def _is_stopped(self, app_id: str) -> bool:
        app = self._context.stores.apps.get(app_id)
        return app is None or app.state == api_pb2.APP_STATE_STOPPED

    def _is_over(self, app_id: str) -> bool:
        return self._is_stopped(app_id) and not self._context.fleet.of_app(app_id)


def _query(request: api_pb2.AppFetchLogsRequest | api_pb2.AppCountLogsRequest) -> LogQuery:
    return LogQuery(
        app_id=request.app_id,
        function_id=request.function_id,
        call_id=request.function_call_id,
        task_id=request.task_id,
        descriptor=int(request.source),
        search_text=request.search_text,
        since=request.since.ToNanoseconds() / 1e9,
        until=request.until.ToNanoseconds() / 1e9,
    )


def _batches(lines: Iterable[LogLine]) -> list[api_pb2.TaskLogsBatch]:
    """Group lines that follow each other from one container."""
    batches: list[api_pb2.TaskLogsBatch] = []
    for line in lines:
        if not batches or batches[-1].task_id != line.task_id:
            batches.append(
                api_pb2.TaskLogsBatch(
                    task_id=line.task_id, function_id=line.function_id, root_function_id=line.function_id
                )
            )
        batches[-1].entry_id = f"{line.entry}-0"
        batches[-1].items.append(
            api_pb2.TaskLogs(
                data=line.text,
                timestamp=line.written_at,
                timestamp_ns=int(line.written_at * 1e9),
                file_descriptor=line.descriptor,
                function_call_id=line.call_id,
                input_id=line.input_id,
                container_id=line.task_id,
            )
        )
    return batches
