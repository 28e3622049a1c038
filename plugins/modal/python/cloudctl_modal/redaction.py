"""Keeps the secrets that came over fd 3 out of everything that leaves this process."""

from __future__ import annotations

import json

MASK = "[redacted]"
_SHORTEST = 8  # Shorter values ("1", "main") are no secrets and would maim ordinary text.
_SECRET_WORDS = ("TOKEN", "SECRET", "PASSWORD", "KEY", "HEADERS", "CREDENTIAL")


class Redactor:
    """Replaces exact secret values in text and bytes."""

    def __init__(self) -> None:
        self._values: list[str] = []
        self._encoded: list[bytes] = []

    def learn(self, environment: dict[str, str]) -> None:
        """Remember the values of variables whose names speak of secrets.

        Names such as MODAL_ENVIRONMENT or MODAL_SERVER_URL carry values that a message may well need to show.
        """
        for name, value in environment.items():
            if len(value) < _SHORTEST or not any(word in name.upper() for word in _SECRET_WORDS):
                continue
            # A value with quotes or non-ASCII letters looks different inside JSON.
            for form in {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}:
                if form not in self._values:
                    self._values.append(form)
        self._values.sort(key=len, reverse=True)
        self._encoded = [value.encode() for value in self._values]

    @property
    def longest(self) -> int:
        """Length in bytes of the longest secret; 0 when there is none."""
        return max((len(value) for value in self._encoded), default=0)

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        for value in self._values:
            if value in text:
                text = text.replace(value, MASK)
        return text

    def data(self, data: bytes) -> bytes:
        """``data`` without the secrets."""
        for value in self._encoded:
            if value in data:
                data = data.replace(value, MASK.encode())
        return data
