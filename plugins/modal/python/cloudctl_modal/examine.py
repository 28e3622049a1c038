"""`examine`: what a handler imports, what of it is missing, and what the requirements do not name."""

from __future__ import annotations

import difflib
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cloudctl_modal.closure import MOST_BYTES, MOST_MODULES, Closure, External, closure_of
from cloudctl_modal.distributions import brings, canonical, likely_distribution, with_what_they_bring
from cloudctl_modal.inspector import inspect_handler
from cloudctl_modal.missing import modules_missing
from cloudctl_modal.module_path import ModulePath
from cloudctl_modal.requirements import Requirements, read_requirements
from cloudctl_modal.stdlib import added_in, can_be_hidden, removed_in, standard_modules, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloudctl_modal.errors import Json
    from cloudctl_modal.params import ExamineParams

# Modal's SDK needs them, and keeps copies in every container that nobody else is meant to use.
_OF_THE_SDK = words("aiohttp cbor2 certifi click grpclib rich synchronicity toml typing_extensions watchfiles")


def examine(params: ExamineParams) -> dict[str, Json]:
    """The protocol's result of `examine`. BridgeError as `inspect`, and MODULE_MISSING."""
    path = ModulePath(params.directory, {rule.path: rule.by for rule in params.ignored})
    signature = inspect_handler(params.directory, params.handler, path)
    requirements = Requirements("")
    if params.requirements is not None:
        requirements = read_requirements(params.directory, params.requirements, params.extras, params.python)
    have = with_what_they_bring(requirements.names)
    open_ended = params.image_brings or requirements.opaque
    closure = closure_of(
        signature.module, signature.file, path, params.python, lambda module: brings(have, module), open_ended
    )
    if closure.missing:
        raise modules_missing(closure.missing)
    warnings = [
        *requirements.notes,
        *_shadows(path, params.python, closure),
        *([] if params.image_brings else _uncovered(closure, requirements, params, path)),
    ]
    if closure.truncated:
        limit = f"{MOST_MODULES:,} modules, or {MOST_BYTES // 1_000_000} MB of them"
        warnings.append(f"{params.handler} imports more than {limit}; the others were not looked at.")
    return {
        "signature": signature.to_json(),
        "modules": [{"name": name, "file": file} for name, file in closure.modules.items()],
        "warnings": [*warnings],
    }


def _shadows(path: ModulePath, python: str, closure: Closure) -> Iterator[str]:
    """Modules of the project under the names of Python's own, or of modal."""
    standard = standard_modules(python)
    for root in path.roots:
        for name, file in path.names([root]).items():
            place = path.inside([root], name)
            if place is None or place.kind == "namespace":
                continue
            if name == "modal":
                yield f"The package has {file}, which hides Modal's own package in the container. Rename it."
            elif name in standard and can_be_hidden(name):
                yield (
                    f"The package has {file}, which hides Python's own module {name} in the container, "
                    "also from Modal and from every library. Rename it."
                )
    for name, found in closure.hidden.items():
        yield (
            f"{found.file}:{found.line} imports {name}, which is always Python's own module, and never "
            f"{path.names(path.roots)[name]} of the project. Rename the file."
        )


def _uncovered(closure: Closure, requirements: Requirements, params: ExamineParams, path: ModulePath) -> Iterator[str]:
    """One warning for each package that nothing brings."""
    said: set[str] = set()
    for found in closure.externals.values():
        top = found.module.split(".")[0]
        removed, added = removed_in(top, params.python), added_in(top, params.python)
        package = likely_distribution(found.module)
        if canonical(package) in said or (requirements.opaque and removed is None and added is None):
            continue
        said.add(canonical(package))
        where = f"{found.file}:{found.line} imports {found.module}"
        if removed is not None:
            other = f", or {_add(package, params)}" if package != top else ""
            yield (
                f"{where}, which Python {params.python} no longer has: it went with 3.{removed}. "
                f"Choose --runtime python3{removed - 1} or older{other}."
            )
        elif added is not None:
            yield (
                f"{where}, which Python {params.python} does not have yet: it came with 3.{added}. "
                f"Choose --runtime python3{added} or newer, or {_add(package, params)}."
            )
        else:
            yield f"{where}, {_why(found, top, package, requirements, params, path)}"


def _why(
    found: External, top: str, package: str, requirements: Requirements, params: ExamineParams, path: ModulePath
) -> str:
    for extra, names in requirements.on_request.items():
        if brings(with_what_they_bring(names), found.module):
            return f"which only the extra {extra} of {params.requirements} brings. Choose it: --extra {extra}"
    local = path.names(path.roots)
    near = difflib.get_close_matches(top, local, 1, 0.8)
    typo = f"Did you mean {near[0]} ({local[near[0]]})? Else: " if near else ""
    if top in local:
        typo = f"The folder {local[top]} has no Python in it. "
    sdk = " Modal's own copy in the container is not meant for you." if top in _OF_THE_SDK else ""
    if params.requirements is None:
        why = f"which is not in the project, and the function has no requirements.{sdk} {typo}"
    else:
        why = f"which is neither in the project nor in {params.requirements}.{sdk} {typo}"
    what = _add(package, params)
    return f"{why}{what[0].upper()}{what[1:]}."


def _add(package: str, params: ExamineParams) -> str:
    """How a package comes into the requirements that the function has."""
    kind = PurePosixPath(params.requirements or "").name
    if params.requirements is None:
        return f'add "{package}" to a requirements.txt in the project'
    if kind == "uv.lock":
        return f"add it with: uv add {package}"
    if kind == "pyproject.toml":
        return f'add "{package}" to the dependencies in {params.requirements}'
    return f'add "{package}" to {params.requirements}'
