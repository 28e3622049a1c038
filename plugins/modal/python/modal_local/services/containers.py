"""What containers ask for and report, and containers as clients see them (Modal calls them tasks)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits
from modal_local.dispatch import unary
from modal_local.errors import not_found
from modal_local.protobuf import Empty
from modal_local.runner.calls import InputState, failure
from modal_local.services.environments import require_environment

if TYPE_CHECKING:
    from modal_local.auth import Caller
    from modal_local.context import Context
    from modal_local.runner.calls import Input


class ContainerService:
    """The other end of ``modal._container_entrypoint``."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context

    # --- from containers ----------------------------------------------------------------------------------------

    @unary("ContainerHello")
    async def hello(self, _request: Empty, caller: Caller) -> Empty:
        """Greet a container."""
        caller.require_container()
        return Empty()

    @unary("ContainerHeartbeat")
    async def heartbeat(
        self, _request: api_pb2.ContainerHeartbeatRequest, caller: Caller
    ) -> api_pb2.ContainerHeartbeatResponse:
        """Hold the heartbeat, answering early when inputs have to be given up."""
        container = caller.require_container()
        deadline = asyncio.get_running_loop().time() + limits.HELD_HEARTBEAT
        while not container.cancelled:
            if not await container.bell.wait(deadline - asyncio.get_running_loop().time()):
                return api_pb2.ContainerHeartbeatResponse()
        cancelled, container.cancelled = container.cancelled, []
        return api_pb2.ContainerHeartbeatResponse(cancel_input_event=api_pb2.CancelInputEvent(input_ids=cancelled))

    @unary("FunctionGetInputs")
    async def get_inputs(
        self, request: api_pb2.FunctionGetInputsRequest, caller: Caller
    ) -> api_pb2.FunctionGetInputsResponse:
        """Give a container work, or tell it to end."""
        container = caller.require_container()
        pool = self._context.fleet.pool(container.spec.function_id)
        batch_size = max(1, request.batch_max_size)
        items = await pool.next_inputs(container, batch_size, request.batch_linger_ms / 1000)
        if items is None:
            kill = api_pb2.FunctionGetInputsItem(kill_switch=True)
            return api_pb2.FunctionGetInputsResponse(inputs=[kill])
        return api_pb2.FunctionGetInputsResponse(inputs=[_delivery(item) for item in items])

    @unary("FunctionPutOutputs")
    async def put_outputs(self, request: api_pb2.FunctionPutOutputsRequest, caller: Caller) -> Empty:
        """Take the outputs of inputs."""
        container = caller.require_container()
        pool = self._context.fleet.pool(container.spec.function_id)
        for output in request.outputs:
            item = container.running.get(output.input_id)
            if item is None:
                continue
            container.give_back(item)
            if item.state is InputState.RUNNING and item.retry_count == output.retry_count:
                pool.conclude(item, output.result, output.data_format)
        pool.scale()
        return Empty()

    @unary("TaskResult")
    async def task_result(self, request: api_pb2.TaskResultRequest, caller: Caller) -> Empty:
        """Learn that a container could not start or end properly."""
        container = caller.require_container()
        if not container.ready:
            result = request.result
            # The text alone becomes RemoteError. The pickled exception would be raised as itself, and an ImportError
            # of the function is easily taken for one of the caller's own.
            text = result.exception
            if result.traceback:
                text += f"\n\nThe container of '{container.spec.function_name}' could not start:\n{result.traceback}"
            pool = self._context.fleet.pool(container.spec.function_id)
            pool.start_failed(container, failure(text))
        return Empty()

    @unary("FunctionGetDynamicConcurrency")
    async def dynamic_concurrency(
        self, request: api_pb2.FunctionGetDynamicConcurrencyRequest, caller: Caller
    ) -> api_pb2.FunctionGetDynamicConcurrencyResponse:
        """Allow more inputs at once than targeted while others wait and no more containers may start."""
        container = caller.require_container()
        pool = self._context.fleet.pool(container.spec.function_id)
        concurrency = request.max_concurrency if pool.pending else request.target_concurrency
        return api_pb2.FunctionGetDynamicConcurrencyResponse(concurrency=concurrency)

    # --- from clients -------------------------------------------------------------------------------------------

    @unary("TaskList")
    async def list(self, request: api_pb2.TaskListRequest, _caller: Caller) -> api_pb2.TaskListResponse:
        """List running containers."""
        environment = require_environment(self._context, request.environment_name)
        tasks = []
        for container in self._context.fleet.containers():
            app = self._context.stores.apps.get(container.spec.app_id)
            if app is None or (request.app_id and app.app_id != request.app_id):
                continue
            if not request.app_id and app.environment != environment:
                continue
            tasks.append(
                api_pb2.TaskStats(
                    task_id=container.task_id,
                    app_id=app.app_id,
                    app_description=app.name,
                    started_at=container.ready_at,
                    enqueued_at=container.enqueued_at,
                )
            )
        return api_pb2.TaskListResponse(tasks=tasks)

    @unary("TaskGetInfo")
    async def info(self, request: api_pb2.TaskGetInfoRequest, _caller: Caller) -> api_pb2.TaskGetInfoResponse:
        """Describe a container."""
        container = self._context.fleet.container(request.task_id)
        if container is None:
            raise not_found(f"Container {request.task_id} not found.")
        return api_pb2.TaskGetInfoResponse(
            app_id=container.spec.app_id,
            info=api_pb2.TaskInfo(
                id=container.task_id, started_at=container.ready_at, enqueued_at=container.enqueued_at
            ),
        )

    @unary("ContainerStop")
    async def stop(self, request: api_pb2.ContainerStopRequest, caller: Caller) -> api_pb2.ContainerStopResponse:
        """End a container; its inputs go to another one."""
        container = self._context.fleet.container(request.task_id)
        if container is None:
            raise not_found(f"Container {request.task_id} not found.")
        if caller.container is not None and caller.container is not container:
            raise not_found(f"Container {request.task_id} is not this one.")
        if request.graceful:
            container.drain()
        else:
            container.stop("was stopped by request")
        return api_pb2.ContainerStopResponse()


def _delivery(item: Input) -> api_pb2.FunctionGetInputsItem:
    return api_pb2.FunctionGetInputsItem(
        input_id=item.input_id,
        input=item.payload,
        function_call_id=item.call.call_id,
        function_call_invocation_type=item.call.invocation,
        retry_count=item.retry_count,
        function_map_idx=item.idx,
    )
