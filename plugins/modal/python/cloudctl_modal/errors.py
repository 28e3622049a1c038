"""What can go wrong, in the protocol's codes. Turning the SDK's exceptions into these is sdk_errors.py's job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

Code = Literal[
    "PROTOCOL",
    "UNKNOWN_METHOD",
    "INVALID_PARAMS",
    "CANCELLED",
    "INTERNAL",
    "HANDLER_NOT_FOUND",
    "SYNTAX_ERROR",
    "DEFINES_MODAL_APP",
    "MODULE_MISSING",
    "UNREACHABLE",
    "AUTH",
    "PERMISSION",
    "NOT_FOUND",
    "INVALID",
    "CONFLICT",
    "LIMIT",
    "FOREIGN_FUNCTIONS",
    "IMAGE_BUILD",
    "REMOTE_EXCEPTION",
    "REMOTE_TIMEOUT",
    "NOT_JSON",
    "BAD_INPUT",
    "PROVIDER",
]

Kind = Literal["app", "function", "volume", "secret", "environment", "package"]


class BridgeError(Exception):
    """A failure that the protocol has a code for; ``message`` is in plain words for the user."""

    def __init__(self, code: Code, message: str, data: Mapping[str, Json] | None = None) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
        self.data = data

    def to_json(self) -> dict[str, Json]:
        """The ``error`` object of a reply."""
        body: dict[str, Json] = {"code": self.code, "message": self.message or self.code}
        if self.data is not None:
            body["data"] = dict(self.data)
        return body


def not_found(kind: Kind, name: str, message: str | None = None) -> BridgeError:
    """NOT_FOUND with the data that the protocol asks for."""
    return BridgeError("NOT_FOUND", message or f"Modal has no {kind} named {name!r}.", {"kind": kind, "name": name})
