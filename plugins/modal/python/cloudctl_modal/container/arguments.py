"""How an input becomes the arguments of a handler: one rule for HTTP and for `call`."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class BadArgumentsError(Exception):
    """The input does not fit the handler's parameters; the message names those that are missing or unexpected."""


@dataclasses.dataclass(frozen=True)
class Slot:
    """A parameter: kind is positional, keyword, varPositional or varKeyword."""

    name: str
    kind: str
    required: bool


@dataclasses.dataclass(frozen=True)
class Arguments:
    args: tuple[object, ...]
    kwargs: dict[str, object]


_SLOT_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "varPositional",
    inspect.Parameter.VAR_KEYWORD: "varKeyword",
}
ANY_SLOTS = (Slot("args", "varPositional", False), Slot("kwargs", "varKeyword", False))


def slots_of(function: object) -> tuple[Slot, ...]:
    """The parameters of a live function; of one that does not tell, any."""
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ANY_SLOTS
    return tuple(
        Slot(
            parameter.name,
            _SLOT_KINDS[parameter.kind],
            parameter.default is parameter.empty and _SLOT_KINDS[parameter.kind] in ("positional", "keyword"),
        )
        for parameter in signature.parameters.values()
    )


def bind_input(slots: Sequence[Slot], has_input: bool, value: object, named: Mapping[str, object]) -> Arguments:
    """Arguments for an input, with further ``named`` ones (a query). Raises BadArgumentsError.

    An object whose keys are all parameters becomes keyword arguments (any object, where the handler has ``**kwargs``);
    any other value is the first argument.
    """
    if not has_input:
        return _bound(slots, (), dict(named))
    if isinstance(value, dict):
        merged = {**named, **value}
        known = {slot.name for slot in slots if slot.kind in ("positional", "keyword")}
        open_ended = any(slot.kind == "varKeyword" for slot in slots)
        if open_ended or set(merged) <= known:
            return _bound(slots, (), merged)
        unexpected = [key for key in value if key not in known]
        return _bound(slots, (value,), dict(named), unexpected)
    return _bound(slots, (value,), dict(named))


def _bound(
    slots: Sequence[Slot],
    first: tuple[object, ...],
    named: dict[str, object],
    strangers: Sequence[str] = (),
) -> Arguments:
    args = list(first)
    positional = [slot for slot in slots if slot.kind == "positional"]
    for slot in positional[len(args) :]:
        if slot.name not in named:
            break
        args.append(named.pop(slot.name))  # In place, so that positional-only parameters are served, too.
    taken = {slot.name for slot in positional[: len(args)]}
    left = {slot.name for slot in slots if slot.kind in ("positional", "keyword")} - taken
    open_ended = any(slot.kind == "varKeyword" for slot in slots)
    missing = [slot.name for slot in slots if slot.required and slot.name in left and slot.name not in named]
    unexpected = [name for name in named if name not in left and (name in taken or not open_ended)]
    extra = len(args) > len(positional) and not any(slot.kind == "varPositional" for slot in slots)
    if missing or unexpected or extra:
        raise BadArgumentsError(_complaint(slots, missing, unexpected or list(strangers), extra))
    return Arguments(tuple(args), named)


def _complaint(slots: Sequence[Slot], missing: Sequence[str], unexpected: Sequence[str], extra: bool) -> str:
    parts = []
    if missing:
        parts.append("missing: " + ", ".join(missing))
    if unexpected:
        parts.append("unexpected: " + ", ".join(unexpected))
    elif extra:
        parts.append("unexpected: a value, where the handler takes none by position")
    marks = {"varPositional": "*", "varKeyword": "**"}
    takes = ", ".join(marks.get(slot.kind, "") + slot.name + ("" if slot.required else "=") for slot in slots)
    takes = (
        takes.replace("args=", "args") if not any(slot.kind in ("positional", "keyword") for slot in slots) else takes
    )
    return f"the input does not fit the handler's parameters ({takes or 'none'}); " + "; ".join(parts)
