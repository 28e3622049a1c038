"""Who published what lives in an app: CloudCTL, another tool, or a rollback."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cloudctl_modal import sdk_apps, sdk_errors
from cloudctl_modal.session import server

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import modal

    from cloudctl_modal.records import Record

DEPLOY_TAG = "cloudctl"
"""Marks, in an app's history, the versions that CloudCTL published; what follows after a dash tells publishes apart."""


def new_tag() -> str:
    """The tag of one publish."""
    return f"{DEPLOY_TAG}-{secrets.token_hex(6)}"


@dataclass(frozen=True)
class Origin:
    """Of an app's live version.

    ``client`` is the version of Modal's SDK that published it. ``unrecorded``: CloudCTL published it, but was
    interrupted before it could record it. ``unknown`` says why Modal's history could not tell, in its own words.
    """

    ours: bool
    client: str | None = None
    rolled_back_to: int | None = None
    unknown: str | None = None
    unrecorded: bool = False

    def without_record(self) -> Origin:
        """The same, where no record has this version: what lives may be newer than the records."""
        return replace(self, ours=False, unrecorded=self.ours)


async def published_as(client: modal.Client, app_id: str, version: int | None) -> Origin:
    """What the app's history says of a version.

    A refusal (the plan does not have it, the server does not serve it) is an Origin that is ``unknown``.
    """
    try:
        history = await sdk_apps.app_history(client, app_id)
    except Exception as error:
        translated = sdk_errors.translate(error, server())
        if translated is None or translated.code in ("UNREACHABLE", "AUTH"):
            raise
        return Origin(ours=False, unknown=translated.message)
    entry = next((entry for entry in history if entry.version == version), None)
    if entry is None:
        return Origin(ours=False, unknown=f"It has no version {version}.")
    return Origin(
        ours=_is_ours(entry),
        client=entry.client or None,
        rolled_back_to=entry.rolled_back_to,
    )


@dataclass(frozen=True)
class Turn:
    """Our own publish among others. ``version`` is the one that it made; None where Modal does not tell.

    Of the versions that were published between our look at the app and our publish, which has dropped what they
    brought: those that are CloudCTL's (``overtaken``), and whether there are any of others (``foreign``).
    """

    version: int | None
    overtaken: frozenset[int] = frozenset()
    foreign: bool = False


async def turn_of(client: modal.Client, app_id: str, tag: str, before: int | None, now: int | None) -> Turn:
    """Find our publish, by its tag, between version ``before`` it and the version ``now``."""
    if before is None or now is None or now - before <= 1:  # Modal may skip a publish that changes nothing.
        return Turn(now)
    try:
        history = await sdk_apps.app_history(client, app_id)
    except Exception:  # noqa: BLE001 - the versions alone tell that somebody was there
        return Turn(None, foreign=True)
    mine = next((entry.version for entry in history if entry.tag == tag), None)
    between = [entry for entry in history if before < entry.version < (now + 1 if mine is None else mine)]
    overtaken = frozenset(entry.version for entry in between if _is_ours(entry))
    return Turn(mine, overtaken, foreign=len(overtaken) < len(between))


def _is_ours(entry: sdk_apps.Publish) -> bool:
    return (entry.tag + "-").startswith(f"{DEPLOY_TAG}-") and entry.rolled_back_to is None


def is_recorded(version: int | None, live: Sequence[sdk_apps.LiveFunction], records: Mapping[str, Record]) -> bool:
    """Whether CloudCTL's records say that it published this version.

    Every deploy writes the version into its target's record. The function's id tells apps of the same name apart, as a
    new one counts its versions from the start.
    """
    if version is None:
        return False
    ids = {function.name: function.id for function in live}
    return any(
        record.app_version == version and ids.get(name) == record.function_id for name, record in records.items()
    )
