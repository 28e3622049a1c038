"""Which modules of a project a handler needs. Nothing of the project ever runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .examining import HANDLER, Files, modules, run, write

if TYPE_CHECKING:
    from pathlib import Path


CLOSURES: list[tuple[str, Files, str]] = [
    ("nothing", {}, "main"),
    ("a module", {"main.py": "import a", "a.py": ""}, "a main"),
    ("inside a function", {"main.py": "def f():\n    import a", "a.py": ""}, "a main"),
    ("inside a method", {"main.py": "class A:\n    def f(self):\n        from a import b", "a.py": "b = 1"}, "a main"),
    (
        "in every clause",
        {"main.py": "if x:\n  import a\nelif y:\n  import b\nelse:\n  import c", "a.py": "", "b.py": "", "c.py": ""},
        "a b c main",
    ),
    (
        "in try",
        {
            "main.py": "try:\n  import a\nexcept ImportError:\n  import b\nelse:\n  import c\nfinally:\n  import d",
            "a.py": "",
            "b.py": "",
            "c.py": "",
            "d.py": "",
        },
        "a b c d main",
    ),
    (
        "in with, for, while and match",
        {
            "main.py": "with x: import a\nfor i in j: import b\nwhile x: import c\nmatch x:\n  case 1: import d",
            **dict.fromkeys(("a.py", "b.py", "c.py", "d.py"), ""),
        },
        "a b c d main",
    ),
    (
        "an import's own imports",
        {"main.py": "import a", "a.py": "import b", "b.py": "import c", "c.py": ""},
        "a b c main",
    ),
    (
        "packages on the way",
        {"main.py": "import p.q.r", "p/__init__.py": "import a", "p/q/__init__.py": "", "p/q/r.py": "", "a.py": ""},
        "a main p p.q p.q.r",
    ),
    ("a submodule by from", {"main.py": "from p import q", "p/__init__.py": "", "p/q.py": ""}, "main p p.q"),
    ("an attribute by from", {"main.py": "from p import q", "p/__init__.py": "q = 1", "p/q.py": ""}, "main p"),
    (
        "relative, up",
        {
            "main.py": "import p.q.r",
            "p/__init__.py": "",
            "p/q/__init__.py": "",
            "p/q/r.py": "from ..s import x",
            "p/s.py": "x = 1",
        },
        "main p p.q p.q.r p.s",
    ),
    ("a cycle", {"main.py": "import a", "a.py": "import b", "b.py": "import a, main"}, "a b main"),
    ("a module that imports itself", {"main.py": "import main"}, "main"),
    (
        "a cycle of packages",
        {"main.py": "from p.q import a", "p/__init__.py": "from . import q", "p/q.py": "import p\na = 1"},
        "main p p.q",
    ),
    (
        "a namespace package",
        {"main.py": "import n.a\nfrom n.m import b", "n/a.py": "", "n/m/b.py": ""},
        "main n.a n.m.b",
    ),
    (
        "src layout",
        {"main.py": "import p.a", "src/p/__init__.py": "", "src/p/a.py": "import p.b", "src/p/b.py": ""},
        "main p p.a p.b",
    ),
    ("a namespace in two folders", {"main.py": "import n.a, n.b", "n/a.py": "", "src/n/b.py": ""}, "main n.a n.b"),
    (
        "a package in src before a folder at the top",
        {"main.py": "import p.a", "p/x.txt": "", "src/p/__init__.py": "", "src/p/a.py": ""},
        "main p p.a",
    ),
    (
        "star",
        {"main.py": "from p import *", "p/__init__.py": "__all__ = ['a', 'x']\nx = 1", "p/a.py": "", "p/b.py": ""},
        "main p p.a",
    ),
    (
        "import_module",
        {"main.py": "import importlib\nimportlib.import_module('p.a')", "p/__init__.py": "", "p/a.py": ""},
        "main p p.a",
    ),
    (
        "import_module, relative",
        {
            "main.py": "import p.b",
            "p/__init__.py": "",
            "p/a.py": "",
            "p/b.py": "from importlib import import_module\nimport_module('.a', __package__)",
        },
        "main p p.a p.b",
    ),
    ("__import__", {"main.py": "m = __import__('a')", "a.py": ""}, "a main"),
    ("import_module with a variable", {"main.py": "import importlib\nimportlib.import_module(name)"}, "main"),
    (
        "for types only",
        {"main.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n  import a, nothing.here\n", "a.py": ""},
        "main",
    ),
    (
        "else of for types only",
        {
            "main.py": "import typing as t\nif not t.TYPE_CHECKING:\n  import a\nelse:\n  import p.b",
            "a.py": "",
            "p/__init__.py": "",
        },
        "a main",
    ),
    ("as a script only", {"main.py": "if __name__ == '__main__':\n  import a", "a.py": ""}, "main"),
    (
        "an older Python",
        {
            "main.py": "import sys\nif sys.version_info >= (3, 11):\n  import a\nelse:\n  import b",
            "a.py": "",
            "b.py": "",
        },
        "a main",
    ),
    (
        "a newer Python",
        {
            "main.py": "import sys\nif sys.version_info[:2] > (3, 11):\n  import a\nelse:\n  import b",
            "a.py": "",
            "b.py": "",
        },
        "b main",
    ),
    (
        "another system",
        {
            "main.py": "import sys\nif sys.platform == 'win32' or sys.platform.startswith('darwin'):\n  import a",
            "a.py": "",
        },
        "main",
    ),
    (
        "optional and absent",
        {"main.py": "try:\n  import p.gone\nexcept ImportError:\n  pass", "p/__init__.py": ""},
        "main p",
    ),
    (
        "suppressed and absent",
        {"main.py": "import contextlib\nwith contextlib.suppress(ImportError):\n  import p.gone", "p/__init__.py": ""},
        "main p",
    ),
    (
        "what __getattr__ may bring",
        {"main.py": "from p import gone", "p/__init__.py": "def __getattr__(name): ..."},
        "main p",
    ),
    ("what a star may bring", {"main.py": "from p import gone", "p/__init__.py": "from os.path import *"}, "main p"),
    (
        "what a function binds",
        {"main.py": "from p import a", "p/__init__.py": "def f():\n  global a\n  a = 1"},
        "main p",
    ),
    (
        "a compiled module",
        {"main.py": "import p.fast, p.fast.more", "p/__init__.py": "", "p/fast.cpython-311-x86_64-linux-gnu.so": ""},
        "main p",
    ),
    (
        "Latin-1 with a cookie",
        {"main.py": "import a", "a.py": "# -*- coding: latin-1 -*-\ns = 'é'\nimport b".encode("latin-1"), "b.py": ""},
        "a b main",
    ),
    (
        "letters beyond ASCII",
        {"main.py": "import größe.maß", "größe/__init__.py": "", "größe/maß.py": ""},
        "größe größe.maß main",
    ),
    ("a folder that is no code", {"main.py": "from docker import errors", "docker/Dockerfile": ""}, "main"),
]


@pytest.mark.parametrize(("files", "names"), [case[1:] for case in CLOSURES], ids=[case[0] for case in CLOSURES])
def test_closure(tmp_path: Path, files: Files, names: str) -> None:
    main = files.get("main.py", "")
    assert isinstance(main, str)
    write(tmp_path, {**files, "main.py": main + "\n" + HANDLER})
    assert modules(tmp_path) == names


def test_relative_imports(tmp_path: Path) -> None:
    files = {
        "p/__init__.py": "",
        "p/q.py": f"from . import r\nfrom .s import x\n{HANDLER}",
        "p/r.py": "",
        "p/s.py": "x = 1",
    }
    write(tmp_path, files)
    result = run(tmp_path, "p.q.handler")
    assert result["modules"] == [
        {"name": "p", "file": "p/__init__.py"},
        {"name": "p.q", "file": "p/q.py"},
        {"name": "p.r", "file": "p/r.py"},
        {"name": "p.s", "file": "p/s.py"},
    ]
    assert result["signature"]["module"] == "p.q"
