"""Says in plain words what a deployed function asks for and does not get from Local Modal."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from typing import TYPE_CHECKING

from modal_local.images import image_facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modal_proto import api_pb2

    from modal_local.context import Stores
    from modal_local.images import ImageFacts
    from modal_local.runner.isolation import Isolation
    from modal_local.store.apps import App

_DISTRIBUTION = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_SHOWN = 8


def deployment_warnings(stores: Stores, app: App, isolation: Isolation) -> list[str]:
    """Return one sentence a function and kind of thing that is not honoured."""
    found: list[str] = []
    for row in stores.functions.live(app.app_id):
        definition = stores.functions.definition(row.definition_id) if row.definition_id else None
        if definition is None:
            continue
        facts = image_facts(stores.images, stores.mounts, definition.image_id)
        found.extend(_image_warnings(row.name, facts))
        found.extend(_function_warnings(row.name, definition))
        if not isolation.real_paths:
            found.extend(_path_warnings(row.name, definition))
    return found


def _image_warnings(name: str, facts: ImageFacts) -> Iterator[str]:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if facts.python and facts.python != own:
        yield f"Local Modal runs '{name}' on Python {own} although its image asks for {facts.python}."
    if facts.registry_image:
        yield f"Local Modal does not use the image '{facts.registry_image}' of '{name}': it runs on this machine."
    missing = [package for package in facts.packages if not _installed(package)]
    if missing:
        yield (
            f"Local Modal does not install packages: {_shorten(missing)} of '{name}' not found beside its Python"
            f" ({sys.executable})."
        )
    if facts.system_packages:
        yield f"Local Modal does not install system packages: {_shorten(facts.system_packages)} of '{name}'."
    if facts.other_commands:
        yield f"Local Modal does not run the image commands of '{name}': {_shorten(facts.other_commands, 3)}."
    if facts.build_function:
        yield f"Local Modal does not run the image build function of '{name}'."


def _function_warnings(name: str, definition: api_pb2.Function) -> Iterator[str]:
    gpu = definition.resources.gpu_config
    if gpu.count or gpu.gpu_type:
        yield f"Local Modal runs '{name}' without its GPU ({gpu.gpu_type or 'any'})."
    if definition.schedule.WhichOneof("schedule_oneof"):
        yield f"Local Modal does not run '{name}' on its schedule; call it to run it."
    placement = definition.scheduler_placement
    if placement.regions:
        yield f"Local Modal ignores the region of '{name}' ({', '.join(placement.regions)})."
    if definition.cloud_provider_str:
        yield f"Local Modal ignores the cloud of '{name}' ({definition.cloud_provider_str})."
    if definition.block_network or definition.untrusted:
        yield f"Local Modal does not restrict the network of '{name}'."
    if definition.cloud_bucket_mounts or definition.shared_volume_mounts:
        yield f"Local Modal mounts no buckets or network file systems in '{name}'."
    if definition.checkpointing_enabled:
        yield f"Local Modal starts '{name}' without memory snapshots."
    if definition.proxy_id:
        yield f"Local Modal does not route '{name}' through its proxy."


def _path_warnings(name: str, definition: api_pb2.Function) -> Iterator[str]:
    if definition.volume_mounts:
        paths = ", ".join(mount.mount_path for mount in definition.volume_mounts)
        yield (
            f"This system does not let Local Modal mount volumes: '{name}' does not find {paths}, only the same"
            " paths below its home's parent directory."
        )


def _installed(requirement: str) -> bool:
    """Whether some version of what a requirement names is installed; what cannot be told counts as installed."""
    match = _DISTRIBUTION.match(requirement)
    if match is None or "://" in requirement.split("@", 1)[0]:
        return True
    try:
        importlib.metadata.distribution(match.group(1))
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _shorten(items: list[str], shown: int = _SHOWN) -> str:
    rest = len(items) - shown
    return ", ".join(items[:shown]) + (f" and {rest} more" if rest > 0 else "")
