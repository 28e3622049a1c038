"""Which functions a deploy has to send, given what is live: Modal replaces the whole app at every publish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cloudctl_modal import times
from cloudctl_modal.protocol import HTTP_SUFFIX, Function

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from cloudctl_modal.records import Record
    from cloudctl_modal.sdk_apps import LiveFunction


@dataclass(frozen=True)
class DeployPlan:
    """``functions`` in the order of deployment; ``carried`` are names whose Function comes from a record.

    Nobody on CloudCTL's side knows those that are ``foreign``, which a publish would drop, and ``overwritten``, which
    have the name of a target.
    """

    functions: tuple[Function, ...]
    carried: frozenset[str]
    foreign: tuple[str, ...]
    overwritten: tuple[str, ...]
    stale: tuple[str, ...]  # Records of functions that are live no more, and will not be.


def without_companions(live: Sequence[LiveFunction]) -> list[tuple[LiveFunction, LiveFunction | None]]:
    """Each function with its HTTP companion."""
    by_name = {function.name: function for function in live}
    return [
        (function, by_name.get(function.name + HTTP_SUFFIX))
        for function in live
        if not (function.name.endswith(HTTP_SUFFIX) and function.name.removesuffix(HTTP_SUFFIX) in by_name)
    ]


def _same(one: Function, other: Function) -> bool:
    """Whether deploying the one would make what deploying the other makes."""
    return one.to_json() == other.to_json()


def _record_wins(given: Function, record: Record) -> bool:
    """Whether someone deployed this function after the parent's ledger last saw it.

    Without a time of its own, what the parent has of a function that it does not mean to change is older by definition.
    """
    if _same(given, record.function):
        return False
    return given.deployed_at is None or times.is_later(record.deployed_at, given.deployed_at)


def plan_deploy(
    given: Sequence[Function],
    targets: Collection[str],
    known: Collection[str],
    live: Sequence[LiveFunction],
    records: Mapping[str, Record],
    broken: Collection[str],
    dropped: Collection[str] = (),
) -> DeployPlan:
    """Decide for every live function whether it is deployed as given, carried from its record, or nobody's.

    ``known`` are targets that the parent's ledger knows. A record that cannot be read (``broken``) still tells that
    CloudCTL deployed the function. Those that are ``dropped`` live no more, but are to live again.
    """
    functions = {function.name: function for function in given}
    carried: set[str] = set()
    foreign: list[str] = []
    overwritten: list[str] = []
    for function, _ in without_companions(live):
        name = function.name
        record = records.get(name)
        mine = functions.get(name)
        if mine is None and record is None:
            foreign.append(name)
        elif record is not None and (mine is None or (name not in targets and _record_wins(mine, record))):
            functions[name] = record.function
            carried.add(name)
        elif record is None and name in targets and name not in known and name not in broken:
            overwritten.append(name)
    for name in sorted({*dropped} & {*records} - {*functions}):
        functions[name] = records[name].function
        carried.add(name)
    # What a record needs may lie in a directory that the parent gave: nothing to download then.
    directories = {function.package.digest: function.package.directory for function in given}
    placed = {
        name: function.in_directory(function.package.directory or directories.get(function.package.digest, ""))
        for name, function in functions.items()
    }
    return DeployPlan(
        tuple(replace(function, deployed_at=None) for _, function in sorted(placed.items())),
        frozenset(carried),
        tuple(foreign),
        tuple(overwritten),
        tuple(sorted({*records, *broken} - {*placed})),
    )
