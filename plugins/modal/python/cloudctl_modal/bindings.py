"""What a module's top level binds to its names, read from its syntax tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Binding:
    """The last thing that a name is bound to: a def, a class, a lambda, or (None) something that only running tells."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | None
    line: int


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, also inside if, try, with, for, while and match."""
    waiting = [iter(body)]  # No recursion: a chain of a thousand elifs is as deep as it is long.
    while waiting:
        statement = next(waiting[-1], None)
        if statement is None:
            waiting.pop()
            continue
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting.append(iter(list(_inside(statement))))


def _inside(statement: ast.stmt) -> Iterator[ast.stmt]:
    for name in ("body", "orelse", "handlers", "finalbody", "cases"):
        for child in getattr(statement, name, []):
            if isinstance(child, ast.stmt):
                yield child
            else:  # An except clause or a case has a body of its own.
                yield from child.body


def _targets(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def module_bindings(tree: ast.Module) -> tuple[dict[str, Binding], int | None]:
    """The bindings by name, and the line of a star import, which may bind any name."""
    found: dict[str, Binding] = {}
    star_line: int | None = None
    for statement in _statements(tree.body):
        line = statement.lineno
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[statement.name] = Binding(statement, line)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            for alias in statement.names:
                if alias.name == "*":
                    star_line = line
                else:
                    found[alias.asname or alias.name.split(".")[0]] = Binding(None, line)
        elif isinstance(statement, ast.Assign):
            simple = statement.value if isinstance(statement.value, ast.Lambda) else None
            for target in statement.targets:
                for name in _targets(target):
                    found[name] = Binding(simple if isinstance(target, ast.Name) else None, line)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            simple = statement.value if isinstance(statement.value, ast.Lambda) else None
            for name in _targets(statement.target):
                found[name] = Binding(simple, line)
        elif isinstance(statement, ast.Delete):
            for deleted in statement.targets:
                if isinstance(deleted, ast.Name):
                    found.pop(deleted.id, None)
        else:
            for name in _bound_elsewhere(statement):
                found[name] = Binding(None, line)
    return found, star_line


def _bound_elsewhere(statement: ast.stmt) -> Iterator[str]:
    """Names of for, with and := (the latter two are rare as handlers, but they are bound)."""
    if isinstance(statement, ast.For | ast.AsyncFor):
        yield from _targets(statement.target)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            if item.optional_vars is not None:
                yield from _targets(item.optional_vars)
    elif isinstance(statement, ast.Expr):
        for node in ast.walk(statement):
            if isinstance(node, ast.NamedExpr) and isinstance(node.target, ast.Name):
                yield node.target.id


def modal_app_line(tree: ast.Module) -> int | None:
    """The line on which importing the module would define a Modal app, or None.

    Importing modal, or using it inside a function, defines none.
    """
    modules: set[str] = set()
    makers: set[str] = set()
    for statement in _statements(tree.body):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name == "modal" or (alias.name.startswith("modal.") and alias.asname is None):
                    modules.add(alias.asname or "modal")
                elif alias.name == "modal.app":
                    modules.add(alias.asname or "")
        elif isinstance(statement, ast.ImportFrom) and statement.module in ("modal", "modal.app"):
            for alias in statement.names:
                if alias.name == "App":
                    makers.add(alias.asname or "App")
                elif alias.name == "*":
                    makers.add("App")
                elif alias.name == "app":
                    modules.add(alias.asname or "app")
    if not modules and not makers:
        return None
    lines = [node.lineno for node in _run_on_import(tree) if _makes_app(node, modules, makers)]
    return min(lines, default=None)


def _run_on_import(tree: ast.Module) -> Iterator[ast.Call]:
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting += node.decorator_list
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting += ast.iter_child_nodes(node)


def _makes_app(call: ast.Call, modules: set[str], makers: set[str]) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id in makers
    if isinstance(function, ast.Attribute) and function.attr == "App":
        value = function.value
        if isinstance(value, ast.Attribute) and value.attr == "app":
            value = value.value
        return isinstance(value, ast.Name) and value.id in modules
    return False
