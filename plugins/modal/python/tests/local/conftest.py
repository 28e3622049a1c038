"""One server for all tests that do not break it, and a factory for the others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.local.harness import LocalServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def sample_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("samples")
    os.environ["SAMPLE_DIRECTORY"] = str(directory)
    # Files that were written a moment ago would count as changed during the build.
    os.environ["MODAL_BUILD_VALIDATION"] = "ignore"
    return directory


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    running = LocalServer(tmp_path_factory.mktemp("local") / "state").start()
    yield running
    running.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., LocalServer]]:
    """Make servers that a test may stop and kill as it likes."""
    made: list[LocalServer] = []

    def make(environment: dict[str, str] | None = None) -> LocalServer:
        made.append(LocalServer(tmp_path / f"state-{len(made)}", environment))
        return made[-1].start()

    yield make
    for one in made:
        one.kill()
