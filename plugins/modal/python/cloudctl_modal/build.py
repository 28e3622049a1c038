"""From CloudCTL's functions to a modal.App, ready to be deployed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modal

from cloudctl_modal import shim
from cloudctl_modal.errors import BridgeError
from cloudctl_modal.images import ImageFactory
from cloudctl_modal.protocol import HTTP_SUFFIX, Function, Signature
from cloudctl_modal.schedules import schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cloudctl_modal.named_objects import NamedObjects

# A companion of a GPU function only carries requests to it: many at a time, next to nothing each.
_CARRIER_CPU = 0.125
_CARRIER_MEMORY = 256
_CARRIER_AT_ONCE = 100
_LONGEST = 86400  # Seconds; Modal's limit for a timeout.
_START = 600  # Seconds for which a carrier waits for its function's container to start.


@dataclass(frozen=True)
class Built:
    """A function's handles; they know their ids once the app is deployed."""

    function: Function
    signature: Signature
    handle: modal.Function[..., Any, Any]
    companion: modal.Function[..., Any, Any] | None


def check(function: Function, signature: Signature) -> list[str]:
    """Find what Modal would reject, before anything is sent: BridgeError INVALID. Returns warnings."""
    required = [parameter.name for parameter in signature.parameters if parameter.required]
    if schedule(function.schedule) is not None and required:
        message = (
            f"{function.name} has a schedule, so {function.handler} must work without arguments; "
            f"{', '.join(required)} must have a default."
        )
        raise BridgeError("INVALID", message)
    if function.min_containers and function.max_containers and function.min_containers > function.max_containers:
        raise BridgeError("INVALID", f"{function.name}: minContainers must not be above maxContainers.")
    if function.timeout > _LONGEST:
        raise BridgeError("INVALID", f"{function.name}: the timeout must not be above {_LONGEST} seconds (a day).")
    paths = [mount.path.rstrip("/") for mount in function.volumes]
    for path in paths:
        if path in ("", "/root") or paths.count(path) > 1:
            raise BridgeError("INVALID", f"{function.name}: no volume can be mounted at {path or '/'}, or two are.")
    names = {path.name for path in Path(function.package.directory).iterdir()}
    return [
        f"The package has {name}, which hides Modal's own package in the container. Rename it."
        for name in ("modal.py", "modal")
        if name in names
    ]


class AppBuilder:
    """Builds one modal.App; ``scratch`` is a directory that must live until the deploy has ended."""

    def __init__(self, name: str, scratch: str, objects: NamedObjects) -> None:
        self.app = modal.App(name, tags={"managed-by": "cloudctl"})
        self._name = name
        self._scratch = scratch
        self._objects = objects
        self._images = ImageFactory(scratch)

    def add(self, functions: Sequence[tuple[Function, Signature]]) -> list[Built]:
        """Register functions and their companions."""
        return [self._add(function, signature) for function, signature in functions]

    def _add(self, function: Function, signature: Signature) -> Built:
        web = function.url != "none"
        in_process = web and function.gpu is None
        image = self._images.image(function)
        secrets = [self._objects.secrets[name] for name in function.secrets]
        volumes: dict[Any, Any] = {mount.path: self._objects.volumes[mount.name] for mount in function.volumes}
        common: dict[str, Any] = {
            "image": image,
            "env": dict(function.env) or None,
            "secrets": secrets,
            "volumes": volumes,
            "cpu": function.cpu,
            "memory": function.memory,
            "max_containers": function.max_containers,
            "scaledown_window": function.scaledown_window,
            "timeout": function.timeout,
        }
        # Containers that are kept warm are paid for: keep warm what answers the URL, or else the function.
        with shim.loaded(shim.function_shim(signature), self._scratch) as entry:
            handle = self.app.function(
                name=function.name,
                gpu=function.gpu,
                schedule=schedule(function.schedule),
                min_containers=None if in_process else function.min_containers,
                **common,
            )(entry)
        companion: modal.Function[..., Any, Any] | None = None
        name = function.name + HTTP_SUFFIX
        wrap = modal.asgi_app(requires_proxy_auth=function.url == "private")
        if in_process:
            with shim.loaded(shim.http_shim(signature), self._scratch) as entry:
                companion = self.app.function(name=name, min_containers=function.min_containers, **common)(wrap(entry))
        elif web:
            carrier = shim.forwarding_shim(signature, self._name, function.name)
            with shim.loaded(carrier, self._scratch) as entry:
                many: Any = modal.concurrent(max_inputs=_CARRIER_AT_ONCE)(wrap(entry))
                companion = self.app.function(
                    name=name,
                    image=image,
                    cpu=_CARRIER_CPU,
                    memory=_CARRIER_MEMORY,
                    timeout=min(function.timeout + _START, _LONGEST),
                )(many)
        return Built(function, signature, handle, companion)
