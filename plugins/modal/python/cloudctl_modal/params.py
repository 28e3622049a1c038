"""The params of each method, and the form of a message as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudctl_modal.decode import Fields, MisfitError, NameMisfitError, boolean, filled, integer, limited, listing
from cloudctl_modal.errors import BridgeError, Json
from cloudctl_modal.protocol import Function, Signature, function_name, object_name, read_function, read_signature

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class HelloParams:
    protocol: int
    client: str


@dataclass(frozen=True)
class InspectParams:
    directory: str
    handler: str


@dataclass(frozen=True)
class NoParams:
    pass


@dataclass(frozen=True)
class DeployParams:
    app: str
    functions: tuple[Function, ...]
    target: str
    replace: bool
    client: str


@dataclass(frozen=True)
class LayoutParams:
    app: str


@dataclass(frozen=True)
class CreateVolumeParams:
    name: str


@dataclass(frozen=True)
class CallParams:
    app: str
    function: str
    has_input: bool
    input: Json
    signature: Signature | None


Params = HelloParams | InspectParams | NoParams | DeployParams | LayoutParams | CreateVolumeParams | CallParams


def _hello(fields: Fields) -> HelloParams:
    return HelloParams(fields.required("protocol", integer(1)), fields.required("client", limited(200)))


def _inspect(fields: Fields) -> InspectParams:
    return InspectParams(fields.required("directory", filled), fields.required("handler", limited(500)))


def _nothing(_fields: Fields) -> NoParams:
    return NoParams()


def _deploy(fields: Fields) -> DeployParams:
    functions = fields.required("functions", listing(read_function))
    if not functions:
        raise MisfitError("functions", "must have at least one function")
    names = [function.name for function in functions]
    for name in names:
        if names.count(name) > 1:
            raise MisfitError("functions", f"has {name!r} twice")
    target = fields.required("target", function_name)
    if target not in names:
        raise MisfitError("target", "must be the name of one of the functions")
    return DeployParams(
        fields.required("app", object_name),
        tuple(functions),
        target,
        bool(fields.optional("replace", boolean)),
        fields.required("client", limited(200)),
    )


def _layout(fields: Fields) -> LayoutParams:
    return LayoutParams(fields.required("app", object_name))


def _create_volume(fields: Fields) -> CreateVolumeParams:
    return CreateVolumeParams(fields.required("name", object_name))


def _call(fields: Fields) -> CallParams:
    return CallParams(
        fields.required("app", object_name),
        fields.required("function", function_name),
        fields.required("hasInput", boolean),
        fields.raw("input"),
        fields.optional("signature", read_signature),
    )


READERS: dict[str, Callable[[Fields], Params]] = {
    "hello": _hello,
    "inspect": _inspect,
    "whoami": _nothing,
    "deployApp": _deploy,
    "layout": _layout,
    "listFunctions": _nothing,
    "listVolumes": _nothing,
    "createVolume": _create_volume,
    "call": _call,
}
_WITHOUT_PARAMS = frozenset({"whoami", "listFunctions", "listVolumes"})


@dataclass(frozen=True)
class Request:
    id: int
    method: str
    params: Params


@dataclass(frozen=True)
class Cancel:
    id: int


def message_id(message: Json) -> int | None:
    """The id to answer to, when the message has a usable one."""
    if isinstance(message, dict):
        number = message.get("id")
        if isinstance(number, int) and not isinstance(number, bool) and number >= 1:
            return number
    return None


def read_message(message: Json) -> Request | Cancel:
    """A message of the parent, or BridgeError: PROTOCOL, UNKNOWN_METHOD or INVALID_PARAMS."""
    if not isinstance(message, dict):
        raise BridgeError("PROTOCOL", "A message must be a JSON object.")
    method = message.get("method")
    if not isinstance(method, str):
        raise BridgeError("PROTOCOL", "A message needs the text 'method'.")
    number = message_id(message)
    if method == "cancel" and "id" not in message:
        try:
            fields = Fields(message.get("params"), "params")
            cancel = Cancel(fields.required("id", integer(1)))
            fields.end()
        except MisfitError as misfit:
            raise BridgeError("PROTOCOL", f"A wrong 'cancel': {misfit}.") from None
        return cancel
    if number is None:
        raise BridgeError("PROTOCOL", "A request needs a positive whole number as its 'id'.")
    reader = READERS.get(method)
    if reader is None:
        raise BridgeError("UNKNOWN_METHOD", f"There is no method {method!r}.")
    params = message.get("params")
    if params is None and method in _WITHOUT_PARAMS:
        params = {}
    try:
        fields = Fields(params)
        decoded = reader(fields)
        fields.end()
    except NameMisfitError as misfit:
        raise BridgeError("INVALID", f"{misfit}.") from None
    except MisfitError as misfit:
        raise BridgeError("INVALID_PARAMS", f"{method}: {misfit}.") from None
    return Request(number, method, decoded)
