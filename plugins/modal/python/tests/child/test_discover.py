"""`discover`: handlers, requirements, extras and the Python of a project that nobody has described yet."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from cloudctl_modal.discover import discover
from cloudctl_modal.errors import BridgeError
from cloudctl_modal.params import DiscoverParams

from .driver import ROOT, Child
from .examining import Files, write

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS = ROOT.parents[2] / "test" / "fixtures" / "projects"


def look(directory: Path, *files: str) -> dict[str, Any]:
    return discover(DiscoverParams(str(directory), files))


def handlers(directory: Path, *files: str) -> list[str]:
    return [found["handler"] for found in look(directory, *files)["handlers"]]


HANDLERS: list[tuple[str, Files, list[str]]] = [
    ("none", {"a.py": "x = 1"}, []),
    ("no file at all", {}, []),
    (
        "main.handler first",
        {"app.py": "def handler(): ...", "main.py": "def run(): ...\ndef handler(): ..."},
        ["main.handler", "app.handler", "main.run"],
    ),
    (
        "usual names first",
        {"a.py": "def zero(): ...\ndef predict(): ...\ndef main(): ..."},
        ["a.main", "a.predict", "a.zero"],
    ),
    ("in the order of the file", {"a.py": "def z(): ...\ndef y(): ..."}, ["a.z", "a.y"]),
    ("helpers last", {"a.py": "def one(): ...", "b.py": "import a\ndef two(): ..."}, ["b.two", "a.one"]),
    ("public ones only", {"a.py": "def _run(): ...\ndef __x(): ...", "_b.py": "def run(): ..."}, []),
    ("no classes and no inner functions", {"a.py": "class A:\n  def run(self): ...\nif x:\n  def run(): ..."}, []),
    (
        "no tests and no tools",
        {
            "setup.py": "def run(): ...",
            "conftest.py": "def run(): ...",
            "test_a.py": "def run(): ...",
            "a_test.py": "def run(): ...",
            "tests/a.py": "def run(): ...",
            "manage.py": "def main(): ...",
        },
        [],
    ),
    (
        "no environments",
        {"venv/a.py": "def run(): ...", ".venv/a.py": "def run(): ...", "node_modules/a.py": "def run(): ..."},
        [],
    ),
    ("no apps of Modal", {"a.py": "import modal\napp = modal.App()\ndef run(): ..."}, []),
    ("a package", {"pkg/__init__.py": "def handler(): ...\ndef other(): ..."}, ["pkg.handler"]),
    ("src layout", {"src/pkg/api.py": "def handler(): ..."}, ["pkg.api.handler"]),
    ("broken files are passed over", {"a.py": "def run(:", "b.py": "def run(): ...", "c.py": b"\xff"}, ["b.run"]),
    ("names that cannot be imported", {"my-script.py": "def run(): ...", "my dir/a.py": "def run(): ..."}, []),
]


@pytest.mark.parametrize(("files", "expected"), [case[1:] for case in HANDLERS], ids=[case[0] for case in HANDLERS])
def test_handlers(tmp_path: Path, files: Files, expected: list[str]) -> None:
    write(tmp_path, files)
    assert handlers(tmp_path) == expected
    if files:
        assert handlers(tmp_path, *files) == expected  # The parent names the files of the package.


def test_only_the_files_of_the_package(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": "def run(): ...", "b.py": "def run(): ...", "requirements.txt": ""})
    assert look(tmp_path, "b.py") == {
        "handlers": [{"handler": "b.run", "file": "b.py", "line": 1, "kind": "sync"}],
        "extras": [],
    }


def test_kinds_and_summaries(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": 'async def run():\n  """Does  it\n  all.\n\n  And more."""\ndef handler(): yield\n'})
    assert look(tmp_path)["handlers"] == [
        {"handler": "main.handler", "file": "main.py", "line": 6, "kind": "generator"},
        {"handler": "main.run", "file": "main.py", "line": 1, "kind": "async", "summary": "Does it all."},
    ]


def test_large_projects_name_the_usual_functions_only_and_ten_of_them(tmp_path: Path) -> None:
    write(tmp_path, {f"m{index:02}.py": "def run(): ...\ndef other(): ..." for index in range(14)})
    assert handlers(tmp_path) == [f"m{index:02}.run" for index in range(10)]


REQUIREMENTS: list[tuple[str, Files, str | None, list[str]]] = [
    ("none", {"main.py": ""}, None, []),
    ("a requirements file", {"requirements.txt": "", "uv.lock": "version = 1"}, "requirements.txt", []),
    (
        "a pyproject",
        {"pyproject.toml": "[project]\nname='a'\ndependencies=['b']\n[project.optional-dependencies]\nz=[]\ny=['c']"},
        "pyproject.toml",
        ["y", "z"],
    ),
    ("a pyproject for tools", {"pyproject.toml": "[tool.ruff]"}, None, []),
    ("a broken pyproject", {"pyproject.toml": "["}, None, []),
    ("in a folder", {"requirements/base.txt": "", "requirements/dev.txt": ""}, "requirements/base.txt", []),
]


@pytest.mark.parametrize(
    ("files", "expected", "extras"), [case[1:] for case in REQUIREMENTS], ids=[case[0] for case in REQUIREMENTS]
)
def test_requirements(tmp_path: Path, files: Files, expected: str | None, extras: list[str]) -> None:
    write(tmp_path, files)
    found = look(tmp_path)
    assert (found.get("requirements"), found["extras"]) == (expected, extras)


PYTHONS: list[tuple[str, Files, tuple[str | None, str | None]]] = [
    ("nothing said", {"main.py": ""}, (None, None)),
    (".python-version", {".python-version": "3.12\n", "runtime.txt": "python-3.13.1"}, ("3.12", ".python-version")),
    ("with a patch level", {".python-version": "# ours\n3.13.2\n"}, ("3.13", ".python-version")),
    ("runtime.txt", {"runtime.txt": "python-3.10.14"}, ("3.10", "runtime.txt")),
    ("requires-python", {"pyproject.toml": "[project]\nrequires-python='>=3.12,<4'"}, ("3.12", "pyproject.toml")),
    (
        "the usual one where it may be",
        {"pyproject.toml": "[project]\nrequires-python='>=3.9'"},
        ("3.11", "pyproject.toml"),
    ),
    ("only an older one", {"pyproject.toml": "[project]\nrequires-python='<3.11'"}, ("3.10", "pyproject.toml")),
    (
        "none that Modal has",
        {".python-version": "3.7", "pyproject.toml": "[project]\nrequires-python='<3.8'"},
        (None, None),
    ),
    ("another interpreter", {".python-version": "pypy3.10"}, (None, None)),
    ("a lock", {"uv.lock": "version=1\nrequires-python='>=3.13'"}, ("3.13", "uv.lock")),
    (
        "nonsense",
        {".python-version": b"\xff\xfe", "pyproject.toml": "[project]\nrequires-python='newest'"},
        (None, None),
    ),
]


@pytest.mark.parametrize(("files", "expected"), [case[1:] for case in PYTHONS], ids=[case[0] for case in PYTHONS])
def test_python(tmp_path: Path, files: Files, expected: tuple[str | None, str | None]) -> None:
    write(tmp_path, files)
    found = look(tmp_path)
    assert (found.get("python"), found.get("pythonFrom")) == expected


def test_odd_things_in_the_tree(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": "def handler(): ...", "folder.py/x": ""})
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    with (tmp_path / "huge.py").open("wb") as file:
        file.truncate(2_000_000_000)
    assert handlers(tmp_path) == ["main.handler"]
    assert handlers(tmp_path, "main.py", "pipe.py", "gone.py", "huge.py", "not-there.py") == ["main.handler"]


def test_no_directory(tmp_path: Path) -> None:
    with pytest.raises(BridgeError) as caught:
        look(tmp_path / "gone")
    assert caught.value.code == "INVALID"


def test_the_example_projects() -> None:
    shop, scripts, forecast = (look(PROJECTS / name) for name in ("shop", "scripts", "forecast"))
    assert [found["handler"] for found in shop["handlers"]][:3] == [
        "shop.api.quote",
        "shop.api.health",
        "shop.jobs.nightly",
    ]
    assert [found["handler"] for found in scripts["handlers"]][:2] == ["report.build", "resize.sizes"]
    assert scripts["requirements"] == "requirements.txt"
    assert forecast["handlers"][0]["handler"] == "forecast.service.predict"
    rest = {key: value for key, value in forecast.items() if key != "handlers"}
    assert rest == {
        "requirements": "uv.lock",
        "extras": ["table", "words"],
        "python": "3.11",
        "pythonFrom": ".python-version",
    }


def test_the_child_answers(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": "def handler(): ..."})
    with Child() as child:
        found = child.ask("discover", {"directory": str(tmp_path)})
    assert [item["handler"] for item in found["handlers"]] == ["main.handler"]
