"""What a module imports when it runs in the container, read from its syntax tree."""

from __future__ import annotations

import ast
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_IMPORT_FAILURES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_DYNAMIC = frozenset({"__getattr__", "__path__", "globals", "locals", "vars", "setattr", "exec", "__dict__"})
_ORDER: dict[type[ast.cmpop], Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


@dataclass(frozen=True)
class Import:
    """One import: ``names`` of a ``from`` import, else none; ``level`` counts the leading dots.

    ``optional``: the code goes on when it fails.
    """

    module: str
    names: tuple[str, ...]
    level: int
    line: int
    optional: bool


def may_import_by_call(source: bytes) -> bool:
    """Whether expressions must be looked into: they are most of a tree, and import next to never."""
    return b"import_module" in source or b"__import__" in source


def imports_of(tree: ast.Module, python: tuple[int, int], calls: bool = False) -> list[Import]:
    """Every import, inside functions too, in the order of the file; ``calls`` when expressions may import as well.

    Left out is what the container never reaches: ``if TYPE_CHECKING``, ``if __name__ == "__main__"``, another platform,
    another Python.
    """
    found: list[Import] = []
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:  # No recursion: a chain of a thousand elifs is as deep as it is long.
        node, optional = waiting.pop()
        if isinstance(node, ast.Import):
            found += [Import(alias.name, (), 0, node.lineno, optional) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            found.append(Import(node.module or "", names, node.level, node.lineno, optional))
        elif isinstance(node, ast.If):
            truth = _truth(node.test, python)
            waiting += [(node.test, optional)] if calls else []
            waiting += _each(node.body if truth is not False else (), optional)
            waiting += _each(node.orelse if truth is not True else (), optional)
        elif isinstance(node, ast.Try) or type(node).__name__ == "TryStar":
            waiting += _try_parts(node, optional)
        elif isinstance(node, ast.With) and any(_suppresses(item.context_expr) for item in node.items):
            waiting += _each(node.body, True)
        else:
            if isinstance(node, ast.Call) and (imported := _import_call(node, optional)):
                found.append(imported)
            waiting += _each(ast.iter_child_nodes(node) if calls else _statements_in(node), optional)
    return sorted(found, key=lambda item: item.line)


def _statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """The statements inside of a statement; except clauses and cases have some of their own."""
    for name in ("body", "orelse", "finalbody", "cases"):
        inner = getattr(node, name, None)
        if isinstance(inner, list):  # The body of a lambda is an expression.
            yield from inner


def _each(nodes: Iterable[ast.AST], optional: bool) -> list[tuple[ast.AST, bool]]:
    return [(node, optional) for node in nodes]


def _try_parts(node: ast.AST, optional: bool) -> list[tuple[ast.AST, bool]]:
    """The body may fail when a handler takes it; what the handler imports instead is then a second choice."""
    handlers: list[ast.ExceptHandler] = getattr(node, "handlers", [])
    takes = [handler for handler in handlers if _takes_import_errors(handler.type)]
    parts = _each(getattr(node, "body", []), optional or bool(takes))
    for handler in handlers:
        parts += _each(handler.body, optional or handler in takes)
    return parts + _each([*getattr(node, "orelse", []), *getattr(node, "finalbody", [])], optional)


def _takes_import_errors(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    return any(_last_name(part) in _IMPORT_FAILURES for part in (kind.elts if isinstance(kind, ast.Tuple) else [kind]))


def _suppresses(call: ast.expr) -> bool:
    if not isinstance(call, ast.Call) or _last_name(call.func) != "suppress":
        return False
    return any(_takes_import_errors(argument) for argument in call.args)


def _last_name(node: ast.AST | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _import_call(call: ast.Call, optional: bool) -> Import | None:
    """``importlib.import_module("name")`` and ``__import__("name")``; a relative name with the module's own package."""
    function = _last_name(call.func)
    if function not in ("import_module", "__import__") or not call.args:
        return None
    first = call.args[0]
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return None
    name = first.value.lstrip(".")
    level = len(first.value) - len(name)
    if not all(part.isidentifier() for part in name.split(".")):
        return None
    if level:
        package = call.args[1] if len(call.args) > 1 else next((item.value for item in call.keywords), None)
        if function == "__import__" or _last_name(package) != "__package__":
            return None
    return Import(name, (), level, call.lineno, optional)


def _truth(test: ast.expr, python: tuple[int, int]) -> bool | None:
    """What a condition is in the container, or None: only running it would tell."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if _last_name(test) == "TYPE_CHECKING":
        return False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _truth(test.operand, python)
        return None if inner is None else not inner
    if isinstance(test, ast.BoolOp):
        values = [_truth(value, python) for value in test.values]
        decisive = isinstance(test.op, ast.Or)
        return decisive if decisive in values else None if None in values else not decisive
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _comparison(test.left, test.ops[0], test.comparators[0], python)
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "startswith":
        prefix = test.args[0] if test.args else None
        if _dotted(test.func.value) == "sys.platform" and isinstance(prefix, ast.Constant):
            return "linux".startswith(str(prefix.value))
    return None


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr, python: tuple[int, int]) -> bool | None:
    compare = _ORDER.get(type(op))
    if compare is None:
        return None
    name = _dotted(left)
    if isinstance(right, ast.Constant) and isinstance(right.value, str) and isinstance(op, ast.Eq | ast.NotEq):
        known = {"sys.platform": "linux", "os.name": "posix"}
        if name == "__name__" and right.value == "__main__":
            return isinstance(op, ast.NotEq)
        return None if name not in known else (known[name] == right.value) == isinstance(op, ast.Eq)
    if name == "sys.version_info" and isinstance(right, ast.Tuple):
        numbers = [item.value for item in right.elts if isinstance(item, ast.Constant) and isinstance(item.value, int)]
        # The patch level is not known: one as high as they come.
        mine = (*python, 99)[: len(numbers) if isinstance(left, ast.Subscript) else None]
        return compare(mine, tuple(numbers)) if numbers else None
    if isinstance(left, ast.Subscript) and isinstance(right, ast.Constant) and isinstance(right.value, int):
        first = isinstance(left.slice, ast.Constant) and left.slice.value == 0
        return compare((python[0],), (right.value,)) if first and _dotted(left.value) == "sys.version_info" else None
    return None


def _dotted(node: ast.expr) -> str:
    """``sys.version_info`` also for a slice of it."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        node = node.value
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True)
class Names:
    """What a package's ``__init__`` has: ``bound`` names; ``open`` when only running it would tell all of them."""

    bound: frozenset[str]
    open: bool
    exported: tuple[str, ...]  # __all__, where it is a plain list


def names_of(tree: ast.Module) -> Names:
    """Every name that may be bound at the top level; rather one too many."""
    bound: set[str] = set()
    is_open = False
    exported: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Global):
            bound |= set(node.names)
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                bound.add(node.id)
            is_open = is_open or node.id in _DYNAMIC
        elif isinstance(node, ast.Attribute):
            is_open = is_open or node.attr in ("modules", "__dict__", "__path__")
        if isinstance(node, ast.Assign) and [_last_name(target) for target in node.targets] == ["__all__"]:
            exported = [
                item.value
                for item in getattr(node.value, "elts", [])
                if isinstance(item, ast.Constant) and isinstance(item.value, str)
            ]
    return Names(frozenset(bound), is_open or "*" in bound or bool(bound & _DYNAMIC), tuple(exported))
