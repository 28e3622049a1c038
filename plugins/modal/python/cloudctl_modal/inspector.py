"""Reads a handler with Python's ``ast``: the user's code is never imported."""

from __future__ import annotations

import ast
import difflib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from cloudctl_modal.bindings import Binding, modal_app_line, module_bindings
from cloudctl_modal.errors import BridgeError
from cloudctl_modal.module_path import LeftOut, ModulePath
from cloudctl_modal.protocol import HandlerKind, Parameter, Signature
from cloudctl_modal.sources import read_module

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


def inspect_handler(directory: str, handler: str, path: ModulePath | None = None) -> Signature:
    """What ``handler`` ("module.attribute") in ``directory`` is; ``path`` when its modules are known already.

    Raises BridgeError: HANDLER_NOT_FOUND, SYNTAX_ERROR, DEFINES_MODAL_APP, INVALID for a file that cannot be read.
    """
    if not Path(directory).is_dir():
        raise _missing("file", f"The directory {directory} does not exist.", [])
    path = path or ModulePath(directory)
    module_name, _, attribute = handler.rpartition(".")
    if (
        not re.fullmatch(r"\w+(\.\w+)+", handler)
        or attribute == "py"
        or not all(map(str.isidentifier, handler.split(".")))
    ):
        raise _malformed(path, handler)
    file = _find_module(path, module_name)
    if file is None:
        raise _no_module(path, module_name, attribute)
    module = _parse(path, module_name, file)
    line = modal_app_line(module.tree)
    if line is not None:
        message = (
            f"{file}, line {line}, defines a Modal app of its own. "
            f"Deploy it with 'modal deploy {file}', or take the app out."
        )
        raise BridgeError("DEFINES_MODAL_APP", message, {"file": file, "line": line})
    return replace(_signature(module, attribute, handler), root=path.root)


def _signature(module: _Module, attribute: str, handler: str) -> Signature:
    binding = module.bindings.get(attribute)
    node = binding.node if binding is not None else None
    kind: HandlerKind = "unknown"
    parameters = _ANYTHING
    if isinstance(node, ast.ClassDef):
        message = f"{handler} is a class; a handler must be a function. Give the name of a function that uses it."
        raise _missing("class", message, _suggest(module, attribute))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        kind = kind_of(node)
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


def kind_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> HandlerKind:
    """Whether a function returns or yields, at once or later."""
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


def _parse(path: ModulePath, name: str, file: str) -> _Module:
    tree = read_module(path.directory, file)
    bindings, star_line = module_bindings(tree)
    return _Module(name, file, tree, bindings, star_line)


def _find_module(path: ModulePath, name: str) -> str | None:
    """The module's file, relative."""
    place = path.find(name.split("."))
    return place.file if place is not None else None


def _missing(reason: str, message: str, suggestions: list[str]) -> BridgeError:
    return BridgeError("HANDLER_NOT_FOUND", message, {"suggestions": [*suggestions], "reason": reason})


def _malformed(path: ModulePath, handler: str) -> BridgeError:
    """Handlers written in another tool's way: main.py, main:handler, main.py:handler, src/main.handler."""
    guess = re.sub(r"\.py(?=$|[:.])", "", handler).replace(":", ".").replace("/", ".").replace("\\", ".").strip(".")
    if path.root is not None:
        guess = guess.removeprefix(f"{path.root}.")
    suggestions: list[str] = []
    if "." in guess:
        try:
            inspect_handler(path.directory, guess, path)
            suggestions = [guess]
        except BridgeError as error:
            found = (error.data or {}).get("suggestions")
            suggestions = [str(item) for item in found] if isinstance(found, list) else []
    elif guess:
        suggestions = _functions_of(path, guess) or [
            f"{module}.{guess}" for module in _modules(path) if guess in _function_names(path, module)
        ]
    hint = f" Did you mean {suggestions[0]}?" if suggestions else ""
    message = f"A handler is written module.function, such as main.handler; {handler!r} is not.{hint}"
    return _missing("attribute", message, suggestions[:3])


def _no_module(path: ModulePath, module_name: str, attribute: str) -> BridgeError:
    owner, _, class_name = module_name.rpartition(".")
    if owner and (file := _find_module(path, owner)):
        module = _try_parse(path, owner, file)
        binding = module.bindings.get(class_name) if module else None
        if module and binding and isinstance(binding.node, ast.ClassDef):
            message = (
                f"{module_name} is a class, and a method of a class cannot be a handler. Give the name of a function."
            )
            return _missing("class", message, _suggest(module, attribute))
    modules = _modules(path)
    near = difflib.get_close_matches(module_name, modules, 3, 0.6)
    near += [name for name in modules if name.rpartition(".")[2] == module_name.rpartition(".")[2] and name not in near]
    near += [name for name in modules if name.lower() == module_name.lower() and name not in near]
    suggestions: list[str] = []
    for name in near[:3]:
        names = _function_names(path, name)
        close = [attribute] if attribute in names else difflib.get_close_matches(attribute, names, 1, 0.5)
        suggestions += [f"{name}.{found}" for found in close or names[:1]]
    hint = f" Did you mean {suggestions[0]}?" if suggestions else ""
    left_out = _left_out(path, module_name.split("."))
    if left_out is not None:
        message = f"The module {module_name} is not in the package: {left_out.path} is left out ({left_out.by})."
        return _missing("file", message, [])
    return _missing(
        "file", f"There is no {module_name.replace('.', '/')}.py among the files to deploy.{hint}", suggestions
    )


def _left_out(path: ModulePath, parts: list[str]) -> LeftOut | None:
    """The part of a module's name that the package leaves out."""
    folders = path.roots
    for part in parts:
        place = path.inside(folders, part)
        if place is None:
            return path.left_out(folders, part)
        folders = place.folders
    return None


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


def _try_parse(path: ModulePath, name: str, file: str) -> _Module | None:
    try:
        return _parse(path, name, file)
    except BridgeError:
        return None


def _function_names(path: ModulePath, name: str) -> list[str]:
    file = _find_module(path, name)
    module = _try_parse(path, name, file) if file else None
    if module is None:
        return []
    return [
        found
        for found, binding in module.bindings.items()
        if isinstance(binding.node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _functions_of(path: ModulePath, name: str) -> list[str]:
    return [f"{name}.{found}" for found in _function_names(path, name)]


def _modules(path: ModulePath) -> list[str]:
    """Importable names of the Python files in the package, those near its top first."""
    found: dict[str, None] = {}
    looked_at = 0
    waiting: list[tuple[str, tuple[str, ...]]] = [(root, ()) for root in reversed(path.roots)]
    while waiting and looked_at <= _MOST_FILES:
        folder, prefix = waiting.pop(0)
        entries = path.entries(folder)
        looked_at += len(entries)
        if prefix and entries.get("__init__.py") == "file":
            found[".".join(prefix)] = None
        for name, place in path.names([folder]).items():
            if entries.get(name) != "folder":
                found[".".join((*prefix, name))] = None
            elif name not in _SKIPPED and place not in path.roots:
                waiting.append((place, (*prefix, name)))
    return sorted(found, key=lambda name: name.count("."))
