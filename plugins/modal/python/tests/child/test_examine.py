"""`examine`: its warnings, files that are none, and the three example projects. Nothing of a project ever runs."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from cloudctl_modal import closure

from .driver import ROOT, Child
from .examining import HANDLER, Files, failure, modules, run, write

if TYPE_CHECKING:
    from pathlib import Path

PROJECTS = ROOT.parents[2] / "test" / "fixtures" / "projects"

WARNINGS: list[tuple[str, str, str, list[str]]] = [
    ("nothing", "import os, json.decoder\nimport modal\nfrom modal import App", "3.11", []),
    ("an installed one", "import requests\nimport dateutil.parser", "3.11", []),
    ("one that another brings", "import numpy\nimport urllib3", "3.11", []),
    (
        "not covered",
        "import os\nimport cv2",
        "3.11",
        ['main.py:2 imports cv2, which is neither in the project nor in r.txt. Add "opencv-python" to r.txt.'],
    ),
    (
        "once for a package",
        "import yaml\nimport yaml\nfrom yaml import x",
        "3.11",
        ['main.py:1 imports yaml, which is neither in the project nor in r.txt. Add "PyYAML" to r.txt.'],
    ),
    ("one package, two modules", "import win32api, win32com", "3.11", ["pywin32"]),
    ("optional", "try:\n  import ujson\nexcept ImportError:\n  import simplejson", "3.11", []),
    ("an unknown one", "import zzz_tools.a", "3.11", ['"zzz-tools"']),
    (
        "google.cloud",
        "from google.cloud import bigquery, nonsense_v2",
        "3.11",
        ['"google-cloud-bigquery"', '"google-cloud-nonsense-v2"'],
    ),
    ("a slip", "import helpr", "3.11", ["Did you mean helper (helper.py)?"]),
    ("of the SDK", "import grpclib", "3.11", ["Modal's own copy in the container is not meant for you"]),
    (
        "removed",
        "import cgi",
        "3.13",
        ['no longer has: it went with 3.13. Choose --runtime python312 or older, or add "legacy-cgi"'],
    ),
    ("not yet removed", "import cgi, distutils, imp", "3.11", []),
    ("removed, the old name", "import imp", "3.12", ["--runtime python311 or older"]),
    ("not there yet", "import tomllib", "3.10", ["came with 3.11"]),
    ("there", "import tomllib", "3.11", []),
]


@pytest.mark.parametrize(
    ("code", "python", "expected"), [case[1:] for case in WARNINGS], ids=[case[0] for case in WARNINGS]
)
def test_warnings(tmp_path: Path, code: str, python: str, expected: list[str]) -> None:
    requirements = "requests>=2\npython-dateutil\npandas ; python_version > '3'\nujson; sys_platform == 'win32'\n"
    write(tmp_path, {"main.py": f"{code}\n{HANDLER}", "helper.py": "", "r.txt": requirements})
    found = run(tmp_path, python=python, requirements="r.txt")["warnings"]
    assert len(found) == len(expected), found
    for part, warning in zip(expected, found, strict=True):
        assert part in warning
    assert run(tmp_path, python=python, requirements="r.txt", image_brings=True)["warnings"] == []


PACKAGES = {
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "PyYAML",
    "sklearn": "scikit-learn",
    "skimage": "scikit-image",
    "dateutil": "python-dateutil",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "jwt": "PyJWT",
    "OpenSSL": "pyOpenSSL",
    "Crypto": "pycryptodome",
    "google.protobuf": "protobuf",
    "google.cloud.storage": "google-cloud-storage",
    "googleapiclient": "google-api-python-client",
    "pkg_resources": "setuptools",
    "ruamel.yaml": "ruamel.yaml",
    "sentence_transformers": "sentence-transformers",
    "torch": "torch",
}


@pytest.mark.parametrize(("module", "package"), PACKAGES.items(), ids=PACKAGES)
def test_the_likely_package(tmp_path: Path, module: str, package: str) -> None:
    write(tmp_path, {"main.py": f"import {module}\n{HANDLER}", "r.txt": f"{package}==1\n"})
    assert f'Add "{package}" to a requirements.txt' in run(tmp_path)["warnings"][0]
    assert run(tmp_path, requirements="r.txt")["warnings"] == []


SHADOWS: list[tuple[str, Files, list[str]]] = [
    ("modal", {"modal.py": ""}, ["has modal.py, which hides Modal's own package"]),
    ("modal, a package", {"modal/__init__.py": ""}, ["has modal, which hides Modal's own package"]),
    ("the standard library", {"random.py": "", "json/__init__.py": ""}, ["own module json ", "own module random "]),
    ("in src", {"src/secrets.py": ""}, ["has src/secrets.py, which hides Python's own module secrets"]),
    ("a folder that hides nothing", {"random/data.csv": "", "calendar/x.py": ""}, []),
    ("a built-in one that nobody imports", {"time.py": ""}, []),
]


@pytest.mark.parametrize(("files", "expected"), [case[1:] for case in SHADOWS], ids=[case[0] for case in SHADOWS])
def test_shadows(tmp_path: Path, files: Files, expected: list[str]) -> None:
    write(tmp_path, {"main.py": HANDLER, **files})
    found = run(tmp_path)["warnings"]
    assert len(found) == len(expected), found
    for part, warning in zip(expected, found, strict=True):
        assert part in warning


def test_a_folder_that_is_no_package(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import config, pip\n{HANDLER}", "config/settings.yaml": ""})
    (warning,) = run(tmp_path)["warnings"]
    assert 'The folder config has no Python in it. Add "config" to a requirements.txt' in warning


def test_a_module_that_is_never_found(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import time\n{HANDLER}", "time.py": "import p.gone"})
    result = run(tmp_path)
    assert [module["name"] for module in result["modules"]] == ["main"]
    assert "main.py:1 imports time, which is always Python's own module, and never time.py" in result["warnings"][0]


def test_shadowing_modules_are_part_of_the_closure(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import json\n{HANDLER}", "json.py": "import a", "a.py": ""})
    assert modules(tmp_path) == "a json main"


def test_a_syntax_error_anywhere(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import a\n{HANDLER}", "a.py": "x = 1\ndef f(:\n"})
    error = failure(tmp_path)
    assert (error.code, (error.data or {})["file"], (error.data or {})["line"]) == ("SYNTAX_ERROR", "a.py", 2)


def test_latin_1_without_a_cookie(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import a\n{HANDLER}", "a.py": "x = 1\ns = 'café'\n".encode("latin-1")})
    error = failure(tmp_path)
    assert (error.code, (error.data or {})["line"]) == ("SYNTAX_ERROR", 2)
    assert error.message.startswith("a.py, line 2: the text is not UTF-8. Save the file as UTF-8, or name its encoding")


def test_what_is_no_file(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import a\n{HANDLER}", "a.py/x": ""})
    error = failure(tmp_path)
    assert (error.code, error.message) == (
        "INVALID",
        "The module a.py cannot be read: it is a folder and no file. Rename or remove it.",
    )


def test_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"main.py": f"import a\n{HANDLER}", "pipes_of.txt": ""})
    os.mkfifo(tmp_path / "unused.py")
    monkeypatch.chdir(tmp_path)  # A socket's path must be short.
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("a.py")
        assert (
            failure(tmp_path).message
            == "The module a.py cannot be read: it is a socket and no file. Rename or remove it."
        )
    write(tmp_path, {"main.py": HANDLER})
    assert modules(tmp_path) == "main"
    write(tmp_path, {"main.py": f"import unused\n{HANDLER}"})
    assert "it is a pipe and no file" in failure(tmp_path).message


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import a\n{HANDLER}"})
    (tmp_path / "a.py").symlink_to("gone.py")
    assert (
        failure(tmp_path).message
        == "The module a.py cannot be read: it is a link that leads nowhere and no file. Rename or remove it."
    )


def test_a_file_without_read_permission(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": f"import a\n{HANDLER}", "a.py": ""})
    (tmp_path / "a.py").chmod(0)
    if os.access(tmp_path / "a.py", os.R_OK):
        pytest.skip("root may read any file")
    error = failure(tmp_path)
    assert (error.code, error.message) == (
        "INVALID",
        "The module a.py cannot be read: Permission denied. Make it readable: chmod u+r 'a.py'",
    )


def sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def test_a_huge_notebook_is_not_read_and_a_huge_module_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": HANDLER})
    sparse(tmp_path / "main.ipynb", 2_000_000_000)
    sparse(tmp_path / "requirements.ipynb", 2_000_000_000)
    assert modules(tmp_path) == "main"
    write(tmp_path, {"main.py": f"import data\n{HANDLER}"})
    sparse(tmp_path / "data.py", 2_000_000_000)
    error = failure(tmp_path)
    assert error.code == "INVALID"
    assert error.message == "The module data.py has 2,000,000,000 bytes; more than 5,000,000 are not read."


def test_a_long_chain_of_modules_and_of_elifs(tmp_path: Path) -> None:
    files: Files = {f"m{index}.py": f"import m{index + 1}" for index in range(400)}
    chain = "if x == 0: pass\n" + "".join(f"elif x == {index}: pass\n" for index in range(1, 300))
    write(
        tmp_path,
        {**files, "m400.py": chain + "else:\n  import last", "last.py": "", "main.py": f"import m0\n{HANDLER}"},
    )
    assert len(run(tmp_path)["modules"]) == 403


def test_the_number_of_modules_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closure, "MOST_MODULES", 3)
    write(tmp_path, {"main.py": f"import a, b, c, d\n{HANDLER}", **dict.fromkeys(("a.py", "b.py", "c.py", "d.py"), "")})
    result = run(tmp_path)
    assert len(result["modules"]) == 3
    assert "the others were not looked at" in result["warnings"][-1]


def test_a_path_with_spaces_and_letters_beyond_ascii(tmp_path: Path) -> None:
    directory = write(tmp_path / "Ein Projekt – größer 日本", {"main.py": f"import a\n{HANDLER}", "a.py": ""})
    with Child() as child:
        params = {"directory": str(directory), "handler": "main.handler", "python": "3.11"}
        result = child.ask("examine", params)
    assert [module["file"] for module in result["modules"]] == ["a.py", "main.py"]


def test_the_child_answers_without_the_sdk(tmp_path: Path) -> None:
    """As the parent sees it; a child without credentials could answer nothing that needs modal."""
    write(tmp_path, {"main.py": f"import p.gone\n{HANDLER}", "p/__init__.py": ""})
    with Child() as child:
        capabilities = child.ask("hello", {"protocol": 1, "client": "t"})["capabilities"]
        assert {"examine", "discover"} <= set(capabilities)
        params = {
            "directory": str(tmp_path),
            "handler": "main.handler",
            "python": "3.11",
            "extras": None,
            "ignored": None,
        }
        error = child.error("examine", params)
    assert error["data"]["missing"] == [{"module": "p.gone", "file": "main.py", "line": 1, "reason": "absent"}]


FIXTURES: list[tuple[str, str, dict[str, Any], str]] = [
    (
        "shop",
        "shop.api.quote",
        {},
        "discounts.bulk discounts.seasonal shop shop.api shop.catalog shop.catalog.store shop.money "
        "shop.pricing shop.pricing.rules",
    ),
    (
        "shop",
        "shop.jobs.nightly",
        {},
        "discounts.bulk discounts.seasonal shop shop.catalog shop.catalog.store shop.jobs "
        "shop.money shop.pricing shop.pricing.rules",
    ),
    ("scripts", "report.build", {"requirements": "requirements.txt"}, "common report"),
    ("scripts", "resize.sizes", {"requirements": "requirements.txt"}, "common resize"),
    (
        "forecast",
        "forecast.service.predict",
        {"requirements": "uv.lock", "extras": ("table",)},
        "forecast forecast.months forecast.service forecast.smoothing",
    ),
    (
        "forecast",
        "forecast.service.predict",
        {"requirements": "pyproject.toml"},
        "forecast forecast.months forecast.service forecast.smoothing",
    ),
]


@pytest.mark.parametrize(("project", "handler", "options", "names"), FIXTURES)
def test_fixtures(project: str, handler: str, options: dict[str, Any], names: str) -> None:
    result = run(PROJECTS / project, handler, **options)
    assert " ".join(module["name"] for module in result["modules"]) == names
    assert result["warnings"] == []
