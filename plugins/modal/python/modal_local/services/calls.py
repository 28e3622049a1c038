"""Function calls as clients see them: start, feed, wait, retry, cancel, stream."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits
from modal_local.dispatch import streaming, unary
from modal_local.errors import not_found
from modal_local.protobuf import Empty
from modal_local.runner.calls import Call, Input, InputState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from modal_local.auth import Caller
    from modal_local.context import Context
    from modal_local.runner.calls import ChunkStream

_OUTPUTS_AT_ONCE = 100


class CallService:
    """Inputs are queued at once; outputs are waited for."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context
        self._calls = context.calls

    # --- start and feed -----------------------------------------------------------------------------------------

    @unary("FunctionMap")
    async def start(self, request: api_pb2.FunctionMapRequest, _caller: Caller) -> api_pb2.FunctionMapResponse:
        """Start a call, with its input where there is one already."""
        try:
            spec = self._context.specs.make(request.function_id)
        except LookupError as error:
            raise not_found(str(error.args[0])) from None
        call = Call(
            request.function_id,
            request.function_call_type,
            request.function_call_invocation_type,
            request.parent_input_id,
        )
        self._calls.add(call)
        return api_pb2.FunctionMapResponse(
            function_call_id=call.call_id,
            pipelined_inputs=self._put(call, request.pipelined_inputs),
            retry_policy=spec.settings.retry_policy,
            function_call_jwt=call.call_id,
            sync_client_retries_enabled=spec.settings.retry_policy.retries > 0,
            max_inputs_outstanding=1000,
        )

    @unary("FunctionPutInputs")
    async def put_inputs(
        self, request: api_pb2.FunctionPutInputsRequest, _caller: Caller
    ) -> api_pb2.FunctionPutInputsResponse:
        """Add inputs to a call."""
        call = self._call(request.function_call_id)
        return api_pb2.FunctionPutInputsResponse(inputs=self._put(call, request.inputs))

    def _put(
        self, call: Call, items: Iterable[api_pb2.FunctionPutInputsItem]
    ) -> list[api_pb2.FunctionPutInputsResponseItem]:
        answers = []
        for item in items:
            known = call.inputs.get(item.idx)
            if known is None:
                # A request that the client repeats after a lost connection must not run twice.
                known = self._calls.add_input(call, item.idx, item.input)
                self._context.fleet.submit(known)
            answers.append(
                api_pb2.FunctionPutInputsResponseItem(idx=item.idx, input_id=known.input_id, input_jwt=known.input_id)
            )
        return answers

    @unary("FunctionFinishInputs")
    async def finish_inputs(self, request: api_pb2.FunctionFinishInputsRequest, _caller: Caller) -> Empty:
        """Learn that no more inputs follow; nothing depends on it."""
        self._call(request.function_call_id)
        return Empty()

    @unary("FunctionRetryInputs")
    async def retry(
        self, request: api_pb2.FunctionRetryInputsRequest, _caller: Caller
    ) -> api_pb2.FunctionRetryInputsResponse:
        """Run inputs once more, as the client's retry policy says."""
        answers = []
        for wanted in request.inputs:
            item = self._input(wanted.input_jwt)
            if item.state is InputState.DONE:
                self._calls.reopen(item, wanted.retry_count or item.retry_count + 1)
                self._context.fleet.submit(item)
            answers.append(item.input_id)
        return api_pb2.FunctionRetryInputsResponse(input_jwts=answers)

    # --- wait ---------------------------------------------------------------------------------------------------

    @unary("FunctionGetOutputs")
    async def outputs(
        self, request: api_pb2.FunctionGetOutputsRequest, _caller: Caller
    ) -> api_pb2.FunctionGetOutputsResponse:
        """Return outputs, waiting for the first one as long as the client wants."""
        call = self._call(request.function_call_id)
        deadline = time.monotonic() + min(request.timeout, limits.HELD_STREAM + 5)
        while True:
            found = _matching(call, request)
            if found or (call.done and request.HasField("start_idx") and request.start_idx not in call.inputs):
                break
            if not await call.bell.wait(deadline - time.monotonic()):
                break
        last = max((item.sequence for item in found), default=_cursor(request.last_entry_id))
        return api_pb2.FunctionGetOutputsResponse(
            idxs=[item.idx for item in found],
            outputs=[item.output for item in found if item.output is not None],
            last_entry_id=f"{last}-0",
            num_unfinished_inputs=call.unfinished,
        )

    # --- data streams -------------------------------------------------------------------------------------------

    @streaming("FunctionCallGetDataOut")
    async def data_out(
        self, request: api_pb2.FunctionCallGetDataRequest, _caller: Caller
    ) -> AsyncIterator[api_pb2.DataChunk]:
        """Stream what a generator yields."""
        call = self._call(request.function_call_id)
        async for chunk in self._stream(call.data_out, request.last_index):
            yield chunk

    @streaming("FunctionCallGetDataIn")
    async def data_in(
        self, request: api_pb2.FunctionCallGetDataRequest, _caller: Caller
    ) -> AsyncIterator[api_pb2.DataChunk]:
        """Stream a web request's body to the container."""
        call = self._call(request.function_call_id)
        last = int(request.last_index)
        deadline = time.monotonic() + limits.HELD_STREAM
        while not call.done:
            chunk = call.data_in.take(last + 1)
            if chunk is not None:
                last += 1
                yield chunk
            elif not await call.data_in.bell.wait(deadline - time.monotonic()):
                return

    async def _stream(self, chunks: ChunkStream, last: int) -> AsyncIterator[api_pb2.DataChunk]:
        # Held open even when the call is over: the client decides by the number of items when it has them all,
        # and would ask again at once.
        deadline = time.monotonic() + limits.HELD_STREAM
        while True:
            for chunk in chunks.after(last):
                last = int(chunk.index)
                yield chunk
            if not await chunks.bell.wait(deadline - time.monotonic()):
                return

    @unary("FunctionCallPutDataOut")
    async def put_data_out(self, request: api_pb2.FunctionCallPutDataRequest, caller: Caller) -> Empty:
        """Take what a generator yields, no faster than a single consumer takes it."""
        caller.require_container()
        call = self._call(request.function_call_id)
        call.data_out.put(list(request.data_chunks))
        while call.bounded_data_out and call.data_out.waiting_bytes > limits.WEB_BUFFER and not call.done:
            await call.data_out.bell.wait(limits.HELD_STREAM)
        return Empty()

    # --- handles ------------------------------------------------------------------------------------------------

    @unary("FunctionCallFromId")
    async def from_id(
        self, request: api_pb2.FunctionCallFromIdRequest, _caller: Caller
    ) -> api_pb2.FunctionCallFromIdResponse:
        """Look a call up."""
        call = self._call(request.function_call_id)
        row = self._context.stores.functions.get(call.function_id)
        return api_pb2.FunctionCallFromIdResponse(
            function_call_id=call.call_id,
            num_inputs=len(call.inputs),
            metadata=api_pb2.FunctionCallHandleMetadata(
                app_id=row.app_id if row is not None else "", function_id=call.function_id
            ),
        )

    @unary("FunctionCallCancel")
    async def cancel(self, request: api_pb2.FunctionCallCancelRequest, _caller: Caller) -> Empty:
        """Give a call up."""
        call = self._call(request.function_call_id)
        for item in list(call.inputs.values()):
            container = self._context.fleet.container(item.task_id)
            running = item.state is InputState.RUNNING
            self._context.fleet.cancel(item, "The call was cancelled.")
            if running and container is not None and request.terminate_containers:
                container.stop("was ended together with a cancelled call")
        return Empty()

    def _call(self, call_id: str) -> Call:
        call = self._calls.call(call_id)
        if call is None:
            raise not_found(
                f"Function call {call_id} is not known. Local Modal keeps calls in memory: it forgets them when it is"
                " restarted, and the oldest finished ones when there are many."
            )
        return call

    def _input(self, input_id: str) -> Input:
        item = self._calls.input(input_id)
        if item is None:
            raise not_found(f"Input {input_id} is not known; Local Modal forgets calls when it is restarted.")
        return item


def _cursor(entry_id: str) -> int:
    number = entry_id.partition("-")[0]
    return int(number) if number.isdigit() else 0


def _matching(call: Call, request: api_pb2.FunctionGetOutputsRequest) -> list[Input]:
    if request.HasField("start_idx") and request.HasField("end_idx"):
        wanted = range(request.start_idx, request.end_idx + 1)
        return [item for item in call.finished if item.idx in wanted]
    after = _cursor(request.last_entry_id)
    limit = request.max_values or _OUTPUTS_AT_ONCE
    return [item for item in call.finished if item.sequence > after][:limit]
