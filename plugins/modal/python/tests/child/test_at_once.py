"""Several machines deploy into one app at the same time. Modal keeps the last publish alone; all must be there."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from .conftest import Server, deploy_params, warnings_of
from .driver import Child
from .stock import call, layout, project_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("first", [True, False], ids=["a new app", "an app that lives"])
def test_four_machines(server: Server, tmp_path: Path, first: bool) -> None:
    app = f"at-once-{first}".lower()
    names = ["a", "b", "c", "d"]
    functions = [project_of(tmp_path, name, name).function(name) for name in names]
    with contextlib.ExitStack() as stack:
        machines = [stack.enter_context(Child(server.credentials)) for _ in names]
        expected = dict.fromkeys(names, True)
        if not first:
            machines[0].ask("deployApp", deploy_params(app, project_of(tmp_path, "e", "e").function("e")))
            expected["e"] = True
        for machine in machines:
            machine.ask("whoami")  # All are ready, so that they meet.
        started = [
            machine.start("deployApp", deploy_params(app, function))
            for machine, function in zip(machines, functions, strict=True)
        ]
        replies = [machine.reply(number, 100) for machine, number in zip(machines, started, strict=True)]
        assert [reply.get("error") for reply in replies] == [None] * len(names)
        warned = [warnings_of(reply["result"]) for reply in replies]
        assert layout(machines[0], app) == expected, warned
        assert [call(machines[0], app, name) for name in expected] == [*expected]
        (seen,) = machines[0].ask("observe", {"apps": [app]})["apps"]
        assert seen["ours"] is True
