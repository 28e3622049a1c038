"""Finds out, once, how far this machine lets an unprivileged process separate itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from enum import Enum
from pathlib import Path

_log = logging.getLogger(__name__)

LAUNCHER = Path(__file__).with_name("launcher.py")
_PROBE_TIMEOUT = 10.0


class Isolation(Enum):
    """How containers are separated from the host."""

    FULL = "own file system view and own process namespace"
    MOUNTS = "own file system view"
    NONE = "plain processes in a directory of their own"

    @property
    def real_paths(self) -> bool:
        """Whether /root and volume mount paths exist inside the container as on Modal."""
        return self is not Isolation.NONE

    @property
    def own_processes(self) -> bool:
        """Whether all processes of a container end with its first one."""
        return self is Isolation.FULL


SWITCH = "MODAL_LOCAL_ISOLATION"
"""Environment variable that limits what is tried: ``full`` (the default), ``mounts`` or ``none``."""

_ALLOWED = {"full": (Isolation.FULL, Isolation.MOUNTS), "mounts": (Isolation.MOUNTS,), "none": ()}


async def probe(directory: Path) -> Isolation:
    """Try the ways from best to plainest with a command that does nothing. ``directory`` is for temporary files."""
    allowed = _ALLOWED.get(os.environ.get(SWITCH, ""), _ALLOWED["full"])
    if sys.platform != "linux" or not allowed:
        return Isolation.NONE
    for candidate in allowed:
        if await _works(directory, candidate):
            return candidate
    _log.warning("no unprivileged namespaces here: functions run as plain processes, mount paths are not real")
    return Isolation.NONE


async def _works(directory: Path, candidate: Isolation) -> bool:
    work = directory / f"probe-{candidate.name.lower()}"
    new_root = work / "new"
    inside = work / "inside"
    new_root.mkdir(parents=True, exist_ok=True)
    inside.mkdir(exist_ok=True)
    (inside / "here").touch()
    plan = {
        "server_pid": os.getpid(),
        "argv": ["/bin/sh", "-c", "test -e /root/here"],
        "env": {},
        "cwd": "/",
        "isolate": True,
        "process_namespace": candidate.own_processes,
        "new_root": str(new_root),
        "hidden": [],
        "binds": [{"source": str(inside), "target": "/root", "read_only": False}],
    }
    file = work / "plan.json"
    file.write_text(json.dumps(plan))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(LAUNCHER), str(file),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        _, errors = await asyncio.wait_for(process.communicate(), _PROBE_TIMEOUT)
    except asyncio.TimeoutError:
        process.kill()
        await process.wait()
        return False
    if process.returncode != 0:
        _log.info("isolation %s does not work here: %s", candidate.name, errors.decode(errors="replace").strip())
    return process.returncode == 0
