"""Modules that an import names and the package does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .examining import HANDLER, Files, failure, missing, run, write

if TYPE_CHECKING:
    from pathlib import Path


ABSENT: list[tuple[str, Files, str, str]] = [
    (
        "a submodule",
        {"main.py": "import os\nimport p.gone", "p/__init__.py": ""},
        "p.gone",
        "main.py:2 imports p.gone, but there",
    ),
    ("a submodule by from", {"main.py": "from p import gone", "p/__init__.py": ""}, "p.gone", "there is no p/gone.py"),
    ("of a namespace package", {"main.py": "from n import gone", "n/here.py": ""}, "n.gone", "n/gone.py"),
    (
        "with a slip",
        {"main.py": "import p.helpr", "p/__init__.py": "", "p/helper.py": ""},
        "p.helpr",
        "Did you mean p.helper?",
    ),
    (
        "deep inside",
        {"main.py": "import a", "a.py": "import b", "b.py": "def f():\n  import p.gone", "p/__init__.py": ""},
        "p.gone",
        "b.py:2",
    ),
    ("in src", {"main.py": "import p.gone", "src/p/__init__.py": ""}, "p.gone", "src/p/gone.py"),
    ("below a module", {"main.py": "import a.b", "a.py": ""}, "a.b", "a.py is a module and no package"),
    ("capitals", {"main.py": "import Utils", "utils.py": ""}, "Utils", "it is called utils (utils.py)"),
    (
        "capitals of a submodule",
        {"main.py": "from p import Utils", "p/__init__.py": "", "p/utils.py": ""},
        "p.Utils",
        "called utils",
    ),
    (
        "relative at the top",
        {"main.py": "from .helper import x", "helper.py": ""},
        ".helper",
        "Write: from helper import x",
    ),
    (
        "relative at the top, a module",
        {"main.py": "from . import helper", "helper.py": ""},
        ".helper",
        "Write: import helper",
    ),
]


@pytest.mark.parametrize(
    ("files", "module", "message"), [case[1:] for case in ABSENT], ids=[case[0] for case in ABSENT]
)
def test_absent(tmp_path: Path, files: Files, module: str, message: str) -> None:
    write(tmp_path, {**files, "main.py": str(files["main.py"]) + "\n" + HANDLER})
    error = failure(tmp_path)
    assert (error.code, [item["module"] for item in missing(tmp_path)]) == ("MODULE_MISSING", [module])
    assert message in error.message
    entry = missing(tmp_path)[0]
    assert entry["reason"] == "absent"
    assert f"{entry['file']}:{entry['line']} imports {module}" in error.message


def test_all_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import p.a\nimport p.b, p.c\n{HANDLER}", "p/__init__.py": "import p.a\n"})
    found = [(item["module"], item["file"], item["line"]) for item in missing(tmp_path)]
    assert found == [("p.a", "main.py", 1), ("p.b", "main.py", 2), ("p.c", "main.py", 2), ("p.a", "p/__init__.py", 1)]
    assert failure(tmp_path).message.endswith(
        "Missing as well: p.b (main.py:2), p.c (main.py:2), p.a (p/__init__.py:1)."
    )


IGNORED: list[tuple[str, str, dict[str, str], bool, str]] = [
    ("a file", "import p.secret", {"p/secret.py": ".gitignore"}, True, "p/secret.py"),
    ("a folder", "import data.load", {"data/": ".cloudctlignore"}, True, "data/"),
    ("a folder inside a package", "from p import sub", {"p/sub/": ".gitignore"}, True, "p/sub/"),
    ("a file at the top", "import secret", {"secret.py": ".gitignore"}, True, "secret.py"),
    ("a file, of a snapshot", "import p.secret", {"p/secret.py": ".gitignore"}, False, "p/secret.py"),
    ("a folder, of a snapshot", "import data.load", {"data/": ".cloudctlignore"}, False, "data/"),
]


@pytest.mark.parametrize(
    ("code", "ignored", "there", "path"), [case[1:] for case in IGNORED], ids=[case[0] for case in IGNORED]
)
def test_ignored(tmp_path: Path, code: str, ignored: dict[str, str], there: bool, path: str) -> None:
    write(tmp_path, {"main.py": f"\n{code}\n{HANDLER}", "p/__init__.py": ""})
    if there:
        write(tmp_path, {"p/secret.py": "", "p/sub/__init__.py": "", "data/load.py": "", "secret.py": ""})
    entry = missing(tmp_path, ignored=ignored)[0]
    assert (entry["reason"], entry["path"], entry["by"], entry["line"]) == ("ignored", path, ignored[path], 2)
    message = failure(tmp_path, ignored=ignored).message
    assert f"the package leaves {path} out ({ignored[path]})." in message


def test_what_is_ignored_and_not_imported_is_no_trouble(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"main.py": f"import build\nimport numpy\n{HANDLER}", "build/x.txt": "", "requirements.txt": "build\nnumpy"},
    )
    ignored = {"build/": ".gitignore", "numpy/": ".gitignore", ".venv/": "CloudCTL"}
    assert run(tmp_path, requirements="requirements.txt", ignored=ignored)["warnings"] == []


def test_an_installed_package_wins_over_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import datasets.features\n{HANDLER}", "datasets/load.py": "", "r.txt": "datasets"})
    assert missing(tmp_path)[0]["module"] == "datasets.features"
    assert [module["name"] for module in run(tmp_path, requirements="r.txt")["modules"]] == ["main"]


def test_an_ignored_handler_is_said_to_be_ignored(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": HANDLER})
    error = failure(tmp_path, ignored={"main.py": ".gitignore"})
    assert (error.code, (error.data or {})["reason"]) == ("HANDLER_NOT_FOUND", "file")
    assert "main.py is left out (.gitignore)" in error.message


OUTSIDE: list[tuple[str, Files, str, str, str]] = [
    ("a module beside", {"shared.py": ""}, "import shared", "shared", "../shared.py"),
    ("a package beside", {"shared/__init__.py": ""}, "from shared.a import b", "shared.a", "../shared"),
    ("its own folder's name", {"project/__init__.py": ""}, "from project import main", "project", "../project"),
    ("relative", {"project/__init__.py": "", "x.py": ""}, "from .. import x", "..x", "../.."),
    ("relative to itself", {"project/__init__.py": "", "project/a.py": ""}, "from . import a", ".a", ".."),
]


@pytest.mark.parametrize(
    ("files", "code", "module", "path"), [case[1:] for case in OUTSIDE], ids=[case[0] for case in OUTSIDE]
)
def test_outside(tmp_path: Path, files: Files, code: str, module: str, path: str) -> None:
    write(tmp_path, {**files, "project/main.py": f"{code}\n{HANDLER}"})
    entry = missing(tmp_path / "project")[0]
    assert (entry["module"], entry["reason"], entry["path"]) == (module, "outside", path)
    if not module.startswith("."):  # The image may bring a package of that name.
        assert run(tmp_path / "project", image_brings=True)["warnings"] == []


def test_a_well_known_package_beside_the_project_is_a_requirement(tmp_path: Path) -> None:
    write(tmp_path, {"requests/__init__.py": "", "project/main.py": f"import requests\n{HANDLER}"})
    assert 'Add "requests"' in run(tmp_path / "project")["warnings"][0]
