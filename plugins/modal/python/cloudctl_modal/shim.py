"""The one file that CloudCTL adds to a deployment: it stands between Modal and the user's function.

Modal's SDK wants a Python function at deploy time, and imports the same name from the same file in the container. In
the container that name is the user's own function. On this machine it is a stand-in of the same kind and parameters, so
that the user's code, and what it imports, is never needed here.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from cloudctl_modal.protocol import HandlerKind, Parameter, Signature

_CONTAINER = Path(__file__).resolve().parent / "container"
_RUNTIME = ("jsonable", "arguments", "asgi")  # In the order of their imports from each other.

_HEAD = '''"""Written by CloudCTL: {purpose}."""
from __future__ import annotations

import os

'''

# The package itself is on the path already; its src folder comes right behind.
_ROOT = """import sys

_package = os.path.dirname(os.path.abspath(__file__))
if os.environ.get("MODAL_IS_REMOTE") == "1" and os.path.join(_package, {root!r}) not in sys.path:
    _index = sys.path.index(_package) + 1 if _package in sys.path else 1
    sys.path.insert(_index, os.path.join(_package, {root!r}))

"""

_FUNCTION = """if os.environ.get("MODAL_IS_REMOTE") == "1":
    import importlib

    entry = getattr(importlib.import_module({module!r}), {attribute!r})
else:

{stand_in}
"""

# For a name that only running the module explains: whatever it turns out to be, it is served as a plain function.
_UNKNOWN = """if os.environ.get("MODAL_IS_REMOTE") == "1":
    import asyncio
    import concurrent.futures
    import importlib
    import inspect

    _handler = getattr(importlib.import_module({module!r}), {attribute!r})

    async def _settle(result):
        if inspect.isawaitable(result):
            result = await result
        if inspect.isasyncgen(result):
            result = [item async for item in result]
        return result

    def entry(*args, **kwargs):
        result = _handler(*args, **kwargs)
        if inspect.isawaitable(result) or inspect.isasyncgen(result):
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                result = pool.submit(asyncio.run, _settle(result)).result()
        return list(result) if inspect.isgenerator(result) else result
else:

{stand_in}
"""

_WEB = """
if os.environ.get("MODAL_IS_REMOTE") == "1":
    import importlib

    _handler = getattr(importlib.import_module({module!r}), {attribute!r})


def web():
    blocking = not (inspect.iscoroutinefunction(_handler) or inspect.isasyncgenfunction(_handler))
    return Adapter(_handler, slots_of(_handler), blocking)
"""

# The function itself runs elsewhere (it holds a GPU and one model in memory); this one only carries.
_FORWARD = """

def web():
    import modal

    function = modal.Function.from_name({app!r}, {function!r})
    slots = tuple(Slot(*slot) for slot in {slots!r})
    return Adapter(function.{method}.aio, slots, False)
"""


@dataclass(frozen=True)
class Shim:
    """A file to be written; ``entry`` is the name of the function in it."""

    stem: str
    source: str
    entry: str


def _parameter_list(parameters: tuple[Parameter, ...]) -> str:
    parts: list[str] = []
    keyword_only = False
    for parameter in parameters:
        if parameter.kind == "varPositional":
            parts.append(f"*{parameter.name}")
            keyword_only = True
        elif parameter.kind == "varKeyword":
            parts.append(f"**{parameter.name}")
        else:
            if parameter.kind == "keyword" and not keyword_only:
                parts.append("*")
                keyword_only = True
            parts.append(parameter.name if parameter.required else f"{parameter.name}=None")
    return ", ".join(parts)


def _stand_in(signature: Signature) -> str:
    kinds: dict[HandlerKind, tuple[str, str]] = {
        "sync": ("def", ""),
        "unknown": ("def", ""),
        "async": ("async def", ""),
        "generator": ("def", "        yield\n"),
        "asyncGenerator": ("async def", "        yield\n"),
    }
    definition, body = kinds[signature.kind]
    refusal = '        raise RuntimeError("this function runs on Modal only")\n'
    return f"    {definition} entry({_parameter_list(signature.parameters)}):\n{body}{refusal}"


@cache
def container_source() -> str:
    """The files of container/ joined into one."""
    parts: list[str] = []
    for name in _RUNTIME:
        source = (_CONTAINER / f"{name}.py").read_text(encoding="utf-8")
        source = re.sub(r"^from (__future__|cloudctl_modal\.\S+) import .*\n", "", source, flags=re.MULTILINE)
        parts.append(source)
    return "\n\n".join(parts)


def _head(signature: Signature, purpose: str) -> str:
    head = _HEAD.format(purpose=purpose)
    return head if signature.root is None else head + _ROOT.format(root=signature.root)


def _shim(source: str, entry: str) -> Shim:
    # The stem follows from the content: the same deployment has the same files, and two different ones never collide.
    return Shim(f"_cloudctl_{hashlib.sha256(source.encode()).hexdigest()[:12]}", source, entry)


def function_shim(signature: Signature) -> Shim:
    """The shim of a function."""
    template = _UNKNOWN if signature.kind == "unknown" else _FUNCTION
    handler = f"{signature.module}.{signature.attribute}"
    source = _head(signature, f"stands for {handler}") + template.format(
        module=signature.module, attribute=signature.attribute, stand_in=_stand_in(signature)
    )
    return _shim(source, "entry")


def http_shim(signature: Signature) -> Shim:
    """The shim of an HTTP companion that runs the handler itself."""
    handler = f"{signature.module}.{signature.attribute}"
    source = _head(signature, f"answers HTTP for {handler}") + container_source()
    return _shim(source + _WEB.format(module=signature.module, attribute=signature.attribute), "web")


def forwarding_shim(signature: Signature, app: str, function: str) -> Shim:
    """The shim of an HTTP companion that hands every request to the function ``function`` of ``app``."""
    slots = [(parameter.name, parameter.kind, parameter.required) for parameter in signature.parameters]
    streams = signature.kind in ("generator", "asyncGenerator")
    source = _HEAD.format(purpose=f"answers HTTP for {app}/{function}") + container_source()
    method = "remote_gen" if streams else "remote"
    return _shim(source + _FORWARD.format(app=app, function=function, slots=slots, method=method), "web")


@contextmanager
def loaded(shim: Shim, directory: str) -> Iterator[Callable[..., object]]:
    """Write the shim into ``directory``, import it, give its function.

    The module is registered only inside the block: the SDK looks it up while it registers the function, and two deploys
    in one process must not see each other's.
    """
    path = Path(directory, f"{shim.stem}.py")
    path.write_bytes(shim.source.encode())
    spec = importlib.util.spec_from_file_location(shim.stem, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"no loader for {path}")
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules[shim.stem] = module
    try:
        spec.loader.exec_module(module)
        function: Callable[..., object] = getattr(module, shim.entry)
        yield function
    finally:
        sys.modules.pop(shim.stem, None)
