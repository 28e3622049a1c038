"""The example projects on Local Modal: a src layout, requirements of every kind, and images that are built once."""

from __future__ import annotations

import shutil
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Project, deploy_params
from .driver import ROOT, Child

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS = ROOT.parents[2] / "test" / "fixtures" / "projects"
SERIES = [100.0, 120.0, 90.0, 130.0, 104.0, 125.0, 94.0, 136.0]


def copy_of(name: str, directory: Path) -> Project:
    shutil.copytree(PROJECTS / name, directory / name)
    return Project(directory / name)


def call(child: Child, app: str, function: str, value: Any) -> Any:
    params = {"app": app, "function": function, "hasInput": True, "input": value}
    return child.ask("call", params, patience=90)["value"]


def test_a_src_layout_runs(child: Child, tmp_path: Path) -> None:
    project = copy_of("forecast", tmp_path)
    options = {"requirements": "uv.lock", "extras": ["table"], "env": {"FORECAST_HORIZON": "2"}, "url": "public"}
    function = project.function("predict", "forecast.service.predict", **options)
    result = child.ask("deployApp", deploy_params("forecast", function), patience=90)
    deployed = result["functions"][0]
    assert (deployed["signature"]["root"], deployed["signature"]["file"]) == ("src", "src/forecast/service.py")
    # Local Modal installs nothing; it says what the image asks for.
    assert any("tabulate" in warning and "humanize" not in warning for warning in result["warnings"]), result[
        "warnings"
    ]
    values = call(child, "forecast", "predict", {"series": SERIES})["values"]
    assert list(values) == ["2025-09", "2025-10"]
    with urllib.request.urlopen(
        urllib.request.Request(
            deployed["url"], b'{"series": %s}' % str(SERIES).encode(), {"Content-Type": "application/json"}
        ),
        timeout=60,
    ) as reply:
        assert b'"2025-10"' in reply.read()


def test_a_module_at_the_top_wins_over_one_in_src(child: Child, project: Project) -> None:
    project.write("main.py", "import a, b\ndef handler(x): return [a.here, b.here, x]\n")
    project.write("a.py", "here = 'top'").write("src/a.py", "here = 'src'").write("src/b.py", "here = 'src'")
    project.write("src/odd.py", "from main import handler as inner\n\nhandler = inner\n")
    functions = [project.function("one"), project.function("two", "odd.handler")]
    child.ask("deployApp", deploy_params("both", *functions), patience=90)
    assert call(child, "both", "one", 1) == ["top", "src", 1]
    assert call(child, "both", "two", 2) == ["top", "src", 2]


@pytest.mark.parametrize(
    ("requirements", "extras", "asked"),
    [("pyproject.toml", ["words"], ["python-dateutil", "humanize"]), ("uv.lock", [], ["python-dateutil", "six"])],
)
def test_what_the_image_asks_for(
    child: Child, tmp_path: Path, requirements: str, extras: list[str], asked: list[str]
) -> None:
    project = copy_of("forecast", tmp_path)
    function = project.function("predict", "forecast.service.predict", requirements=requirements, extras=extras)
    app = f"asks-{requirements.replace('.', '-')}"
    warnings = " ".join(child.ask("deployApp", deploy_params(app, function), patience=90)["warnings"])
    for name in asked:
        assert name in warnings
    assert "tabulate" not in warnings


def test_extras_that_do_not_exist_stop_a_deploy(child: Child, tmp_path: Path) -> None:
    project = copy_of("forecast", tmp_path)
    function = project.function("predict", "forecast.service.predict", requirements="uv.lock", extras=["tabel"])
    error = child.error("deployApp", deploy_params("no-extra", function))
    assert (error["code"], "Did you mean table?" in error["message"]) == ("INVALID", True)
