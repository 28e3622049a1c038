"""A child that is killed in the middle of a deploy: the next one goes through, or says exactly why not."""

from __future__ import annotations

import contextlib
import queue
import time
from typing import TYPE_CHECKING

import pytest

from .conftest import Server, deploy_params
from .driver import Child, Message
from .stock import call, layout, project_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The moments of a deploy: the first notification of a stage, or its last.
MOMENTS = [
    ("connect", "running"),
    ("upload", "running"),
    ("image", "running"),
    ("function", "done"),
    ("publish", "running"),
    ("publish", "done"),
    ("record", "running"),
    ("record", "done"),
]


def kill_when(server: Server, params: Message, wanted: Callable[[Message], bool]) -> None:
    """Deploy, and kill the child with SIGKILL at the first notification that is ``wanted``."""
    child = Child(server.credentials)
    with contextlib.ExitStack() as stack:
        stack.callback(child.process.wait, 10)
        stack.callback(child.process.kill)
        child.start("deployApp", params)
        end = time.monotonic() + 30
        while not any(map(wanted, child._of("progress"))):
            assert time.monotonic() < end and child.process.poll() is None, child.noise
            with contextlib.suppress(queue.Empty):
                message = child._queue(child.last).get(timeout=0.001)
                assert "result" in message, message
                break  # It was faster: killed after the reply.


def at(stage: str, state: str) -> Callable[[Message], bool]:
    return lambda note: (note["stage"], note["state"]) == (stage, state)


@pytest.mark.parametrize(("stage", "state"), MOMENTS)
def test_the_next_deploy_of_the_same_goes_through(server: Server, tmp_path: Path, stage: str, state: str) -> None:
    app = f"killed-first-{stage}-{state}"
    project = project_of(tmp_path, "p", "whole")
    kill_when(server, deploy_params(app, project.function("one")), at(stage, state))
    with Child(server.credentials) as child:
        # The parent's ledger has nothing of it either.
        result = child.ask("deployApp", deploy_params(app, project.function("one")))
        assert call(child, app, "one") == "whole"
        assert layout(child, app) == {"one": True}
        (seen,) = child.ask("observe", {"apps": [app]})["apps"]
        assert seen["ours"] is True and seen["version"] == result["version"]


@pytest.mark.parametrize(("stage", "state"), [("function", "done"), ("publish", "done"), ("record", "running")])
def test_a_neighbour_is_kept_or_the_reason_is_told(server: Server, tmp_path: Path, stage: str, state: str) -> None:
    """One function lives, the deploy of a second is killed, a third is deployed."""
    app = f"killed-second-{stage}-{state}"
    one, two, three = (project_of(tmp_path, name, name) for name in ("one", "two", "three"))
    with Child(server.credentials) as child:
        child.ask("deployApp", deploy_params(app, one.function("one")))
    kill_when(server, deploy_params(app, two.function("two")), at(stage, state))
    with Child(server.credentials) as child:
        before = layout(child, app)
        assert before in ({"one": True}, {"one": True, "two": True}, {"one": True, "two": False})
        seen = child.ask("observe", {"apps": [app]})["apps"][0]
        assert bool(seen["unrecorded"]) == (before.get("two") is False)
        reply = child.reply(child.start("deployApp", deploy_params(app, three.function("three"))))
        if before.get("two") is False:
            assert reply["error"]["code"] == "FOREIGN_FUNCTIONS"
            assert reply["error"]["data"] == {"functions": ["two"], "overwritten": []}
            assert "published but did not record: two" in reply["error"]["message"]
            child.ask("deployApp", deploy_params(app, two.function("two")))  # As it says.
            reply = child.reply(child.start("deployApp", deploy_params(app, three.function("three"))))
        after = {**before, "two": True} if "two" in before else before
        assert "result" in reply, reply
        assert layout(child, app) == {**after, "three": True}
        assert [call(child, app, name) for name in after] == [*after]


def test_an_update_that_was_not_recorded_is_told(server: Server, tmp_path: Path) -> None:
    """The records have the old code, the new one lives: nobody may take it for what the records say."""
    old, new, two = (project_of(tmp_path, name, name) for name in ("old", "new", "two"))
    app = "killed-update"
    with Child(server.credentials) as child:
        first = child.ask("deployApp", deploy_params(app, old.function("one")))
    update = deploy_params(app, new.function("one"), known=("one",))
    kill_when(server, update, at("publish", "done"))
    known = {"app": app, "appId": first["appId"], "version": 1, "functions": ["one"]}
    with Child(server.credentials) as child:
        (seen,) = child.ask("observe", {"apps": [app], "known": [known]})["apps"]
        # The reply may still have come before the kill.
        assert (seen["version"], seen["ours"]) in ((2, False), (2, True))
        assert bool(seen["unrecorded"]) != seen["ours"]
        digest = seen["managed"][0]["digest"]
        assert digest == (new.digest if seen["ours"] else old.digest)
        # A neighbour goes by what the records have, and all agree again.
        child.ask("deployApp", deploy_params(app, two.function("two")))
        (seen,) = child.ask("observe", {"apps": [app]})["apps"]
        assert seen["ours"] is True
        assert {entry["name"]: entry["digest"] for entry in seen["managed"]} == {"one": digest, "two": two.digest}
        assert call(child, app, "one") == ("old" if digest == old.digest else "new")
