"""A function's image: the base, what its requirements name, and the package as /root."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import modal

from cloudctl_modal.errors import BridgeError
from cloudctl_modal.packages import IGNORED

if TYPE_CHECKING:
    from cloudctl_modal.protocol import Function

_INCLUDE = re.compile(r"^(?:-r|--requirement)[ =]?\s*(\S+)\s*(?:#.*)?$")
# What pip must find beside the file: constraints, editable and other local installs, local archives and indexes.
_LOCAL = re.compile(
    r"^(?:-c|--constraint|-e|--editable|-f|--find-links)\b(?!.*://)|^\.|^/|\bfile:|@\s*\.|^[\w./-]+\.(?:whl|zip|tar\.gz)\b"
)


@dataclass(frozen=True)
class Requirements:
    """``text`` is the file with all that it includes; ``local`` when pip needs the rest of the package, too."""

    text: str
    local: bool


def read_requirements(directory: str, path: str) -> Requirements:
    """Read a requirements file of the package. BridgeError INVALID when it is missing or includes what is not there."""
    local = False

    def read(relative: str, chain: tuple[str, ...]) -> list[str]:
        nonlocal local
        clean = os.path.normpath(relative)
        if Path(clean).is_absolute() or clean.startswith("..") or clean in chain:
            raise BridgeError(
                "INVALID", f"{chain[-1] if chain else path} includes {relative}, which cannot be followed."
            )
        try:
            lines = Path(directory, clean).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            by = f", which {chain[-1]} includes" if chain else ""
            raise BridgeError("INVALID", f"The requirements file {relative}{by} cannot be read.") from None
        found: list[str] = []
        for line in lines:
            include = _INCLUDE.match(line.strip())
            if include and "://" not in include[1]:
                found += read(str(Path(clean).parent / include[1]), (*chain, clean))
                continue
            local = local or bool(_LOCAL.search(line.strip()))
            found.append(line)
        return found

    lines = read(path, ())
    return Requirements("\n".join(lines) + "\n", local)


class ImageFactory:
    """Builds each image once, so that functions with the same needs share it."""

    def __init__(self, scratch: str) -> None:
        self._scratch = scratch
        self._images: dict[tuple[str | None, ...], modal.Image] = {}

    def image(self, function: Function) -> modal.Image:
        """The image of a function. BridgeError INVALID for unusable requirements."""
        base, directory = function.image, function.package.directory
        key = (base.reference, base.python, function.requirements, directory)
        if key not in self._images:
            self._images[key] = self._build(function)
        return self._images[key]

    def _build(self, function: Function) -> modal.Image:
        base, directory = function.image, function.package.directory
        if base.reference is None:
            image = modal.Image.debian_slim(python_version=base.python)
        else:
            image = modal.Image.from_registry(base.reference, add_python=base.python)
        if function.requirements is not None:
            image = self._install(image, directory, function.requirements)
        # Last: files that are added later than build steps are mounted at start and never rebuild the image.
        return image.add_local_dir(directory, "/root", ignore=list(IGNORED))

    def _install(self, image: modal.Image, directory: str, path: str) -> modal.Image:
        """pip, and not uv: it is in every image, and it is what requirements files are written for."""
        requirements = read_requirements(directory, path)
        if not requirements.text.strip():
            return image
        if requirements.local:
            # pip must see the whole package. The price: any change of the code installs everything again.
            image = image.add_local_dir(directory, "/root", copy=True, ignore=list(IGNORED))
            return image.run_commands(f"cd /root && python -m pip install -r {shlex.quote(path)}")
        # One file with everything that it includes: it changes, and the image is built again, only when a line does.
        flat = Path(self._scratch, f"requirements-{len(self._images)}.txt")
        flat.write_bytes(requirements.text.encode())
        return image.pip_install_from_requirements(str(flat))
