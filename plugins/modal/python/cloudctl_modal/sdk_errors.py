"""The SDK's exceptions in the protocol's codes, by class, and in plain words."""

from __future__ import annotations

import asyncio
import re
import sys

import grpclib.exceptions
from modal import exception as sdk

from cloudctl_modal.errors import BridgeError, Code, Json, Kind

_BY_CLASS: tuple[tuple[type[BaseException], Code, str], ...] = (
    (sdk.AuthError, "AUTH", "Modal does not accept the credentials"),
    (sdk.PermissionDeniedError, "PERMISSION", "Modal does not allow this"),
    (sdk.ConflictError, "CONFLICT", "Modal refuses, as the state of things does not allow it"),
    (sdk.AlreadyExistsError, "CONFLICT", "It exists already"),
    (sdk.InvalidError, "INVALID", "Modal rejects a value"),
    (sdk.RequestSizeError, "INVALID", "Too large for Modal"),
    (sdk.ResourceExhaustedError, "LIMIT", "A limit of Modal is reached"),
    (sdk.FunctionTimeoutError, "REMOTE_TIMEOUT", "The function took longer than its timeout"),
    (sdk.OutputExpiredError, "REMOTE_TIMEOUT", "The result is no longer available"),
    (sdk.VersionError, "INVALID", "This version of Modal's SDK does not fit"),
    (sdk.DeprecationError, "INVALID", "Modal's SDK rejects a value"),
    (sdk.SerializationError, "BAD_INPUT", "The input cannot be sent"),
    (sdk.MountUploadTimeoutError, "PROVIDER", "The upload took too long"),
    (sdk.VolumeUploadTimeoutError, "PROVIDER", "The upload took too long"),
    (sdk.InternalError, "PROVIDER", "Modal failed"),
    (sdk.InternalFailure, "PROVIDER", "Modal failed"),
    (sdk.ServiceError, "PROVIDER", "Modal's service is not available at the moment"),
    (sdk.Error, "PROVIDER", "Modal refuses"),
)
_LOST: tuple[type[BaseException], ...] = (
    sdk.ConnectionError,
    grpclib.exceptions.StreamTerminatedError,
    ConnectionError,
    asyncio.TimeoutError,
)
_KINDS: dict[str, Kind] = {
    "app": "app",
    "function": "function",
    "volume": "volume",
    "secret": "secret",
    "environment": "environment",
}
_JARGON = re.compile(r"\b(StatusCode\.\w+|Status\.\w+|gRPC|grpc\w*|rpc error:?|Received :status = '\d+')[:\s]*", re.I)


def plain(error: BaseException) -> str:
    """The message of an exception without transport jargon and terminal markup; may be empty."""
    arguments = error.args
    text = str(arguments[0]) if arguments and isinstance(arguments[0], str) else str(error)
    text = re.sub(r"\[/?[a-z][a-z _=:/.\-#0-9]*\]", "", _JARGON.sub("", text))
    return " ".join(text.split())


def unreachable(server: str, why: str = "") -> BridgeError:
    """UNREACHABLE for ``server``, a URL."""
    message = f"Modal does not answer at {server}{': ' + why if why else ''}."
    return BridgeError("UNREACHABLE", message, {"server": server})


def is_lost(error: BaseException) -> bool:
    """Whether the exception means that the connection failed: gRPC's, or HTTP's for files and records."""
    if isinstance(error, _LOST):
        return True
    # The SDK imports it with the first file. Before, and while it is being imported, nobody can raise its errors.
    lost = getattr(sys.modules.get("aiohttp"), "ClientConnectionError", None)
    return lost is not None and isinstance(error, lost)


def _missing(error: sdk.NotFoundError) -> BridgeError:
    """NOT_FOUND; what it is that is missing is read from the server's words, as the SDK does not say it otherwise."""
    text = plain(error)
    kind: Kind = "app"
    found = re.search(r"\b(environment|secret|volume|function|app)\b", text, re.I)
    if found:
        kind = _KINDS[found[1].lower()]
    quoted = re.search(r"['\"`]([^'\"`]+)['\"`]", text)
    return BridgeError(
        "NOT_FOUND", text or "Modal does not know it.", {"kind": kind, "name": quoted[1] if quoted else ""}
    )


def translate(error: BaseException, server: str) -> BridgeError | None:
    """The protocol's error for an exception of the SDK; None for one that is not the SDK's."""
    if isinstance(error, BridgeError):
        return error
    if is_lost(error):
        return unreachable(server, plain(error))
    if isinstance(error, sdk.NotFoundError):
        return _missing(error)
    if isinstance(error, sdk.ImageBuildError):
        return image_build(error, "")
    if isinstance(error, ImportError) and "proxy" in str(error):
        return BridgeError("UNREACHABLE", plain(error), {"server": server})
    for kind, code, start in _BY_CLASS:
        if isinstance(error, kind):
            text = plain(error)
            return BridgeError(code, f"{start}: {text}" if text else f"{start}.")
    return None


def image_build(error: sdk.ImageBuildError, log: str) -> BridgeError:
    """IMAGE_BUILD with the end of the build's log."""
    data: dict[str, Json] = {"log": log}
    return BridgeError("IMAGE_BUILD", f"The image could not be built: {plain(error)}", data)
