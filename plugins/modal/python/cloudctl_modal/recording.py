"""What a deploy leaves beside the deployment: the packages before the publish, the records after it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from cloudctl_modal import times
from cloudctl_modal.records import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from cloudctl_modal.build import Built
    from cloudctl_modal.context import RequestContext
    from cloudctl_modal.params import DeployParams
    from cloudctl_modal.protocol import Function
    from cloudctl_modal.surroundings import Found

_YOUNG = 600.0  # Seconds; deploys of one app that overlap are over by then.


async def keep_packages(functions: Iterable[Function], found: Found, scratch: str, context: RequestContext) -> None:
    """Keep each package, so that a record never names one that is not there."""
    if found.packages is None:
        return
    path = found.packages.path
    # One that no record names may be collected by another machine at any moment: it is put again, and so is young.
    safe = {path(record.function.package.digest) for record in found.known.values()}
    safe &= {path(digest) for digest in found.kept}
    new = {
        function.package.digest: function.package.directory
        for function in functions
        if path(function.package.digest) not in safe
    }
    if not new:
        return
    try:
        context.progress("upload", "running", "Keeping the code beside the deployment")
        await found.packages.put(new, scratch)
    except Exception as error:  # noqa: BLE001 - the code is a help; a deploy works without
        found.without_records(context, error)


def records_of(
    built: Sequence[Built],
    params: DeployParams,
    known: Mapping[str, Record],
    deployed_at: str,
    version: int | None,
    dropped: Collection[str],
) -> list[Record]:
    """The record of each function as it lives now; one that was only published again keeps what its record says.

    What was ``dropped`` and is brought back bears our version too: whoever drops our publish must find it by that.
    """
    records: list[Record] = []
    for item in built:
        number = item.handle.object_id
        old = known.get(item.function.name)
        if (
            old is not None
            and item.function.name not in params.targets
            and old.function.to_json() == item.function.to_json()
        ):
            # In an app of that name which is a new one, the versions of the old one mean nothing.
            stays = old.function_id == number and item.function.name not in dropped
            since = old.app_version if stays else version
            records.append(Record(old.function, item.signature, old.deployed_at, number, old.client, since))
        else:
            records.append(Record(item.function, item.signature, deployed_at, number, params.client, version))
    return records


def without_young(stale: Iterable[str], known: Mapping[str, Record], now: float | None) -> list[str]:
    """Those of the ``stale`` records that nobody needs: whoever dropped a young one unawares will bring it back.

    ``now`` is Modal's clock, in seconds since 1970; records are kept where it is not known.
    """
    if now is None:
        return []
    since = times.from_seconds(now - _YOUNG)
    return [name for name in stale if name not in known or times.is_later(since, known[name].deployed_at)]


async def record(
    app: str, records: Sequence[Record], stale: Collection[str], found: Found, context: RequestContext
) -> None:
    """Write the records that say something new; remove the ``stale`` ones."""
    if found.records is None:
        return
    context.progress("record", "running", "Recording the deployment")

    def is_new(entry: Record) -> bool:
        old = found.known.get(entry.function.name)
        return old is None or old.to_json() != entry.to_json()

    try:
        await found.records.put_records(app, filter(is_new, records))
        await found.records.remove_records(app, stale)
    except Exception as error:  # noqa: BLE001 - as above
        found.without_records(context, error)
        context.progress("record", "done", "The deployment could not be recorded")
    else:
        context.progress("record", "done", "The deployment is recorded")


async def collect(records: Sequence[Record], found: Found, now: float | None) -> None:
    """Remove packages of the app that nothing needs; where a record cannot be read, it may need any of them.

    ``now`` is Modal's clock, in seconds since 1970.
    """
    if found.packages is None or found.broken or now is None:
        return
    used = [entry.function.package.digest for entry in records]
    with contextlib.suppress(Exception):  # The next deploy tries again.
        await found.packages.collect(found.kept, used, now)
