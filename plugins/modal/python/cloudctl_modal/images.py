"""A function's image: the base, what its requirements name, and the package as /root."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import modal

from cloudctl_modal.packages import IGNORED
from cloudctl_modal.requirements import read_requirements

if TYPE_CHECKING:
    from cloudctl_modal.protocol import Function


class ImageFactory:
    """Builds each image once, so that functions with the same needs share it."""

    def __init__(self, scratch: str) -> None:
        self._scratch = scratch
        self._images: dict[tuple[object, ...], modal.Image] = {}

    def image(self, function: Function) -> modal.Image:
        """The image of a function. BridgeError INVALID for unusable requirements."""
        base, directory = function.image, function.package.directory
        key = (base.reference, base.python, function.requirements, function.extras, directory)
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
            image = self._install(image, function, function.requirements)
        # Last: files that are added later than build steps are mounted at start and never rebuild the image.
        return image.add_local_dir(directory, "/root", ignore=list(IGNORED))

    def _install(self, image: modal.Image, function: Function, path: str) -> modal.Image:
        """pip, and not uv: it is in every image, and it is what requirements files are written for."""
        directory = function.package.directory
        requirements = read_requirements(directory, path, function.extras, function.image.python)
        if not requirements.text.strip():
            return image
        if requirements.local:
            # pip must see the whole package. The price: any change of the code installs everything again.
            image = image.add_local_dir(directory, "/root", copy=True, ignore=list(IGNORED))
            lines = requirements.text.splitlines() if path.endswith(".toml") else []
            what = shlex.join(lines) if lines else f"-r {shlex.quote(path)}"
            return image.run_commands(f"cd /root && python -m pip install {what}")
        # One file with everything that it includes: it changes, and the image is built again, only when a line does.
        flat = Path(self._scratch, f"requirements-{len(self._images)}.txt")
        flat.write_bytes(requirements.text.encode())
        return image.pip_install_from_requirements(str(flat))
