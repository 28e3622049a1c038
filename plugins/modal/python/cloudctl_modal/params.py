"""The params of each method, and the form of a message as a whole."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudctl_modal.decode import (
    Fields,
    MisfitError,
    NameMisfitError,
    boolean,
    filled,
    integer,
    limited,
    listing,
    text,
)
from cloudctl_modal.errors import BridgeError, Json
from cloudctl_modal.protocol import (
    Function,
    Signature,
    digest,
    function_name,
    object_name,
    python_version,
    read_function,
    read_signature,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class HelloParams:
    """``warm``: import the SDK ahead of the first method that needs it."""

    protocol: int
    client: str
    warm: bool = False


@dataclass(frozen=True)
class InspectParams:
    directory: str
    handler: str


@dataclass(frozen=True)
class Ignored:
    """What the package leaves out: ``path`` of a folder (ends in /) or a file; ``by`` says where the rule is."""

    path: str
    by: str


@dataclass(frozen=True)
class ExamineParams:
    directory: str
    handler: str
    python: str
    requirements: str | None = None
    extras: tuple[str, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    image_brings: bool = False


@dataclass(frozen=True)
class DiscoverParams:
    directory: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class NoParams:
    pass


@dataclass(frozen=True)
class VersionsParams:
    apps: tuple[str, ...]


@dataclass(frozen=True)
class DeployParams:
    app: str
    functions: tuple[Function, ...]
    targets: tuple[str, ...]
    known: tuple[str, ...]
    replace: bool
    client: str


@dataclass(frozen=True)
class LayoutParams:
    app: str


@dataclass(frozen=True)
class KnownApp:
    """An app as the parent's ledger last saw it: its live version, and the functions of it that the ledger has."""

    app: str
    app_id: str
    version: int
    functions: tuple[str, ...]


@dataclass(frozen=True)
class ObserveParams:
    apps: tuple[str, ...]
    volumes: tuple[str, ...]
    known: tuple[KnownApp, ...] = ()


@dataclass(frozen=True)
class FetchPackageParams:
    """``directory`` must not exist, or be empty."""

    app: str
    digest: str
    directory: str


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


Params = (
    HelloParams
    | InspectParams
    | ExamineParams
    | DiscoverParams
    | NoParams
    | VersionsParams
    | DeployParams
    | LayoutParams
    | ObserveParams
    | FetchPackageParams
    | CreateVolumeParams
    | CallParams
)


def _hello(fields: Fields) -> HelloParams:
    return HelloParams(
        fields.required("protocol", integer(1)),
        fields.required("client", limited(200)),
        bool(fields.optional("warm", boolean)),
    )


def _inspect(fields: Fields) -> InspectParams:
    return InspectParams(fields.required("directory", filled), fields.required("handler", limited(500)))


def _read_ignored(value: Json, where: str) -> Ignored:
    fields = Fields(value, where)
    ignored = Ignored(fields.required("path", filled), fields.required("by", text))
    fields.end()
    return ignored


def _examine(fields: Fields) -> ExamineParams:
    return ExamineParams(
        fields.required("directory", filled),
        fields.required("handler", limited(500)),
        fields.required("python", python_version),
        fields.optional("requirements", filled),
        tuple(fields.optional("extras", listing(filled)) or ()),
        tuple(fields.optional("ignored", listing(_read_ignored)) or ()),
        bool(fields.optional("imageBrings", boolean)),
    )


def _discover(fields: Fields) -> DiscoverParams:
    return DiscoverParams(fields.required("directory", filled), tuple(fields.optional("files", listing(filled)) or ()))


def _versions(fields: Fields) -> VersionsParams:
    return VersionsParams(tuple(fields.required("apps", listing(object_name))))


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
    targets = fields.required("targets", listing(function_name))
    if not targets:
        raise MisfitError("targets", "must have at least one name")
    for index, target in enumerate(targets):
        if target not in names:
            raise MisfitError(f"targets[{index}]", "must be the name of one of the functions")
        if target in targets[:index]:
            raise MisfitError("targets", f"has {target!r} twice")
    return DeployParams(
        fields.required("app", object_name),
        tuple(functions),
        tuple(targets),
        tuple(fields.optional("known", listing(function_name)) or ()),
        bool(fields.optional("replace", boolean)),
        fields.required("client", limited(200)),
    )


def _layout(fields: Fields) -> LayoutParams:
    return LayoutParams(fields.required("app", object_name))


def _read_known(value: Json, where: str) -> KnownApp:
    fields = Fields(value, where)
    known = KnownApp(
        fields.required("app", object_name),
        fields.required("appId", filled),
        fields.required("version", integer(1)),
        tuple(fields.required("functions", listing(function_name))),
    )
    fields.end()
    return known


def _observe(fields: Fields) -> ObserveParams:
    return ObserveParams(
        tuple(fields.optional("apps", listing(object_name)) or ()),
        tuple(fields.optional("volumes", listing(object_name)) or ()),
        tuple(fields.optional("known", listing(_read_known)) or ()),
    )


def _fetch_package(fields: Fields) -> FetchPackageParams:
    directory = fields.required("directory", filled)
    if not os.path.isabs(directory):  # noqa: PTH117 - pathlib would cost milliseconds before `hello`
        raise MisfitError("directory", "must be an absolute path")
    return FetchPackageParams(fields.required("app", object_name), fields.required("digest", digest), directory)


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
    "examine": _examine,
    "discover": _discover,
    "warm": _nothing,
    "versions": _versions,
    "whoami": _nothing,
    "deployApp": _deploy,
    "layout": _layout,
    "observe": _observe,
    "fetchPackage": _fetch_package,
    "listFunctions": _nothing,
    "listVolumes": _nothing,
    "createVolume": _create_volume,
    "call": _call,
}
_WITHOUT_PARAMS = frozenset({"warm", "whoami", "listFunctions", "listVolumes"})


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
