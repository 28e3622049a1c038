"""Reads what an image asks for out of its layers. Local Modal builds no images; it needs to know what it leaves out."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modal_proto import api_pb2

    from modal_local.store.objects import ImageStore, MountStore

_OFFICIAL_PYTHON = re.compile(r"python:(\d+\.\d+)(?:\.\d+)?\S*-slim-\w+$")
_PYTHON_STANDALONE = re.compile(r"python-build-standalone\.\d+\.(\d+\.\d+)")
"""The SDK's own mount that brings a Python into a registry image."""
_PIP_INSTALL = re.compile(r"(?:python3?\s+-m\s+pip|\bpip3?|uv\s+pip)\s+install\s+(.*)$")
_APT_INSTALL = re.compile(r"apt-get\s+install\s+(.*)$")
_SUBSTITUTION = re.compile(r"\$\([^)]*\)")
_COPY_ALL = re.compile(r"COPY\s+\.\s+(\S+)$")
_VALUE_OPTIONS = frozenset(
    {"-f", "-i", "-r", "--find-links", "--index-url", "--extra-index-url", "--requirement", "--requirements",
     "--python", "--target", "--prefix"}
)  # fmt: skip
_SDK_REQUIREMENTS = "modal_requirements.txt"


@dataclass
class ImageFacts:
    """What an image asks for, as far as its layers tell."""

    python: str = ""
    """Minor version such as ``3.12``; empty when unknown."""
    registry_image: str = ""
    """The base image when it is another than Modal's own slim Debian."""
    packages: list[str] = field(default_factory=list)
    system_packages: list[str] = field(default_factory=list)
    other_commands: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    working_directory: str = ""
    copies: list[tuple[str, str]] = field(default_factory=list)
    """(mount id, directory) of files that were copied into the image."""
    build_function: bool = False


def image_facts(images: ImageStore, mounts: MountStore, image_id: str) -> ImageFacts:
    """Read the layers of an image from the first to the last."""
    facts = ImageFacts()
    for layer in images.chain(image_id):
        _read_layer(facts, layer)
        standalone = _PYTHON_STANDALONE.match(mounts.name(layer.context_mount_id))
        if standalone is not None:
            facts.python = standalone.group(1)
    return facts


def _read_layer(facts: ImageFacts, layer: api_pb2.Image) -> None:
    commands = list(layer.dockerfile_commands)
    base = next((command[5:].strip() for command in commands if command.upper().startswith("FROM ")), "")
    is_root = bool(base) and base != "base"
    if is_root:
        slim = _OFFICIAL_PYTHON.match(base)
        if slim is not None:
            facts.python = slim.group(1)
        else:
            facts.registry_image = base
    if layer.HasField("build_function"):
        facts.build_function = True
    for command in commands:
        _read_command(facts, layer, command.strip(), setup=is_root)


def _read_command(facts: ImageFacts, layer: api_pb2.Image, command: str, *, setup: bool) -> None:
    keyword, _, rest = command.partition(" ")
    keyword = keyword.upper()
    if keyword == "ENV":
        facts.variables.update(_variables(rest))
    elif keyword == "WORKDIR":
        facts.working_directory = rest.strip().strip("\"'")
    elif keyword == "COPY":
        match = _COPY_ALL.match(command)
        if match is not None and layer.context_mount_id and not setup:
            facts.copies.append((layer.context_mount_id, match.group(1)))
    elif keyword == "RUN" and not setup:
        # The set-up commands of the root layer are Modal's own and need no mention.
        _read_run(facts, layer, rest)


def _read_run(facts: ImageFacts, layer: api_pb2.Image, command: str) -> None:
    pip = _PIP_INSTALL.search(command)
    if pip is not None:
        facts.packages.extend(_arguments(pip.group(1)))
        if "-r " in pip.group(1) or "--requirement" in pip.group(1):
            facts.packages.extend(_requirement_files(layer))
        return
    apt = _APT_INSTALL.search(command)
    if apt is not None:
        facts.system_packages.extend(_arguments(apt.group(1)))
        return
    if command.strip() not in {"apt-get update", "apt-get update -y"}:
        facts.other_commands.append(command.strip())


def _requirement_files(layer: api_pb2.Image) -> list[str]:
    found: list[str] = []
    for file in layer.context_files:
        if file.filename.endswith(_SDK_REQUIREMENTS) or not file.filename.endswith(".txt"):
            continue
        for line in file.data.decode(errors="replace").splitlines():
            requirement = line.split("#", 1)[0].strip()
            if requirement and not requirement.startswith("-"):
                found.append(requirement)
    return found


def _arguments(text: str) -> list[str]:
    """Return the plain arguments of an install command: no options, no values of options."""
    command = _SUBSTITUTION.sub("_", text.split("&&", 1)[0])
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    found: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith("-"):
            skip = word in _VALUE_OPTIONS
        else:
            found.append(word)
    return found


def _variables(text: str) -> dict[str, str]:
    try:
        words = shlex.split(text)
    except ValueError:
        return {}
    if words and "=" not in words[0]:
        return {words[0]: " ".join(words[1:])}
    return dict(word.split("=", 1) for word in words if "=" in word)
