"""`call`: run a deployed function once and bring its value, its items or its exception."""

from __future__ import annotations

import json
import re
from contextlib import aclosing
from typing import TYPE_CHECKING

import modal
from modal import exception as sdk_exception

from cloudctl_modal import sdk, sdk_apps
from cloudctl_modal.container.arguments import ANY_SLOTS, Arguments, BadArgumentsError, Slot, bind_input
from cloudctl_modal.container.jsonable import NotJsonError, encode_json, type_name
from cloudctl_modal.errors import BridgeError, Json, not_found
from cloudctl_modal.records import Records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloudctl_modal.context import RequestContext
    from cloudctl_modal.params import CallParams
    from cloudctl_modal.protocol import Signature

_NOT_HERE = (
    "The function's answer holds objects of a package that is not installed here ({why}). "
    "Let it return plain values (dicts, lists, numbers, text), or call its URL, which converts them on Modal."
)


async def call(client: modal.Client, params: CallParams, context: RequestContext) -> dict[str, Json]:
    """The protocol's result of `call`."""
    signature = params.signature
    if signature is None:
        signature = await _recorded_signature(client, params)
    arguments = _arguments(params, signature)
    function = modal.Function.from_name(params.app, params.function, client=client)
    try:
        await function.hydrate.aio(client)
    except sdk_exception.NotFoundError:
        if await sdk_apps.find_app(client, params.app) is None:
            raise not_found("app", params.app, f"Modal has no app named {params.app!r}.") from None
        raise not_found(
            "function", params.function, f"The app {params.app} has no function {params.function!r}."
        ) from None
    count = 0
    answered: tuple[Json] | None = None  # A generator answers with items alone.
    async with aclosing(sdk.invoke(function, arguments.args, arguments.kwargs)) as outcomes:
        async for outcome in outcomes:
            if outcome.error is not None:
                raise _remote(outcome.error, params.function) or outcome.error
            if outcome.is_item:
                await context.item(_json(outcome.value))
                count += 1
            else:
                answered = (_json(outcome.value),)
    return {"value": None, "items": count} if answered is None else {"value": answered[0]}


async def _recorded_signature(client: modal.Client, params: CallParams) -> Signature | None:
    """The signature that the deployment's records have, or None."""
    try:
        records = await Records.open(client, create=False)
        record = await records.of_function(params.app, params.function) if records else None
    except sdk_exception.PermissionDeniedError:
        return None
    return record.signature if record else None


_LARGEST_EXACT = 2**53 - 1


def _arguments(params: CallParams, signature: Signature | None) -> Arguments:
    slots: Sequence[Slot] = ANY_SLOTS
    if signature is not None:
        slots = [Slot(item.name, item.kind, item.required) for item in signature.parameters]
    try:
        return bind_input(slots, params.has_input, params.input, {})
    except BadArgumentsError as error:
        raise BridgeError("BAD_INPUT", f"{params.function}: {error}.") from None


def _json(value: object) -> Json:
    try:
        plain: Json = json.loads(encode_json(value), parse_int=_exact)
    except NotJsonError as error:
        message = f"The function answered, but {error}."
        raise BridgeError("NOT_JSON", message, {"type": error.kind}) from None
    return plain


def _exact(digits: str) -> int:
    """A whole number that the parent, whose numbers are doubles, receives as it is."""
    number = int(digits)
    if abs(number) > _LARGEST_EXACT:
        raise NotJsonError("int", f"{digits} is larger than JSON carries exactly; let the handler return it as text")
    return number


def _remote(error: BaseException, function: str) -> BridgeError | None:
    """The error of a call; None for one that did not happen in the function."""
    if sdk.is_remote(error):
        return _exception(function, type_name(type(error)), str(error), sdk.remote_traceback(error))
    if isinstance(error, sdk_exception.FunctionTimeoutError):
        return BridgeError("REMOTE_TIMEOUT", f"{function} took longer than its timeout.")
    message = str(error)
    if isinstance(error, sdk_exception.ExecutionError | sdk_exception.DeserializationError):
        marker = "Here is the remote traceback:\n"
        if marker in message:
            # The exception's class exists in the container alone; its traceback came as text.
            text = sdk.without_runtime_frames(message.partition(marker)[2].strip())
            name, words = _last_line(text)
            return _exception(function, name, words, text)
        why = error.__cause__ if error.__cause__ is not None else error
        missing = re.search(r"No module named '([^']+)'", f"{why} {message}")
        text = _NOT_HERE.format(why=missing[1] if missing else " ".join(str(why).split()))
        return BridgeError("NOT_JSON", text, {"type": missing[1] if missing else "unknown"})
    if isinstance(error, sdk_exception.RemoteError):
        name, words = _last_line(message)
        return _exception(function, name, words, message)
    if isinstance(error, sdk_exception.Error | OSError):
        return None
    # An exception of the function whose traceback was lost on the way.
    return _exception(function, type_name(type(error)), str(error), "")


def _exception(function: str, name: str, message: str, text: str) -> BridgeError:
    words = f"{name}: {message}" if message else name
    return BridgeError("REMOTE_EXCEPTION", f"{function} raised {words}", {"type": name, "traceback": text})


def _last_line(text: str) -> tuple[str, str]:
    """Type and message from the end of a traceback, or from ValueError('text')."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    last = lines[-1].strip() if lines else ""
    short = re.fullmatch(r"([A-Za-z_][\w.]*)\((.*?),?\)", last)
    if short:
        return short[1], short[2].strip("'\"")
    named = re.match(r"([A-Za-z_][\w.]*)(?::\s*(.*))?$", last)
    return (named[1], named[2] or "") if named else ("RemoteError", last)
