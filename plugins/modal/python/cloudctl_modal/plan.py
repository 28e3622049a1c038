"""Which functions a deploy has to send, given what is live: Modal replaces the whole app at every publish."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cloudctl_modal import times
from cloudctl_modal.protocol import HTTP_SUFFIX, Function

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cloudctl_modal.records import Record
    from cloudctl_modal.sdk import LiveFunction


@dataclass(frozen=True)
class DeployPlan:
    """``functions`` in the order of deployment; ``carried`` are names whose Function comes from a record."""

    functions: tuple[Function, ...]
    carried: frozenset[str]
    foreign: tuple[str, ...]
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
    given: Sequence[Function], target: str, live: Sequence[LiveFunction], records: Mapping[str, Record]
) -> DeployPlan:
    """Decide for every live function whether it is deployed as given, carried from its record, or foreign."""
    functions = {function.name: function for function in given}
    carried: set[str] = set()
    foreign: list[str] = []
    for function, _ in without_companions(live):
        record = records.get(function.name)
        mine = functions.get(function.name)
        if mine is None and record is None:
            foreign.append(function.name)
        elif record is not None and (mine is None or (function.name != target and _record_wins(mine, record))):
            functions[function.name] = record.function
            carried.add(function.name)
    # What a record needs may lie in a directory that the parent gave: nothing to download then.
    directories = {function.package.digest: function.package.directory for function in given}
    placed = {
        name: function.in_directory(function.package.directory or directories.get(function.package.digest, ""))
        for name, function in functions.items()
    }
    stale = tuple(sorted(set(records) - set(placed)))
    return DeployPlan(
        tuple(replace(function, deployed_at=None) for _, function in sorted(placed.items())),
        frozenset(carried),
        tuple(foreign),
        stale,
    )
