"""Requirements in all their forms: what is installed, what pip is given, and what is refused. Nothing is downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cloudctl_modal.errors import BridgeError
from cloudctl_modal.requirements import Requirements, read_requirements

from .driver import ROOT
from .examining import Files, write

if TYPE_CHECKING:
    from pathlib import Path

FORECAST = ROOT.parents[2] / "test" / "fixtures" / "projects" / "forecast"
SECRET = "s3cr3t"


def read(directory: Path, path: str, *extras: str, python: str | None = "3.11") -> Requirements:
    return read_requirements(str(directory), path, extras, python)


def refused(directory: Path, path: str, *extras: str) -> str:
    with pytest.raises(BridgeError) as caught:
        read(directory, path, *extras)
    assert caught.value.code == "INVALID"
    assert SECRET not in caught.value.message
    return caught.value.message


NAMES: list[tuple[str, str, str, bool]] = [
    ("plain", "numpy\nPyYAML==6.0\n", "numpy pyyaml", False),
    ("ranges and extras", "uvicorn[standard]>=0.30,<1\nruamel.yaml ~= 0.18", "ruamel-yaml uvicorn", False),
    ("comments", "# numpy\n  # scipy\npandas # torch\n", "pandas", False),
    ("a hash that is no comment", "a @ https://example.org/a#egg=b", "a", False),
    (
        "hashes and continuations",
        "six==1 \\\n  --hash=sha256:ab \\\n  --hash=sha256:cd\nx==2 --hash=sha256:ef",
        "six x",
        False,
    ),
    ("a continuation inside", "nu\\\nmpy", "numpy", False),
    ("markers that hold", "a; python_version >= '3.11'\nb ; sys_platform == 'linux'", "a b", False),
    (
        "markers that do not",
        "a; python_version < '3.11'\nb; os_name == 'nt'\nc; platform_system == 'Darwin'",
        "",
        False,
    ),
    ("the patch level", "a; python_full_version >= '3.11.4'", "a", False),
    ("options", "--index-url https://u:s3cr3t@example.org/simple\n--pre\n--only-binary :all:\n-i x\na", "a", False),
    ("editable project", "-e .\na", "a", True),
    ("editable with its name", "-e git+https://example.org/x.git@main#egg=X_y", "x-y", False),
    ("editable folder", "--editable=./lib", "", True),
    ("a repository without a name", "git+https://example.org/x.git", "", True),
    ("a repository with a name", "x @ git+ssh://git@example.org/x.git@v1", "x", False),
    ("a wheel", "./wheels/some_name-1.0-py3-none-any.whl", "some-name", False),
    ("a wheel somewhere", "https://example.org/some_name-1.0-py3-none-any.whl#sha256=ab", "some-name", False),
    ("an archive", "dist/my-tool-2.1.tar.gz", "my-tool", False),
    ("a folder", "./lib", "", True),
    ("a variable", "a @ https://${TOKEN}@example.org/a.zip", "a", False),
    ("from elsewhere", "-r https://example.org/r.txt", "", True),
    ("empty", "\n\n", "", False),
    ("CRLF", "a\r\nb\r\n", "a b", False),
]


@pytest.mark.parametrize(("text", "names", "opaque"), [case[1:] for case in NAMES], ids=[case[0] for case in NAMES])
def test_names(tmp_path: Path, text: str, names: str, opaque: bool) -> None:
    (tmp_path / "r.txt").write_bytes(text.encode())
    found = read(tmp_path, "r.txt")
    assert (" ".join(sorted(found.names)), found.opaque) == (names, opaque)


def test_includes_and_constraints(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"r.txt": "-r sub/a.txt\n-c c.txt\nb\n", "sub/a.txt": "-rnext.txt\na", "sub/next.txt": "n", "c.txt": "z==1"},
    )
    found = read(tmp_path, "r.txt")
    assert found.names == {"a", "b", "n"}  # Constraints install nothing.
    assert found.text == "n\na\n-c c.txt\nb\n"


REFUSED: list[tuple[str, Files, str]] = [
    ("not there", {}, "The requirements file r.txt cannot be read: No such file or directory."),
    (
        "an include that is not there",
        {"r.txt": "a\n-r gone.txt"},
        "r.txt, line 2, includes it. The requirements file gone.txt",
    ),
    (
        "constraints that are not there",
        {"r.txt": "-c gone.txt"},
        "r.txt, line 1, names constraints. The requirements file gone.txt",
    ),
    (
        "an include from outside",
        {"r.txt": "-r ../x.txt"},
        "r.txt, line 1, names ../x.txt, which is outside of the package",
    ),
    (
        "an include by an absolute path",
        {"r.txt": "-r /etc/passwd"},
        "r.txt, line 1, names /etc/passwd, which is outside",
    ),
    (
        "a circle",
        {"r.txt": "-r a.txt", "a.txt": "\n-r r.txt"},
        "a.txt, line 2, includes r.txt, which includes it in turn",
    ),
    ("not a requirement", {"r.txt": "a\n\nb = 1"}, "r.txt, line 3: 'b = 1' is not a requirement that pip understands."),
    (
        "a password in what is no requirement",
        {"r.txt": "a b @ https://user:s3cr3t@example.org/x?token=s3cr3t"},
        "://***@example.org",
    ),
    ("not UTF-8", {"r.txt": b"a\n# caf\xe9\n"}, "r.txt, line 2: the text is not UTF-8. Save the file as UTF-8."),
    (
        "UTF-16",
        {"r.txt": "numpy\n".encode("utf-16")},
        "r.txt, line 1: the text is not UTF-8 (it is UTF-16, as PowerShell",
    ),
    ("a folder", {"r.txt/x": ""}, "The requirements file r.txt cannot be read: it is a folder and no file."),
]


@pytest.mark.parametrize(("files", "message"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_refused(tmp_path: Path, files: Files, message: str) -> None:
    write(tmp_path, files)
    assert message in refused(tmp_path, "r.txt")


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    with (tmp_path / "r.txt").open("wb") as file:
        file.truncate(2_000_000_000)
    assert "2,000,000,000 bytes; more than 20,000,000 are not read" in refused(tmp_path, "r.txt")


def test_paths_outside_of_the_package(tmp_path: Path) -> None:
    write(tmp_path, {"x.txt": "", "p/r.txt": ""})
    assert "outside of the package" in refused(tmp_path / "p", "../x.txt")
    assert "outside of the package" in refused(tmp_path / "p", str(tmp_path / "x.txt"))


def test_extras_of_a_requirements_file(tmp_path: Path) -> None:
    write(tmp_path, {"r.txt": "a"})
    assert refused(tmp_path, "r.txt", "gpu").startswith("r.txt has no extras, so 'gpu' cannot be chosen")


PYPROJECT = """
[project]
name = "My.Project"
requires-python = ">=3.11"
dependencies = ["b>=2", "a[x]", "old; python_version < '3.11'"]
[project.optional-dependencies]
gpu = ["torch"]
Fast_Math = ["numpy"]
all = ["my-project[gpu,fast-math]", "c"]
"""


def test_pyproject(tmp_path: Path) -> None:
    write(tmp_path, {"pyproject.toml": PYPROJECT})
    found = read(tmp_path, "pyproject.toml")
    # Markers are left to pip: an image of a registry may have any Python.
    assert found.text == 'a[x]\nb>=2\nold; python_version < "3.11"\n'
    assert found.names == {"a", "b"}
    assert found.on_request == {"gpu": {"torch"}, "fast-math": {"numpy"}, "all": {"torch", "numpy", "c"}}
    assert read(tmp_path, "pyproject.toml", "gpu", "fast.math").names == {"a", "b", "torch", "numpy"}
    assert read(tmp_path, "pyproject.toml", "all").names == {"a", "b", "c", "torch", "numpy"}
    assert read(tmp_path, "pyproject.toml", python=None).notes == found.notes == ()
    assert (
        "requires Python >=3.11, and the function runs with 3.10"
        in read(tmp_path, "pyproject.toml", python="3.10").notes[0]
    )


BROKEN: list[tuple[str, str, tuple[str, ...], str]] = [
    (
        "no such extra",
        PYPROJECT,
        ("gpus",),
        "pyproject.toml has no extra 'gpus'. Did you mean gpu? It has: all, fast-math, gpu.",
    ),
    ("none at all", "[project]\nname = 'a'", ("gpu",), "It has none."),
    ("not TOML", "[project]\nname = \n", (), "pyproject.toml, line 2: Invalid value. The file is not valid TOML."),
    ("a text for a list", "[project]\ndependencies = 'a'", (), "project.dependencies must be a list of texts"),
    ("a list for a table", "project = []", (), "[project] must be a table"),
    ("a wrong requirement", "[project]\ndependencies = ['a b']", (), "'a b' is not a requirement"),
]


@pytest.mark.parametrize(("text", "extras", "message"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_pyproject(tmp_path: Path, text: str, extras: tuple[str, ...], message: str) -> None:
    write(tmp_path, {"pyproject.toml": text})
    assert message in refused(tmp_path, "pyproject.toml", *extras)


def test_dependencies_kept_elsewhere(tmp_path: Path) -> None:
    dynamic = "[project]\nname='a'\ndynamic=['dependencies']\n[tool.setuptools.dynamic]\ndependencies={file=['r.txt']}"
    write(tmp_path, {"sub/pyproject.toml": dynamic, "sub/r.txt": "numpy\n"})
    assert read(tmp_path, "sub/pyproject.toml").text == "numpy\n"
    write(tmp_path, {"pyproject.toml": "[project]\nname='a'\ndynamic=['dependencies']"})
    assert "dependencies are dynamic, which CloudCTL cannot read" in read(tmp_path, "pyproject.toml").notes[0]
    write(tmp_path, {"pyproject.toml": "[tool.poetry.dependencies]\nnumpy='*'"})
    assert "in Poetry's own form" in read(tmp_path, "pyproject.toml").notes[0]
    write(tmp_path, {"pyproject.toml": "[tool.ruff]\nline-length=120"})
    assert read(tmp_path, "pyproject.toml") == Requirements("")


def test_a_local_install_from_outside_would_not_be_in_the_container(tmp_path: Path) -> None:
    write(tmp_path, {"requirements.txt": "numpy\n-e ../elsewhere\n", "sub/r.txt": "-e ../lib\n"})
    said = refused(tmp_path, "requirements.txt")
    assert said.startswith("requirements.txt, line 2: ../elsewhere lies outside of the project")
    assert read(tmp_path, "sub/r.txt").local


def test_the_lock_of_the_example(tmp_path: Path) -> None:
    index = "--extra-index-url https://example.org/simple\n"
    assert read(FORECAST, "uv.lock").text == index + "python-dateutil==2.9.0.post0\nsix==1.17.0\n"
    assert read(FORECAST, "uv.lock", "table").names == {"python-dateutil", "six", "tabulate"}
    assert read(FORECAST, "uv.lock").on_request == {"table": {"tabulate"}, "words": {"humanize"}}
    assert "Did you mean table?" in refused(FORECAST, "uv.lock", "tabel")


def _lock(*packages: str, head: str = 'version = 1\nrequires-python = ">=3.10"\n') -> str:
    return head + "".join(f"[[package]]\n{package}\n" for package in packages)


def _package(name: str, version: str, *lines: str, source: str = '{ registry = "index" }') -> str:
    return "\n".join([f'name = "{name}"', f'version = "{version}"', f"source = {source}", *lines])


ROOT_SOURCE = '{ virtual = "." }'
LOCKS: list[tuple[str, str, str]] = [
    (
        "markers",
        _lock(
            _package(
                "p",
                "1",
                'dependencies = [{ name = "a", marker = "python_full_version < \'3.11\'" }, { name = "b" }]',
                source=ROOT_SOURCE,
            ),
            _package("a", "1"),
            _package("b", "2", 'dependencies = [{ name = "c", marker = "sys_platform == \'win32\'" }, { name = "d" }]'),
            _package("c", "3"),
            _package("d", "4", 'dependencies = [{ name = "b" }]'),
        ),
        "b==2\nd==4\n",
    ),
    (
        "one package, two versions",
        _lock(
            _package(
                "p",
                "1",
                'dependencies = [{ name = "a", version = "2", marker = "python_full_version >= \'3.11\'" },'
                '{ name = "a", version = "1", marker = "python_full_version < \'3.11\'" }]',
                source=ROOT_SOURCE,
            ),
            _package("a", "1", "resolution-markers = [\"python_full_version < '3.11'\"]"),
            _package("a", "2", "resolution-markers = [\"python_full_version >= '3.11'\"]"),
        ),
        "a==2\n",
    ),
    (
        "extras of packages",
        _lock(
            _package("p", "1", 'dependencies = [{ name = "u", extra = ["standard"] }]', source=ROOT_SOURCE),
            _package(
                "u", "1", '[package.optional-dependencies]\nstandard = [{ name = "h" }]\nother = [{ name = "o" }]'
            ),
            _package("h", "2"),
            _package("o", "3"),
        ),
        "h==2\nu==1\n",
    ),
    (
        "other sources",
        _lock(
            _package(
                "p",
                "1",
                'dependencies = [{ name = "g" }, { name = "u" }, { name = "l" }, { name = "t" }]',
                source=ROOT_SOURCE,
            ),
            _package("g", "1", source='{ git = "https://example.org/g.git?rev=main&subdirectory=py#abc" }'),
            _package("u", "1", source='{ url = "https://example.org/u-1.zip" }'),
            _package("l", "1", 'dependencies = [{ name = "x" }]', source='{ editable = "libs/l" }'),
            _package("t", "1+cpu", source='{ registry = "https://example.org/whl/cpu" }'),
            _package("x", "9"),
        ),
        "--extra-index-url https://example.org/whl/cpu\ng @ git+https://example.org/g.git@abc#subdirectory=py\nt==1+cpu\n"
        "u @ https://example.org/u-1.zip\nx==9\n",
    ),
    (
        "a workspace without a project of its own",
        _lock(
            _package("m", "1", 'dependencies = [{ name = "a" }]', source='{ editable = "m" }'),
            _package("a", "1"),
            head='version = 1\n[manifest]\nmembers = ["m"]\n',
        ),
        "a==1\n",
    ),
]


@pytest.mark.parametrize(("lock", "text"), [case[1:] for case in LOCKS], ids=[case[0] for case in LOCKS])
def test_locks(tmp_path: Path, lock: str, text: str) -> None:
    write(tmp_path, {"uv.lock": lock})
    assert read(tmp_path, "uv.lock").text == text


def test_local_packages_of_a_lock_are_warned_about(tmp_path: Path) -> None:
    write(tmp_path, {"uv.lock": LOCKS[3][1]})
    found = read(tmp_path, "uv.lock")
    assert found.opaque
    assert found.notes[0].startswith("uv.lock takes l from the folder libs/l, which is not installed")


def test_extras_that_exclude_each_other(tmp_path: Path) -> None:
    """uv writes the extra into the markers of what depends on the choice."""
    cpu, gpu = "extra == 'extra-1-p-cpu'", "extra == 'extra-1-p-gpu'"
    lock = _lock(
        _package(
            "p",
            "1",
            f"""[package.optional-dependencies]
cpu = [{{ name = "t", version = "1", marker = "{cpu}" }}]
gpu = [{{ name = "t", version = "2", marker = "{gpu} or ({cpu} and extra != 'extra-1-p-cpu')" }}]""",
            source=ROOT_SOURCE,
        ),
        _package("t", "1"),
        _package("t", "2"),
    )
    write(tmp_path, {"uv.lock": lock})
    assert [read(tmp_path, "uv.lock", extra).text for extra in ("cpu", "gpu")] == ["t==1\n", "t==2\n"]
    either = 'dependencies = [{ name = "t", version = "2", marker = "extra != \'extra-1-p-cpu\'" }]\n'
    write(
        tmp_path,
        {"uv.lock": lock.replace("[package.optional-dependencies]", either + "[package.optional-dependencies]")},
    )
    assert [read(tmp_path, "uv.lock", *extras).text for extras in (["cpu"], [])] == ["t==1\n", "t==2\n"]


def test_versions_that_only_their_markers_tell_apart(tmp_path: Path) -> None:
    newer, older = "python_full_version >= '3.11'", "python_full_version < '3.11'"
    lock = _lock(
        _package("p", "1", 'dependencies = [{ name = "a" }]', source=ROOT_SOURCE),
        _package("a", "1", f'resolution-markers = ["{older}"]'),
        _package("a", "2", f'resolution-markers = ["{newer}"]'),
    )
    write(tmp_path, {"uv.lock": lock})
    assert [read(tmp_path, "uv.lock", python=python).text for python in ("3.10", "3.12")] == ["a==1\n", "a==2\n"]


def test_broken_locks(tmp_path: Path) -> None:
    write(tmp_path, {"uv.lock": "version = 9\n"})
    assert "has the format 9; CloudCTL reads format 1. Write requirements instead: uv export" in refused(
        tmp_path, "uv.lock"
    )
    write(tmp_path, {"uv.lock": _lock(_package("p", "1", 'dependencies = [{ name = "a" }]', source=ROOT_SOURCE))})
    assert refused(tmp_path, "uv.lock") == "uv.lock does not have a, which it needs. Write it anew: uv lock"


def test_a_lock_is_the_same_text_whatever_the_order(tmp_path: Path) -> None:
    packages = [_package("a", "1"), _package("b", "2")]
    project = _package("p", "1", 'dependencies = [{ name = "b" }, { name = "a" }]', source=ROOT_SOURCE)
    write(tmp_path, {"uv.lock": _lock(project, *packages), "other/uv.lock": _lock(*reversed(packages), project)})
    assert read(tmp_path, "uv.lock").text == read(tmp_path, "other/uv.lock").text == "a==1\nb==2\n"
