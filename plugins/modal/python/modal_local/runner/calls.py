"""Function calls in memory: inputs, outputs and the two data streams. They do not survive a restart."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import Enum

from modal_proto import api_pb2

from modal_local import limits
from modal_local.ids import new_id
from modal_local.waiting import Bell


class InputState(Enum):
    """Where an input is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"


class ChunkStream:
    """Data chunks by index, as generators and web requests exchange them."""

    def __init__(self) -> None:
        """Start empty and open."""
        self._chunks: dict[int, api_pb2.DataChunk] = {}
        self._last = 0
        self.bell = Bell()
        self.waiting_bytes = 0
        """Bytes that a single consumer has not taken with :meth:`take` yet."""

    def put(self, chunks: list[api_pb2.DataChunk]) -> None:
        """Add chunks; one with a known index replaces it, as a retried generator counts from 1 again."""
        for chunk in chunks:
            if chunk.index not in self._chunks:
                self.waiting_bytes += len(chunk.data)
            self._chunks[chunk.index] = chunk
            self._last = max(self._last, chunk.index)
        self.bell.ring()

    def append(self, data: bytes, data_format: api_pb2.DataFormat.ValueType) -> None:
        """Add a chunk under the next index."""
        self.put([api_pb2.DataChunk(data_format=data_format, data=data, index=self._last + 1)])

    def after(self, index: int) -> list[api_pb2.DataChunk]:
        """Return the chunks with consecutive indexes after ``index``."""
        found = []
        while (chunk := self._chunks.get(index + 1)) is not None:
            found.append(chunk)
            index += 1
        return found

    def take(self, index: int) -> api_pb2.DataChunk | None:
        """Remove and return the chunk with this index, making room for the producer."""
        chunk = self._chunks.pop(index, None)
        if chunk is not None:
            self.waiting_bytes -= len(chunk.data)
            self.bell.ring()
        return chunk


@dataclass(eq=False)
class Input:
    """One input of a call."""

    call: Call
    idx: int
    payload: api_pb2.FunctionInput
    input_id: str = field(default_factory=lambda: new_id("in"))
    state: InputState = InputState.PENDING
    retry_count: int = 0
    requeued: int = 0
    task_id: str = ""
    started_at: float = 0.0
    output: api_pb2.FunctionGetOutputsItem | None = None
    sequence: int = 0
    """Position among the call's outputs, counted from 1; clients page through outputs by it."""


@dataclass(eq=False)
class Call:
    """A function call: one input for ``.remote()``, many for ``.map()``."""

    function_id: str
    call_type: api_pb2.FunctionCallType.ValueType
    invocation: api_pb2.FunctionCallInvocationType.ValueType
    parent_input_id: str = ""
    call_id: str = field(default_factory=lambda: new_id("fc"))
    created_at: float = field(default_factory=time.time)
    inputs: dict[int, Input] = field(default_factory=dict)
    finished: list[Input] = field(default_factory=list)
    """Inputs in the order in which they got an output."""
    sequence: int = 0
    data_in: ChunkStream = field(default_factory=ChunkStream)
    data_out: ChunkStream = field(default_factory=ChunkStream)
    bell: Bell = field(default_factory=Bell)
    bounded_data_out: bool = False
    """Whether a single consumer takes the output chunks, so that the producer can be slowed down."""

    @property
    def unfinished(self) -> int:
        """How many inputs have no output."""
        return sum(1 for item in self.inputs.values() if item.state is not InputState.DONE)

    @property
    def done(self) -> bool:
        """Whether every input has its output."""
        return bool(self.inputs) and self.unfinished == 0

    @property
    def is_sync(self) -> bool:
        """Whether the client waits and retries by itself."""
        return self.invocation in (
            api_pb2.FUNCTION_CALL_INVOCATION_TYPE_SYNC,
            api_pb2.FUNCTION_CALL_INVOCATION_TYPE_SYNC_LEGACY,
        )


class CallBook:
    """All calls that are running or whose results may still be asked for."""

    def __init__(self) -> None:
        """Start empty."""
        self._calls: dict[str, Call] = {}
        self._inputs: dict[str, Input] = {}
        self._finished: OrderedDict[str, int] = OrderedDict()
        self._finished_bytes = 0

    def add(self, call: Call) -> None:
        """Take a new call."""
        self._calls[call.call_id] = call

    def add_input(self, call: Call, idx: int, payload: api_pb2.FunctionInput) -> Input:
        """Add an input to a call."""
        item = Input(call, idx, payload)
        call.inputs[idx] = item
        self._inputs[item.input_id] = item
        return item

    def call(self, call_id: str) -> Call | None:
        """Return a call."""
        return self._calls.get(call_id)

    def input(self, input_id: str) -> Input | None:
        """Return an input."""
        return self._inputs.get(input_id)

    def active_calls(self) -> int:
        """Return how many calls have inputs without an output."""
        return len(self._calls) - len(self._finished)

    def finish(
        self,
        item: Input,
        result: api_pb2.GenericResult,
        data_format: api_pb2.DataFormat.ValueType = api_pb2.DATA_FORMAT_UNSPECIFIED,
    ) -> None:
        """Give an input its output and wake all who wait for it. A second output for one attempt is ignored."""
        if item.state is InputState.DONE:
            return
        item.state = InputState.DONE
        item.output = api_pb2.FunctionGetOutputsItem(
            result=result,
            idx=item.idx,
            input_id=item.input_id,
            data_format=data_format,
            task_id=item.task_id,
            input_started_at=item.started_at,
            output_created_at=time.time(),
            retry_count=item.retry_count,
        )
        call = item.call
        call.sequence += 1
        item.sequence = call.sequence
        call.finished.append(item)
        call.bell.ring()
        call.data_out.bell.ring()
        call.data_in.bell.ring()
        if call.done:
            self._remember(call)

    def reopen(self, item: Input, retry_count: int) -> None:
        """Make an input pending again for a retry."""
        if item.state is InputState.DONE:
            item.call.finished.remove(item)
        item.state = InputState.PENDING
        item.output = None
        item.retry_count = retry_count
        self._forget_size(item.call.call_id)

    def _remember(self, call: Call) -> None:
        size = sum(item.output.ByteSize() for item in call.finished if item.output is not None)
        self._finished[call.call_id] = size
        self._finished_bytes += size
        while self._finished and (
            len(self._finished) > limits.MAX_FINISHED_CALLS
            or (self._finished_bytes > limits.MAX_FINISHED_CALL_BYTES and len(self._finished) > 1)
        ):
            self.drop(next(iter(self._finished)))

    def _forget_size(self, call_id: str) -> None:
        self._finished_bytes -= self._finished.pop(call_id, 0)

    def drop(self, call_id: str) -> None:
        """Forget a call."""
        self._forget_size(call_id)
        call = self._calls.pop(call_id, None)
        if call is not None:
            for item in call.inputs.values():
                self._inputs.pop(item.input_id, None)


def failure(
    text: str, status: api_pb2.GenericResult.GenericStatus.ValueType = api_pb2.GenericResult.GENERIC_STATUS_FAILURE
) -> api_pb2.GenericResult:
    """Make a result that the SDK raises as ``RemoteError`` (or the error that belongs to ``status``)."""
    return api_pb2.GenericResult(status=status, exception=text)
