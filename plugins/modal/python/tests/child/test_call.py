"""`call`: values, items and exceptions of functions that really run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Project, deploy_params

if TYPE_CHECKING:
    from .driver import Child, Message

SOURCE = """
import asyncio, dataclasses, datetime, decimal, sys, time
from functools import partial

def handler(x, y=1):
    return {"sum": x + y}

async def later(name="you"):
    await asyncio.sleep(0.01)
    return "hello " + name

def numbers(n=3):
    for i in range(n):
        yield {"i": i}
        time.sleep(0.3)

async def anumbers(n=3):
    for i in range(n):
        yield i

def keywords(**kwargs):
    return kwargs

def nothing():
    return None

def plain():
    return [decimal.Decimal("1.10"), datetime.date(2026, 1, 2), {1, 1}]

class Custom(Exception):
    pass

def custom(x="a"):
    raise Custom("bad " + x)

def builtin():
    return {}["missing"]

def leaves():
    sys.exit(3)

def midway():
    yield 1
    raise ValueError("midway")

@dataclasses.dataclass
class Point:
    x: int

def point():
    return Point(1)

def data():
    return b"bytes"

def sleeps():
    time.sleep(30)

partially = partial(handler, 10)

class Callable:
    async def __call__(self, x):
        return [x]

instance = Callable()

def _inner():
    yield 1
    yield 2

makes = lambda: _inner()
made = makes
"""
NAMES = [
    "handler",
    "later",
    "numbers",
    "anumbers",
    "keywords",
    "nothing",
    "plain",
    "custom",
    "builtin",
    "leaves",
    "midway",
    "point",
    "data",
    "partially",
    "instance",
    "made",
]
APP = "calls"


@pytest.fixture(scope="module")
def deployed(shared: Child, tmp_path_factory: pytest.TempPathFactory) -> Child:
    """A child whose app has all the functions."""
    project = (
        Project(tmp_path_factory.mktemp("calls"))
        .write("main.py", SOURCE)
        .write("broken.py", "import no_such_module\ndef handler(): pass\n")
    )
    functions = [project.function(name, handler=f"main.{name}") for name in NAMES]
    functions.append(project.function("sleeps", handler="main.sleeps", timeout=1))
    functions.append(project.function("long", handler="main.sleeps"))
    functions.append(project.function("broken", handler="broken.handler"))
    shared.ask("deployApp", deploy_params(APP, *functions))
    return shared


def _params(function: str, *values: Any, **more: Any) -> Message:
    given = {"hasInput": True, "input": values[0]} if values else {"hasInput": False}
    return {"app": APP, "function": function, **given, **more}


VALUES: list[tuple[str, list[Any], Any]] = [
    ("handler", [{"x": 3}], {"sum": 4}),
    ("handler", [{"x": 3, "y": 5}], {"sum": 8}),
    ("handler", [7], {"sum": 8}),
    ("later", [], "hello you"),
    ("later", [{"name": "me"}], "hello me"),
    ("keywords", [{"any": [1]}], {"any": [1]}),
    ("nothing", [], None),
    ("plain", [], ["1.10", "2026-01-02", [1]]),
    ("partially", [{"y": 5}], {"sum": 15}),
    ("instance", [{"x": 1}], [1]),
    ("made", [], [1, 2]),
]


@pytest.mark.parametrize(("function", "given", "expected"), VALUES)
def test_values(deployed: Child, function: str, given: list[Any], expected: Any) -> None:
    assert deployed.ask("call", _params(function, *given)) == {"value": expected}


def test_items_come_in_time(deployed: Child) -> None:
    deployed.ask("call", _params("numbers", {"n": 0}))  # Warm.
    number = deployed.start("call", _params("numbers", 3))
    seen: list[tuple[float, Any]] = []
    end = time.monotonic() + 20
    while len(seen) < 3 and time.monotonic() < end:
        items = deployed.notes("item", number)
        while len(seen) < len(items):
            seen.append((time.monotonic(), items[len(seen)]["value"]))
        time.sleep(0.01)
    assert deployed.reply(number)["result"] == {"value": None, "items": 3}
    assert [value for _, value in seen] == [{"i": 0}, {"i": 1}, {"i": 2}]
    assert seen[2][0] - seen[0][0] > 0.3


def test_async_generators_and_empty_ones(deployed: Child) -> None:
    assert deployed.ask("call", _params("anumbers")) == {"value": None, "items": 3}
    assert deployed.ask("call", _params("anumbers", {"n": 0})) == {"value": None, "items": 0}


EXCEPTIONS: list[tuple[str, str, str]] = [
    ("custom", "main.Custom", "bad a"),  # Its class does not exist here.
    ("builtin", "KeyError", "missing"),
    ("leaves", "SystemExit", "3"),
    ("midway", "ValueError", "midway"),
]


@pytest.mark.parametrize(("function", "kind", "words"), EXCEPTIONS)
def test_remote_exceptions(deployed: Child, function: str, kind: str, words: str) -> None:
    failure = deployed.error("call", _params(function))
    assert failure["code"] == "REMOTE_EXCEPTION"
    assert failure["data"]["type"] == kind
    assert words in failure["message"]
    trace = failure["data"]["traceback"]
    assert trace.startswith("Traceback (most recent call last):")
    assert f"in {function}" in trace and "main.py" in trace
    assert "_container_entrypoint" not in trace
    deployed.ask("whoami")  # Alive, whatever was raised.


def test_a_module_that_cannot_be_imported_in_the_container(deployed: Child) -> None:
    failure = deployed.error("call", _params("broken"))
    assert failure["code"] == "REMOTE_EXCEPTION"
    assert "no_such_module" in failure["message"]


def test_a_timeout(deployed: Child) -> None:
    assert deployed.error("call", _params("sleeps"))["code"] == "REMOTE_TIMEOUT"


def test_values_that_cannot_come_here(deployed: Child) -> None:
    failure = deployed.error("call", _params("point"))
    assert failure["code"] == "NOT_JSON"
    assert "call its URL" in failure["message"]
    failure = deployed.error("call", _params("data"))
    assert failure["code"] == "NOT_JSON"
    assert failure["data"] == {"type": "bytes"}


@pytest.mark.parametrize(
    ("function", "given", "words"),
    [
        ("handler", [], "missing: x"),
        ("handler", [{"y": 1}], "missing: x"),
        ("nothing", [{"a": 1}], "unexpected: a"),
        ("nothing", [1], "unexpected"),
    ],
)
def test_input_that_does_not_fit(deployed: Child, function: str, given: list[Any], words: str) -> None:
    failure = deployed.error("call", _params(function, *given))
    assert failure["code"] == "BAD_INPUT"
    assert words in failure["message"]


def test_a_given_signature_wins_over_the_record(deployed: Child) -> None:
    signature = {
        "module": "main",
        "attribute": "handler",
        "file": "main.py",
        "line": 1,
        "kind": "sync",
        "parameters": [{"name": "x", "kind": "positional", "required": False}],
    }
    failure = deployed.error("call", _params("handler", {"x": 1, "y": 2}, signature=signature))
    # By that signature y is no parameter, so the object is the first argument, which the function cannot add to.
    assert failure["code"] == "REMOTE_EXCEPTION"
    assert failure["data"]["type"] == "TypeError"


def test_what_is_not_there(deployed: Child) -> None:
    failure = deployed.error("call", _params("nobody"))
    assert failure["code"] == "NOT_FOUND"
    assert failure["data"] == {"kind": "function", "name": "nobody"}
    failure = deployed.error("call", {**_params("nobody"), "app": "nowhere"})
    assert failure["code"] == "NOT_FOUND"
    assert failure["data"] == {"kind": "app", "name": "nowhere"}


def test_a_running_call_can_be_cancelled(deployed: Child) -> None:
    number = deployed.start("call", _params("long"))
    time.sleep(1.5)
    before = time.monotonic()
    deployed.cancel(number)
    assert deployed.reply(number)["error"]["code"] == "CANCELLED"
    assert time.monotonic() - before < 0.5
