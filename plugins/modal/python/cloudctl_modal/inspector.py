"""Reads a handler with Python's ``ast``: the user's code is never imported."""

from __future__ import annotations

import ast
import difflib
import os
import platform
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from cloudctl_modal.bindings import Binding, modal_app_line, module_bindings
from cloudctl_modal.errors import BridgeError, Json
from cloudctl_modal.protocol import HandlerKind, Parameter, Signature

_ANYTHING: tuple[Parameter, ...] = (Parameter("args", "varPositional", False), Parameter("kwargs", "varKeyword", False))
_SKIPPED = {"__pycache__", "node_modules", "venv", "site-packages"}
_MOST_FILES = 2000  # Looked at for suggestions; more would make a typo slow.


@dataclass(frozen=True)
class _Module:
    name: str
    file: str  # relative, with forward slashes
    tree: ast.Module
    bindings: dict[str, Binding]
    star_line: int | None


def inspect_handler(directory: str, handler: str) -> Signature:
    """What ``handler`` ("module.attribute") in ``directory`` is.

    Raises BridgeError: HANDLER_NOT_FOUND, SYNTAX_ERROR, DEFINES_MODAL_APP.
    """
    if not Path(directory).is_dir():
        raise _missing("file", f"The directory {directory} does not exist.", [])
    module_name, _, attribute = handler.rpartition(".")
    if (
        not re.fullmatch(r"\w+(\.\w+)+", handler)
        or attribute == "py"
        or not all(map(str.isidentifier, handler.split(".")))
    ):
        raise _malformed(directory, handler)
    file = _find_module(directory, module_name)
    if file is None:
        raise _no_module(directory, module_name, attribute)
    module = _parse(directory, module_name, file)
    line = modal_app_line(module.tree)
    if line is not None:
        message = (
            f"{file}, line {line}, defines a Modal app of its own. "
            f"Deploy it with 'modal deploy {file}', or take the app out."
        )
        raise BridgeError("DEFINES_MODAL_APP", message, {"file": file, "line": line})
    return _signature(module, attribute, handler)


def _signature(module: _Module, attribute: str, handler: str) -> Signature:
    binding = module.bindings.get(attribute)
    node = binding.node if binding is not None else None
    kind: HandlerKind = "unknown"
    parameters = _ANYTHING
    if isinstance(node, ast.ClassDef):
        message = f"{handler} is a class; a handler must be a function. Give the name of a function that uses it."
        raise _missing("class", message, _suggest(module, attribute))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        kind = _kind(node)
        parameters = _parameters(node.args)
    elif isinstance(node, ast.Lambda):
        kind = "generator" if _yields(node) else "sync"
        parameters = _parameters(node.args)
    if binding is not None:
        line = binding.line
    elif module.star_line is not None:
        line = module.star_line
    else:
        suggestions = _suggest(module, attribute)
        hint = f" Did you mean {suggestions[0]}?" if suggestions else ""
        raise _missing("attribute", f"{module.file} has no {attribute!r} at its top level.{hint}", suggestions)
    return Signature(module.name, attribute, module.file, line, kind, parameters)


def _kind(node: ast.FunctionDef | ast.AsyncFunctionDef) -> HandlerKind:
    yields = _yields(node)
    if isinstance(node, ast.AsyncFunctionDef):
        return "asyncGenerator" if yields else "async"
    return "generator" if yields else "sync"


def _yields(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> bool:
    """Whether the function itself yields; what an inner function does is its own affair."""
    waiting: list[ast.AST] = [function.body] if isinstance(function, ast.Lambda) else list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # Its body is its own, its decorators and defaults are evaluated in ours.
            waiting += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.Lambda):
            waiting += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.ClassDef):
            waiting += [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]
        else:
            waiting += ast.iter_child_nodes(node)
    return False


def _parameters(arguments: ast.arguments) -> tuple[Parameter, ...]:
    found: list[Parameter] = []
    positional = [*arguments.posonlyargs, *arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    for index, argument in enumerate(positional):
        found.append(Parameter(argument.arg, "positional", index < first_default))
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, "varPositional", False))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(Parameter(argument.arg, "keyword", default is None))
    if arguments.kwarg:
        found.append(Parameter(arguments.kwarg.arg, "varKeyword", False))
    return tuple(found)


def _parse(directory: str, name: str, file: str) -> _Module:
    source = Path(directory, file).read_bytes()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "invalid escape sequence" is the user's affair.
            tree = ast.parse(source, filename=file)
    except SyntaxError as error:
        raise _syntax_error(file, error, source) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise _syntax_error(file, SyntaxError(str(error) or type(error).__name__), source) from None
    bindings, star_line = module_bindings(tree)
    return _Module(name, file, tree, bindings, star_line)


def _syntax_error(file: str, error: SyntaxError, source: bytes) -> BridgeError:
    line = max(error.lineno or 1, 1)
    lines = source.decode("utf-8", "replace").splitlines()
    text = (error.text or (lines[line - 1] if line <= len(lines) else "")).rstrip("\r\n")
    version = ".".join(platform.python_version_tuple()[:2])
    message = (
        f"{file}, line {line}: {error.msg}. The file was read with Python {version}; "
        "if it uses the syntax of a newer Python, run CloudCTL with that one."
    )
    data: dict[str, Json] = {"file": file, "line": line, "column": max(error.offset or 1, 1), "text": text}
    return BridgeError("SYNTAX_ERROR", message, data)


def _find_module(directory: str, name: str) -> str | None:
    """The module's file, relative: a package wins over a file of the same name, as in Python."""
    parts = name.split(".")
    for candidate in ("/".join([*parts, "__init__.py"]), "/".join(parts) + ".py"):
        if _is_file_of_this_case(directory, candidate):
            return candidate
    return None


def _is_file_of_this_case(directory: str, relative: str) -> bool:
    """Like ``isfile``, but with the case minded everywhere: the container's file system minds it."""
    if not Path(directory, relative).is_file():
        return False
    place = Path(directory)
    for part in relative.split("/"):
        if part not in {path.name for path in place.iterdir()}:
            return False
        place /= part
    return True


def _missing(reason: str, message: str, suggestions: list[str]) -> BridgeError:
    return BridgeError("HANDLER_NOT_FOUND", message, {"suggestions": [*suggestions], "reason": reason})


def _malformed(directory: str, handler: str) -> BridgeError:
    """Handlers written in another tool's way: main.py, main:handler, main.py:handler, src/main.handler."""
    guess = re.sub(r"\.py(?=$|[:.])", "", handler).replace(":", ".").replace("/", ".").replace("\\", ".").strip(".")
    suggestions: list[str] = []
    if "." in guess:
        try:
            inspect_handler(directory, guess)
            suggestions = [guess]
        except BridgeError as error:
            found = (error.data or {}).get("suggestions")
            suggestions = [str(item) for item in found] if isinstance(found, list) else []
    elif guess:
        suggestions = _functions_of(directory, guess) or [
            f"{module}.{guess}" for module in _modules(directory) if guess in _function_names(directory, module)
        ]
    hint = f" Did you mean {suggestions[0]}?" if suggestions else ""
    message = f"A handler is written module.function, such as main.handler; {handler!r} is not.{hint}"
    return _missing("attribute", message, suggestions[:3])


def _no_module(directory: str, module_name: str, attribute: str) -> BridgeError:
    owner, _, class_name = module_name.rpartition(".")
    if owner and (file := _find_module(directory, owner)):
        module = _try_parse(directory, owner, file)
        binding = module.bindings.get(class_name) if module else None
        if module and binding and isinstance(binding.node, ast.ClassDef):
            message = (
                f"{module_name} is a class, and a method of a class cannot be a handler. Give the name of a function."
            )
            return _missing("class", message, _suggest(module, attribute))
    modules = _modules(directory)
    near = difflib.get_close_matches(module_name, modules, 3, 0.6)
    near += [name for name in modules if name.rpartition(".")[2] == module_name.rpartition(".")[2] and name not in near]
    near += [name for name in modules if name.lower() == module_name.lower() and name not in near]
    suggestions: list[str] = []
    for name in near[:3]:
        names = _function_names(directory, name)
        close = [attribute] if attribute in names else difflib.get_close_matches(attribute, names, 1, 0.5)
        suggestions += [f"{name}.{found}" for found in close or names[:1]]
    hint = f" Did you mean {suggestions[0]}?" if suggestions else ""
    path = module_name.replace(".", "/")
    return _missing("file", f"There is no {path}.py among the files to deploy.{hint}", suggestions)


def _suggest(module: _Module, attribute: str) -> list[str]:
    names = [
        name
        for name, binding in module.bindings.items()
        if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    public = [name for name in names if not name.startswith("_")]
    near = difflib.get_close_matches(attribute, names, 3, 0.5)
    near += [name for name in names if name.lower() == attribute.lower() and name not in near]
    return [f"{module.name}.{name}" for name in near or (public if len(public) <= 3 else [])]


def _try_parse(directory: str, name: str, file: str) -> _Module | None:
    try:
        return _parse(directory, name, file)
    except (BridgeError, OSError):
        return None


def _function_names(directory: str, name: str) -> list[str]:
    file = _find_module(directory, name)
    module = _try_parse(directory, name, file) if file else None
    if module is None:
        return []
    return [
        found
        for found, binding in module.bindings.items()
        if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _functions_of(directory: str, name: str) -> list[str]:
    return [f"{name}.{found}" for found in _function_names(directory, name)]


def _modules(directory: str) -> list[str]:
    """Importable names of the Python files in the directory, those near its top first."""
    found: list[str] = []
    looked_at = 0
    for place, directories, files in os.walk(directory):
        directories[:] = sorted(name for name in directories if name.isidentifier() and name not in _SKIPPED)
        prefix = Path(place).relative_to(directory).parts
        for file in map(Path, sorted(files)):
            looked_at += 1
            if file.suffix == ".py" and file.stem.isidentifier():
                parts = prefix if file.stem == "__init__" else (*prefix, file.stem)
                if parts:
                    found.append(".".join(parts))
        if looked_at > _MOST_FILES:
            break
    return sorted(found, key=lambda name: name.count("."))
