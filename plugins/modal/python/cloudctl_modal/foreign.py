"""The refusal of a deploy that would drop or overwrite what CloudCTL does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudctl_modal.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cloudctl_modal.origin import Origin


def foreign_functions(
    app: str, dropped: Sequence[str], overwritten: Sequence[str], published: Origin, reasons: Mapping[str, str]
) -> BridgeError:
    """FOREIGN_FUNCTIONS. ``published`` as ours: CloudCTL was interrupted before it could record them.

    ``reasons`` say of a function why its record or its package cannot be used.
    """
    parts: list[str] = []
    if dropped:
        names = ", ".join(dropped)
        known = [name for name in dropped if name in reasons]
        if known:
            why = " ".join(f"{name}: {reasons[name].rstrip('.')}." for name in known)
            parts.append(f"The app {app} has functions that CloudCTL cannot deploy again: {names}. {why}")
        elif published.ours:
            parts.append(
                f"The app {app} has functions that CloudCTL published but did not record: {names}. "
                "Its deploy was interrupted; run that deploy again first."
            )
        else:
            parts.append(f"The app {app} has functions that CloudCTL did not deploy: {names}.")
        parts.append("Modal replaces the whole app at every deploy, so they would be dropped.")
    if overwritten:
        names = ", ".join(overwritten)
        many = len(overwritten) > 1
        parts.append(
            f"The app {app} has {'functions' if many else 'a function'} of the same name that CloudCTL did not deploy: "
            f"{names}. {'They' if many else 'It'} would be overwritten."
        )
    if published.unknown is not None:
        parts.append(f"Modal's history, which would tell whether CloudCTL did, cannot be read: {published.unknown}")
    return BridgeError("FOREIGN_FUNCTIONS", " ".join(parts), {"functions": [*dropped], "overwritten": [*overwritten]})
