"""Calling functions: results, errors, generators, time-outs, crashes."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

import modal
import pytest
from modal.exception import FunctionTimeoutError, NotFoundError, RemoteError

from modal_local.runner.container import last_lines
from tests.local.harness import Fn, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.harness import LocalServer

APP = "calls"


@pytest.fixture(scope="module", autouse=True)
def app(server: LocalServer) -> None:
    volume = modal.Volume.from_name("calls-volume", create_if_missing=True, client=server.client)
    server.deploy(
        APP,
        {
            "double": Fn("basic:double"),
            "plus-one": Fn("basic:plus_one"),
            "count": Fn("basic:count"),
            "count-async": Fn("basic:count_async"),
            "fail-half-way": Fn("basic:fail_half_way"),
            "boom": Fn("basic:boom"),
            "sleep": Fn("basic:sleep", timeout=1, startup_timeout=30, max_containers=1),
            "sleep-one": Fn("basic:sleep", max_containers=1),
            "together": Fn(
                "basic:sleep_async",
                modal.concurrent(max_inputs=5),
                max_containers=1,
                timeout=3,
                startup_timeout=30,
            ),
            "batched": Fn("basic:double_all", modal.batched(max_batch_size=4, wait_ms=500), max_containers=1),
            "warm": Fn("basic:double", min_containers=1, scaledown_window=2),
            "short-lived": Fn("basic:double", scaledown_window=2),
            "stubborn": Fn("basic:stubborn", timeout=1, startup_timeout=30),
            "crash": Fn("basic:crash"),
            "size-of": Fn("basic:size_of"),
            "call-other": Fn("basic:call_other"),
            "fail-first": Fn("basic:fail_first", retries=modal.Retries(max_retries=3, initial_delay=0.0),
                             volumes={"/models": volume}),
            "broken": Fn("broken:handler"),
            "exits": Fn("exits:handler"),
            "vanished": Fn("vanished:handler"),
        },
    )  # fmt: skip


def function(server: LocalServer, name: str) -> Any:
    return server.function(APP, name)


def test_sync_async_and_warm_calls(server: LocalServer) -> None:
    double = function(server, "double")
    assert double.remote(21) == 42
    started = time.monotonic()
    assert double.remote("ab") == "abab"
    assert time.monotonic() - started < 0.5, "a warm call should not start a container"
    assert function(server, "plus-one").remote(1) == 2
    assert asyncio.run(_aio(double, 4)) == 8


async def _aio(target: Any, value: int) -> Any:
    return await target.remote.aio(value)


def test_generators(server: LocalServer) -> None:
    assert list(function(server, "count").remote_gen(4)) == [0, 1, 2, 3]
    assert list(function(server, "count-async").remote_gen(600)) == list(range(600))
    items: list[int] = []
    with pytest.raises(ValueError, match="half way"):
        items.extend(function(server, "fail-half-way").remote_gen(2))
    # The SDK listens to items and outcome at the same time: on a busy machine the failure may overtake an item.
    assert items == [0, 1][: len(items)]


def test_an_exception_keeps_its_type_and_remote_traceback(server: LocalServer) -> None:
    with pytest.raises(ValueError, match="no such luck") as caught:
        function(server, "boom").remote()
    text = "".join(traceback.format_exception(caught.value))
    assert "in boom" in text
    assert "/root/basic_" in text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("broken", "a_package_that_nobody_has"),
        ("vanished", "AttributeError"),
        ("exits", "on its way out(.|\n)*exit code 9"),
    ],
)
def test_a_failing_start_fails_the_call(server: LocalServer, name: str, expected: str) -> None:
    with pytest.raises(RemoteError, match=expected):
        function(server, name).remote()
    # And the next call is not stuck behind it either.
    with pytest.raises(RemoteError, match=expected):
        function(server, name).remote()


def test_a_failing_start_shows_the_end_of_stderr(server: LocalServer) -> None:
    elsewhere = modal.Secret.from_dict({"PYTHONHOME": "/nope"})
    hidden = modal.Volume.from_name("hides-python", create_if_missing=True, client=server.client)
    functions = {
        "no-home": Fn("basic:double", secrets=[elsewhere]),
        "no-python": Fn("basic:double", volumes={sys.base_prefix: hidden}),
        "exits": Fn("exits:handler"),
    }
    server.deploy("cannot-start", functions)
    said = {}
    for name in functions:
        with pytest.raises(RemoteError) as caught:
            server.function("cannot-start", name).remote()
        said[name] = str(caught.value)
        assert said[name].endswith("while it started.")
        assert said[name].count("while it started") == 1
        assert len(said[name]) < 2300
    assert "PYTHONHOME = '/nope'" in said["no-home"]
    assert ".\non its way out\n\nThe container of 'exits'" in said["exits"]
    assert "a line 99." in said["exits"]
    assert "a line 0." not in said["exits"]
    if '"isolation": "none"' not in server.control("GET", "/status")[1]:
        assert "could not set up the container" in said["no-python"]


def test_the_end_of_stderr_is_of_whole_lines() -> None:
    assert last_lines(b"one\ntwo\n", 100) == "one\ntwo"
    assert last_lines(b"one\ntwo\nthree\n", 8) == "...\nthree"
    assert last_lines(b"x" * 20, 8) == "...xxxxxxxx"
    assert last_lines(b"", 8) == ""


def test_a_crash_fails_the_call_and_the_next_container_works(server: LocalServer) -> None:
    with pytest.raises(RemoteError, match="exit code 7"):
        function(server, "crash").remote(7)
    with pytest.raises(RemoteError, match="exit code 8"):
        function(server, "crash").remote(8)


def test_time_out(server: LocalServer) -> None:
    sleep = function(server, "sleep")
    started = time.monotonic()
    with pytest.raises(FunctionTimeoutError, match="timeout of 1s"):
        sleep.remote(30)
    assert time.monotonic() - started < 5
    assert sleep.remote(0.01), "the function works again"


def test_time_out_of_a_function_that_ignores_it(server: LocalServer) -> None:
    with pytest.raises(FunctionTimeoutError):
        function(server, "stubborn").remote()
    pool = function(server, "stubborn")
    wait_until(lambda: pool.get_current_stats().num_total_runners == 0, 10, "the container to be killed")


def test_spawn_and_get(server: LocalServer) -> None:
    call = function(server, "double").spawn(5)
    assert call.get(timeout=10) == 10
    assert call.get(timeout=10) == 10
    again = modal.FunctionCall.from_id(call.object_id, client=server.client)
    assert again.get(timeout=10) == 10
    slow = function(server, "sleep-one").spawn(5)
    with pytest.raises(TimeoutError):
        slow.get(timeout=0)
    slow.cancel()
    with pytest.raises(RemoteError):
        slow.get(timeout=10)
    with pytest.raises(NotFoundError, match="forgets"):
        modal.FunctionCall.from_id("fc-0000000000000000000000", client=server.client).get(timeout=1)


def test_map(server: LocalServer) -> None:
    assert list(function(server, "double").map(range(30))) == [2 * x for x in range(30)]
    results = list(function(server, "boom").map([], return_exceptions=True))
    assert results == []


def test_retries(server: LocalServer) -> None:
    assert function(server, "fail-first").remote("/models/sync") == 2
    assert function(server, "fail-first").spawn("/models/spawned").get(timeout=20) == 2


def test_large_arguments_and_results(server: LocalServer) -> None:
    size, doubled = function(server, "size-of").remote(b"x" * 5_000_000)
    assert size == 5_000_000
    assert len(doubled) == 10_000_000


def test_a_container_calls_another_function_without_tokens(server: LocalServer) -> None:
    assert function(server, "call-other").remote(APP, "double", 8) == 16
    with pytest.raises(NotFoundError):
        function(server, "call-other").remote(APP, "nothing", 8)


def test_stats_and_one_input_at_a_time(server: LocalServer) -> None:
    sleep = function(server, "sleep-one")
    calls = [sleep.spawn(0.3) for _ in range(3)]
    wait_until(lambda: sleep.get_current_stats().num_running_inputs == 1, 10, "the first input to run")
    assert sleep.get_current_stats().backlog == 2
    assert len({call.get(timeout=10) for call in calls}) == 1
    assert sleep.get_current_stats().num_total_runners == 1


def test_concurrent_inputs_share_a_container(server: LocalServer) -> None:
    together = function(server, "together")
    together.remote(0.01)
    started = time.monotonic()
    assert list(together.map([1.0] * 5)) == ["slept"] * 5
    assert time.monotonic() - started < 3
    assert together.get_current_stats().num_total_runners == 1


def test_a_slow_input_does_not_take_its_neighbours_with_it(server: LocalServer) -> None:
    together = function(server, "together")
    slow, quick = together.spawn(30), together.spawn(2)
    with pytest.raises(FunctionTimeoutError):
        slow.get(timeout=15)
    assert quick.get(timeout=15) == "slept"


def test_batched_inputs(server: LocalServer) -> None:
    results = list(function(server, "batched").map(range(4)))
    assert [doubled for doubled, _ in results] == [0, 2, 4, 6]
    assert max(size for _, size in results) > 1


def test_warm_and_idle_containers(server: LocalServer) -> None:
    warm, short = function(server, "warm"), function(server, "short-lived")
    wait_until(lambda: warm.get_current_stats().num_total_runners == 1, 10, "a container nobody asked for")
    assert short.remote(1) == 2
    wait_until(lambda: short.get_current_stats().num_total_runners == 0, 10, "the idle container to end")
    assert warm.get_current_stats().num_total_runners == 1
    assert short.remote(1) == 2


def test_more_functions_than_containers(own_server: Callable[..., LocalServer]) -> None:
    server = own_server(environment={"MODAL_LOCAL_MAX_CONTAINERS": "2"})
    server.deploy("crowded", {f"f{number}": Fn("basic:double") for number in range(5)})
    started = time.monotonic()
    for number in range(5):
        assert server.function("crowded", f"f{number}").remote(number) == 2 * number
    assert time.monotonic() - started < 15, "idle containers make room"


def test_unknown_functions(server: LocalServer) -> None:
    with pytest.raises(NotFoundError, match="has no function 'nothing'"):
        function(server, "nothing").remote()
    with pytest.raises(NotFoundError, match="not found"):
        server.function("no-such-app", "nothing").remote()
