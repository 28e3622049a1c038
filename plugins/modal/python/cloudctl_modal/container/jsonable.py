"""JSON for what Python functions return."""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid


class NotJsonError(Exception):
    """A value has no JSON form; ``kind`` names its type."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def type_name(kind: type) -> str:
    """A class as people write it: ValueError, torch.Tensor."""
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "__main__") else f"{module}.{kind.__qualname__}"


def _plainer(value: object) -> object:
    """One step towards JSON for what the json module does not know. Raises NotJsonError."""
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, decimal.Decimal):
        return str(value)  # A float would change the digits.
    if isinstance(value, (datetime.date, datetime.time)):  # datetime is a date
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, (uuid.UUID, pathlib.PurePath)):
        return str(value)
    if not isinstance(value, (type, bytes, bytearray, memoryview)):
        # numpy and torch (tolist, item), pydantic (model_dump); called, not imported.
        for name in ("tolist", "item", "model_dump"):
            method = getattr(value, name, None)
            if callable(method):
                try:
                    plain: object = method()
                except Exception:  # noqa: BLE001 - any failure means that this is not the way
                    continue
                if type(plain) is not type(value):
                    return plain
        if isinstance(value, collections.abc.Mapping):
            return dict(value)
        if isinstance(value, (collections.abc.Set, collections.abc.Sequence, collections.deque)):
            return list(value)
    name = type_name(type(value))
    raise NotJsonError(name, f"a value of type {name} has no JSON form")


def _plain_keys(value: object) -> object:
    """The same value with keys that json takes, all the way down."""
    if isinstance(value, dict):
        return {_key(key): _plain_keys(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_keys(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return _plain_keys(_plainer(value))


def _key(key: object) -> object:
    if key is None or isinstance(key, (str, int, float)):
        return key
    plain = _plainer(key)
    if plain is None or isinstance(plain, (str, int, float)):
        return plain
    name = type_name(type(key))
    raise NotJsonError(name, f"a key of type {name} has no JSON form")


def encode_json(value: object) -> str:
    """``value`` as JSON text. Raises NotJsonError."""
    try:
        try:
            return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_plainer)
        except TypeError:  # A key that is no text; the fast way cannot mend it.
            return json.dumps(_plain_keys(value), ensure_ascii=False, allow_nan=False)
    except NotJsonError:
        raise
    except RecursionError:
        raise NotJsonError(type_name(type(value)), "the value is nested too deeply, or contains itself") from None
    except ValueError as error:
        if "ircular" in str(error):
            raise NotJsonError(type_name(type(value)), "the value contains itself") from None
        raise NotJsonError("float", "the value holds a number that is not finite (nan or infinity)") from None
