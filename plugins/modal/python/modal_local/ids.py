"""Object ids as Modal writes them: a prefix, a dash and 22 letters or digits."""

from __future__ import annotations

import hashlib
import secrets
import string

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH = 22


def new_id(prefix: str) -> str:
    """Return a fresh random id, for example ``fu-0aB...``."""
    return f"{prefix}-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def content_id(prefix: str, content: bytes) -> str:
    """Return the id that belongs to ``content``: equal content, equal id."""
    number = int.from_bytes(hashlib.sha256(content).digest(), "big")
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return f"{prefix}-" + "".join(digits)
