"""Schedules as text: five cron fields, or a period such as `every 5m`, `1h`, `1d`."""

from __future__ import annotations

import re

import modal

from cloudctl_modal.errors import BridgeError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def schedule(text: str | None) -> modal.Cron | modal.Period | None:
    """Modal's schedule. BridgeError INVALID for what is neither."""
    if text is None:
        return None
    period = re.fullmatch(r"(?:every\s+)?(\d+)\s*([smhd])", text.strip())
    if period:
        amount = int(period[1])
        if amount < 1:
            raise BridgeError("INVALID", f"The schedule {text!r} must be at least 1.")
        return modal.Period(**{_UNITS[period[2]]: amount})
    if len(text.split()) == 5:
        return modal.Cron(text.strip())
    message = f"The schedule {text!r} is neither five cron fields nor a period such as 'every 5m', '1h' or '1d'."
    raise BridgeError("INVALID", message)
