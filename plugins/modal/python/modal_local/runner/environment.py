"""The environment variables of a container: an allow-list, the function's own, and what the SDK needs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modal_local.runner.filesystem import ARGUMENTS_NAME, HOME, PRIVATE
from modal_local.runner.interpreter import extra_python_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modal_local.runner.filesystem import ContainerFiles

_KEPT = ("PATH", "LANG", "TZ", "LD_LIBRARY_PATH")
"""The last one because some interpreters do not start without it."""
_LOOPBACK = "127.0.0.1,localhost"

TASK_ID_HEADER = "x-modal-task-id"
TASK_SECRET_HEADER = "x-modal-task-secret"


def launcher_environment() -> dict[str, str]:
    """Return what the launcher itself needs: nothing but a way to start the interpreter."""
    path = os.environ.get("LD_LIBRARY_PATH")
    return {"LD_LIBRARY_PATH": path} if path else {}


def container_environment(
    *,
    files: ContainerFiles,
    real_paths: bool,
    server_url: str,
    task_id: str,
    task_secret: str,
    image_id: str,
    environment_name: str,
    own: Mapping[str, str],
) -> dict[str, str]:
    """Put a container's environment together. ``own`` are the values of the image and the function's secrets."""
    inside = (lambda path: path) if real_paths else (lambda path: str(files.inside(path)))
    result = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("LC_")}
    executable_directory = str(Path(sys.executable).parent)
    result["PATH"] = os.pathsep.join([executable_directory, result.get("PATH") or os.defpath])
    result["HOME"] = inside(HOME)
    result["TMPDIR"] = inside("/tmp")
    result["PYTHONUNBUFFERED"] = "1"
    result.update(own)
    python_path = [inside(HOME), *extra_python_path()]
    if own.get("PYTHONPATH"):
        python_path.append(own["PYTHONPATH"])
    result.update(
        {
            "PYTHONPATH": os.pathsep.join(python_path),
            "MODAL_IS_REMOTE": "1",
            "MODAL_SERVER_URL": server_url,
            "MODAL_TASK_ID": task_id,
            "MODAL_IMAGE_ID": image_id,
            "MODAL_ENVIRONMENT": environment_name,
            "MODAL_CONTAINER_ARGUMENTS_PATH": inside(f"{PRIVATE}/{ARGUMENTS_NAME}"),
            "MODAL_CONFIG_PATH": inside(f"{PRIVATE}/no-config.toml"),
            "MODAL_DISABLE_API_PROXY": "1",
            # The SDK adds these to each of its requests: that is how the server knows who asks.
            "MODAL_OVERRIDE_HEADERS": f"{TASK_ID_HEADER}:{task_id},{TASK_SECRET_HEADER}:{task_secret}",
        }
    )
    for name in ("NO_PROXY", "no_proxy"):
        others = own.get(name)
        result[name] = f"{_LOOPBACK},{others}" if others else _LOOPBACK
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "MODAL_PROFILE"):
        result.pop(name, None)
    return result
