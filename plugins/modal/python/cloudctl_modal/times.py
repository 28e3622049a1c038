"""Times as the protocol writes them: ISO 8601 in UTC with Z."""

from __future__ import annotations

from datetime import datetime, timezone


def from_seconds(seconds: float) -> str:
    """A time given in seconds since 1970."""
    text = datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def now() -> str:
    """This moment."""
    return from_seconds(datetime.now(timezone.utc).timestamp())


def is_later(one: str, other: str) -> bool:
    """Whether ``one`` is after ``other``; what cannot be read is never later."""
    try:
        return _parse(one) > _parse(other)
    except ValueError:
        return False


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
