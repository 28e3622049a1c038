"""`inspect`, case by case: files in, a signature or an error out. Nothing of the files ever runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cloudctl_modal.errors import BridgeError
from cloudctl_modal.inspector import inspect_handler

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "main.py"


def _write(directory: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _parameters(directory: Path, handler: str) -> list[tuple[str, str, bool]]:
    found = inspect_handler(str(directory), handler).parameters
    return [(parameter.name, parameter.kind, parameter.required) for parameter in found]


KINDS: list[tuple[str, str, str]] = [
    ("def", "def handler(): return 1", "sync"),
    ("async def", "async def handler(): return 1", "async"),
    ("generator", "def handler():\n    yield 1", "generator"),
    ("yield from", "def handler():\n    yield from []", "generator"),
    ("yield as an expression", "def handler():\n    x = yield\n    return x", "generator"),
    (
        "yield deep inside",
        "def handler():\n    for x in y:\n        if x:\n            with z:\n                yield x",
        "generator",
    ),
    ("async generator", "async def handler():\n    yield 1", "asyncGenerator"),
    ("yield of an inner def", "def handler():\n    def inner():\n        yield 1\n    return list(inner())", "sync"),
    (
        "yield of an inner async def",
        "def handler():\n    async def inner():\n        yield 1\n    return inner",
        "sync",
    ),
    ("yield of a lambda", "def handler():\n    return lambda: (yield)", "sync"),
    (
        "yield of an inner class's method",
        "def handler():\n    class A:\n        def m(self):\n            yield 1\n    return A",
        "sync",
    ),
    ("yield in a default of an inner def", "def handler():\n    def inner(a=(yield)):\n        pass", "generator"),
    ("await in a comprehension", "async def handler():\n    return [x async for x in y]", "async"),
    ("decorated", "import torch\n@torch.no_grad()\ndef handler(x): return x", "sync"),
    ("inside if", "if True:\n    def handler(): pass", "sync"),
    ("inside try", "try:\n    import a\nexcept ImportError:\n    async def handler(): pass", "async"),
    ("inside else", "if x:\n    pass\nelse:\n    def handler():\n        yield", "generator"),
    ("inside with", "with x:\n    def handler(): pass", "sync"),
    ("defined twice, the last one counts", "def handler(): pass\ndef handler():\n    yield", "generator"),
    ("lambda", "handler = lambda x: x", "sync"),
    ("imported", "from lib import handler", "unknown"),
    ("imported under this name", "from lib import run as handler", "unknown"),
    ("assigned", "import lib\nhandler = lib.make()", "unknown"),
    ("assigned with a type", "handler: object = make()", "unknown"),
    ("wrapped afterwards", "def handler(): pass\nhandler = cache(handler)", "unknown"),
    ("one of several targets", "a, handler = pair()", "unknown"),
    ("star import", "from lib import *", "unknown"),
    ("broken import inside, never run", "raise SystemExit\nimport nothing_like_this\ndef handler(): pass", "sync"),
]


@pytest.mark.parametrize(("source", "kind"), [case[1:] for case in KINDS], ids=[case[0] for case in KINDS])
def test_kind(tmp_path: Path, source: str, kind: str) -> None:
    _write(tmp_path, {MAIN: source})
    found = inspect_handler(str(tmp_path), "main.handler")
    assert found.kind == kind
    assert (found.module, found.attribute, found.file) == ("main", "handler", MAIN)
    if kind == "unknown":
        assert [parameter.kind for parameter in found.parameters] == ["varPositional", "varKeyword"]


def test_parameters(tmp_path: Path) -> None:
    _write(tmp_path, {MAIN: "def handler(a, /, b, c=1, *args, d, e=2, **rest): pass\ndef two(x, *, y): pass\n"})
    assert _parameters(tmp_path, "main.handler") == [
        ("a", "positional", True),
        ("b", "positional", True),
        ("c", "positional", False),
        ("args", "varPositional", False),
        ("d", "keyword", True),
        ("e", "keyword", False),
        ("rest", "varKeyword", False),
    ]
    assert _parameters(tmp_path, "main.two") == [("x", "positional", True), ("y", "keyword", True)]


PLACES: list[tuple[str, dict[str, str | bytes], str, str, int]] = [
    ("line of the def", {MAIN: "\n\n\ndef handler(): pass"}, "main.handler", MAIN, 4),
    ("dotted module", {"pkg/sub.py": "def handler(): pass"}, "pkg.sub.handler", "pkg/sub.py", 1),
    ("package", {"pkg/__init__.py": "def handler(): pass"}, "pkg.handler", "pkg/__init__.py", 1),
    (
        "a package wins over a file",
        {"pkg/__init__.py": "def handler(): pass", "pkg.py": ""},
        "pkg.handler",
        "pkg/__init__.py",
        1,
    ),
    ("byte order mark", {MAIN: b"\xef\xbb\xbfdef handler(): pass"}, "main.handler", MAIN, 1),
    (
        "declared encoding",
        {MAIN: "# coding: latin-1\nx = 'é'\ndef handler(): pass".encode("latin-1")},
        "main.handler",
        MAIN,
        3,
    ),
    ("CRLF", {MAIN: b"x = 1\r\n\r\ndef handler(): pass\r\n"}, "main.handler", MAIN, 3),
    ("Unicode names", {"größe.py": "def maß(): pass"}, "größe.maß", "größe.py", 1),
]


@pytest.mark.parametrize(
    ("files", "handler", "file", "line"), [case[1:] for case in PLACES], ids=[case[0] for case in PLACES]
)
def test_place(tmp_path: Path, files: dict[str, str | bytes], handler: str, file: str, line: int) -> None:
    _write(tmp_path, files)
    found = inspect_handler(str(tmp_path), handler)
    assert (found.file, found.line) == (file, line)


MISSING: list[tuple[str, dict[str, str | bytes], str, str, list[str]]] = [
    ("attribute with a slip", {MAIN: "def handler(): pass"}, "main.handlr", "attribute", ["main.handler"]),
    ("attribute in another case", {MAIN: "def Handler(): pass"}, "main.handler", "attribute", ["main.Handler"]),
    ("attribute unlike any other", {MAIN: "def run(): pass"}, "main.zzzzzz", "attribute", ["main.run"]),
    ("empty file", {MAIN: ""}, "main.handler", "attribute", []),
    ("only inside a function", {MAIN: "def f():\n    def handler(): pass"}, "main.handler", "attribute", ["main.f"]),
    ("deleted again", {MAIN: "def handler(): pass\ndel handler"}, "main.handler", "attribute", []),
    ("file with a slip", {"mian.py": "def handler(): pass"}, "main.handler", "file", ["mian.handler"]),
    ("file in another case", {"Main.py": "def handler(): pass"}, "main.handler", "file", ["Main.handler"]),
    ("file elsewhere", {"app/main.py": "def handler(): pass"}, "main.handler", "file", ["app.main.handler"]),
    ("no file at all", {}, "main.handler", "file", []),
    ("class", {MAIN: "class Model: pass\ndef run(): pass"}, "main.Model", "class", ["main.run"]),
    ("method", {MAIN: "class Model:\n    def run(self): pass"}, "main.Model.run", "class", []),
    ("no dot", {MAIN: "def handler(): pass"}, "handler", "attribute", ["main.handler"]),
    ("no attribute", {MAIN: "def handler(): pass"}, "main", "attribute", ["main.handler"]),
    ("a file's name", {MAIN: "def handler(): pass"}, "main.py", "attribute", ["main.handler"]),
    ("with a colon", {MAIN: "def handler(): pass"}, "main:handler", "attribute", ["main.handler"]),
    ("file and colon", {MAIN: "def handler(): pass"}, "main.py:handler", "attribute", ["main.handler"]),
    ("a path", {"app/main.py": "def handler(): pass"}, "app/main.handler", "attribute", ["app.main.handler"]),
    ("a path below src", {"src/main.py": "def handler(): pass"}, "src/main.handler", "attribute", ["main.handler"]),
    ("up and out", {}, "../main.handler", "attribute", []),
]


@pytest.mark.parametrize(
    ("files", "handler", "reason", "suggestions"), [case[1:] for case in MISSING], ids=[case[0] for case in MISSING]
)
def test_missing(
    tmp_path: Path, files: dict[str, str | bytes], handler: str, reason: str, suggestions: list[str]
) -> None:
    _write(tmp_path, files)
    with pytest.raises(BridgeError) as caught:
        inspect_handler(str(tmp_path), handler)
    assert caught.value.code == "HANDLER_NOT_FOUND"
    assert caught.value.data == {"suggestions": suggestions, "reason": reason}


ROOTS: list[tuple[str, dict[str, str | bytes], str, str, str | None]] = [
    ("src layout", {"src/pkg/api.py": "def f(): pass"}, "pkg.api.f", "src/pkg/api.py", "src"),
    ("a module at the top wins", {"a.py": "def f(): pass", "src/a.py": ""}, "a.f", "a.py", "src"),
    ("by its whole path", {"src/pkg/api.py": "def f(): pass"}, "src.pkg.api.f", "src/pkg/api.py", "src"),
    ("src is a package", {"src/__init__.py": "", "src/a.py": "def f(): pass"}, "src.a.f", "src/a.py", None),
    ("src without Python", {"src/index.ts": "", "main.py": "def f(): pass"}, "main.f", "main.py", None),
    ("no src", {"main.py": "def f(): pass"}, "main.f", "main.py", None),
]


@pytest.mark.parametrize(
    ("files", "handler", "file", "root"), [case[1:] for case in ROOTS], ids=[case[0] for case in ROOTS]
)
def test_root(tmp_path: Path, files: dict[str, str | bytes], handler: str, file: str, root: str | None) -> None:
    _write(tmp_path, files)
    found = inspect_handler(str(tmp_path), handler)
    assert (found.file, found.root) == (file, root)
    assert found.to_json().get("root") == root


def test_missing_directory(tmp_path: Path) -> None:
    with pytest.raises(BridgeError) as caught:
        inspect_handler(str(tmp_path / "nothing"), "main.handler")
    assert caught.value.code == "HANDLER_NOT_FOUND"


NOT_UTF_8: dict[str, Any] = {"line": 1, "text": "x = '\ufffd'"}
SYNTAX: list[tuple[str, str | bytes, dict[str, Any]]] = [
    ("a slip", "x = 1\ndef handler(:\n    pass", {"line": 2, "column": 13, "text": "def handler(:"}),
    ("indentation", "def handler():\npass", {"line": 2, "column": 1, "text": "pass"}),
    ("not UTF-8", b"x = '\xff'\ndef handler(): pass", NOT_UTF_8),
    ("null byte", b"def handler(): pass\0", {"line": 1}),
    ("an unknown encoding", b"# coding: klingon\ndef handler(): pass", {"line": 1}),
]


@pytest.mark.parametrize(("source", "data"), [case[1:] for case in SYNTAX], ids=[case[0] for case in SYNTAX])
def test_syntax_errors(tmp_path: Path, source: str | bytes, data: dict[str, Any]) -> None:
    _write(tmp_path, {MAIN: source})
    with pytest.raises(BridgeError) as caught:
        inspect_handler(str(tmp_path), "main.handler")
    assert caught.value.code == "SYNTAX_ERROR"
    assert ("UTF-8" if data == NOT_UTF_8 else "newer Python") in caught.value.message
    found = dict(caught.value.data or {})
    assert found["file"] == MAIN
    assert {key: found[key] for key in data} == data


APPS: list[tuple[str, str, int | None]] = [
    ("modal.App", "import modal\napp = modal.App('x')", 2),
    ("an alias", "import modal as m\napp = m.App('x')", 2),
    ("App itself", "from modal import App\napp = App()", 2),
    ("App under another name", "from modal import App as A, Image\n\nx = A()", 3),
    ("inside if", "import modal\nif True:\n    app = modal.App()", 3),
    ("inside a call", "import modal\nsetup(modal.App())", 2),
    ("in a class body", "import modal\nclass X:\n    app = modal.App()", 3),
    ("modal.app.App", "import modal.app\napp = modal.app.App()", 2),
    ("only the import", "import modal", None),
    ("a volume inside a function", "import modal\ndef f():\n    return modal.Volume.from_name('v')", None),
    ("an app inside a function", "import modal\ndef f():\n    return modal.App()", None),
    ("an App of something else", "from flask import App\napp = App()", None),
    ("a name that is no call", "import modal\nprint(modal.App)", None),
]


@pytest.mark.parametrize(("source", "line"), [case[1:] for case in APPS], ids=[case[0] for case in APPS])
def test_modal_apps(tmp_path: Path, source: str, line: int | None) -> None:
    _write(tmp_path, {MAIN: source + "\ndef handler(): pass\n"})
    if line is None:
        assert inspect_handler(str(tmp_path), "main.handler").kind == "sync"
        return
    with pytest.raises(BridgeError) as caught:
        inspect_handler(str(tmp_path), "main.handler")
    assert caught.value.code == "DEFINES_MODAL_APP"
    assert caught.value.data == {"file": MAIN, "line": line}


def test_a_long_chain_of_elifs(tmp_path: Path) -> None:
    """Each is one deeper in the tree than the one before."""
    chain = "".join(f"elif x == {index}: pass\n" for index in range(1, 1500))
    _write(tmp_path, {MAIN: f"if x == 0: pass\n{chain}else:\n    def handler(): pass\n"})
    assert inspect_handler(str(tmp_path), "main.handler").line == 1502
