"""Typed reading of JSON that came from outside. Every function raises ``MisfitError``, which names the place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cloudctl_modal.errors import Json

T = TypeVar("T")


class MisfitError(Exception):
    """The JSON has not the promised form."""

    def __init__(self, where: str, expected: str) -> None:
        super().__init__(f"{where or 'params'}: {expected}")


class NameMisfitError(MisfitError):
    """A name that Modal would reject: the user's slip, and no bug of the parent."""


def _step(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


class Fields:
    """An object whose fields are read one by one; ``end`` refuses those that nobody asked for.

    An absent field and null are the same.
    """

    def __init__(self, value: Json, where: str = "") -> None:
        if not isinstance(value, dict):
            raise MisfitError(where, "must be an object")
        self._value: Mapping[str, Json] = value
        self._where = where
        self._seen: set[str] = set()

    def has(self, key: str) -> bool:
        self._seen.add(key)
        return self._value.get(key) is not None

    def raw(self, key: str) -> Json:
        """Any JSON, null when absent."""
        self._seen.add(key)
        return self._value.get(key)

    def required(self, key: str, read: Callable[[Json, str], T]) -> T:
        where = _step(self._where, key)
        value = self.raw(key)
        if value is None:
            raise MisfitError(where, "is missing")
        return read(value, where)

    def optional(self, key: str, read: Callable[[Json, str], T]) -> T | None:
        value = self.raw(key)
        return None if value is None else read(value, _step(self._where, key))

    def end(self) -> None:
        unknown = sorted(set(self._value) - self._seen)
        if unknown:
            raise MisfitError(_step(self._where, unknown[0]), "is not a field that this method knows")


def text(value: Json, where: str) -> str:
    if not isinstance(value, str):
        raise MisfitError(where, "must be text")
    return value


def filled(value: Json, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise MisfitError(where, "must be text that is not empty")
    return value


def matching(pattern: str, expected: str) -> Callable[[Json, str], str]:
    """A reader of text that matches the whole ``pattern``."""
    compiled = re.compile(pattern)

    def read(value: Json, where: str) -> str:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            raise MisfitError(where, expected)
        return value

    return read


def limited(longest: int) -> Callable[[Json, str], str]:
    """A reader of text of 1 to ``longest`` characters."""

    def read(value: Json, where: str) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise MisfitError(where, f"must be text of 1 to {longest} characters")
        return value

    return read


def boolean(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise MisfitError(where, "must be true or false")
    return value


def integer(least: int) -> Callable[[Json, str], int]:
    """A reader of a whole number of at least ``least``."""

    def read(value: Json, where: str) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise MisfitError(where, f"must be a whole number of at least {least}")
        return value

    return read


def positive(value: Json, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise MisfitError(where, "must be a number above 0")
    return float(value)


def listing(read: Callable[[Json, str], T]) -> Callable[[Json, str], list[T]]:
    """A reader of a list of what ``read`` reads."""

    def read_all(value: Json, where: str) -> list[T]:
        if not isinstance(value, list):
            raise MisfitError(where, "must be a list")
        return [read(item, f"{where}[{index}]") for index, item in enumerate(value)]

    return read_all


def choice(*allowed: str) -> Callable[[Json, str], str]:
    """A reader of one of the ``allowed`` texts."""

    def read(value: Json, where: str) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise MisfitError(where, f"must be one of {', '.join(allowed)}")
        return value

    return read
