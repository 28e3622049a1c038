"""Where the Python that runs this server keeps what containers need of it."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def interpreter_directories() -> tuple[str, ...]:
    """Return the directories that must stay reachable for ``sys.executable`` and the SDK to work."""
    candidates = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    candidates.update(path for path in sysconfig.get_paths().values())
    candidates.add(sdk_directory())
    # A virtual environment's python is a link, possibly through several: each stop must be there.
    link = Path(sys.executable)
    while link.is_symlink():
        link = link.parent / link.readlink()
        candidates.add(os.path.normpath(link.parent))
    existing = sorted({os.path.normpath(path) for path in candidates if Path(path).is_dir()}, key=len)
    kept: list[str] = []
    for path in existing:
        if not any(path == parent or path.startswith(parent + "/") for parent in kept):
            kept.append(path)
    return tuple(kept)


@lru_cache(maxsize=1)
def sdk_directory() -> str:
    """Return the directory on ``sys.path`` from which ``modal`` is imported."""
    spec = importlib.util.find_spec("modal")
    if spec is None or spec.origin is None:
        message = "the Modal SDK is not installed beside this server"
        raise RuntimeError(message)
    return str(Path(spec.origin).parent.parent)


@lru_cache(maxsize=1)
def extra_python_path() -> tuple[str, ...]:
    """Return directories that a fresh interpreter would not search by itself but needs for the SDK."""
    standard = {os.path.normpath(path) for path in sysconfig.get_paths().values()}
    return () if os.path.normpath(sdk_directory()) in standard else (sdk_directory(),)
