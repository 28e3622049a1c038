"""`versions`: which version of an app is live, asked without Modal's SDK.

Importing the SDK takes several times as long as this question, which is all that a deploy without changes has. So it
speaks Modal's protocol directly, with the SDK's own message definitions. Whatever goes wrong is PROVIDER, and the
parent then takes the way through the SDK, which knows proxies, retries and second addresses.
"""

from __future__ import annotations

import asyncio
import platform
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from cloudctl_modal.errors import BridgeError, Json
from cloudctl_modal.warmup import sdk_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cloudctl_modal.params import VersionsParams

_SERVER = "https://api.modal.com"  # The SDK's first address, where MODAL_SERVER_URL names none.
_METHOD = "/modal.client.ModalClient/AppGetByDeploymentName"
_DEADLINE = 3.0  # Seconds for all of it.
_AT_ONCE = 16  # Apps asked for at the same time.


async def versions(params: VersionsParams, variables: Mapping[str, str]) -> dict[str, Json]:
    """The protocol's result of `versions`, in the order of the params; ``variables`` have the tokens and the server."""
    try:
        return await asyncio.wait_for(_ask(params.apps, variables), _DEADLINE)
    except Exception as error:  # noqa: BLE001 - the parent has another way to ask
        raise BridgeError("PROVIDER", f"Modal could not be asked directly: {type(error).__name__}: {error}") from None


async def _ask(names: tuple[str, ...], variables: Mapping[str, str]) -> dict[str, Json]:
    from grpclib.client import Channel, UnaryUnaryMethod
    from modal_proto import api_pb2

    url = urllib.parse.urlsplit(variables.get("MODAL_SERVER_URL", _SERVER).split(",")[0].strip())
    secure = url.scheme == "https"
    host = url.hostname or ""
    if not host or (variables.get("MODAL_DISABLE_API_PROXY") != "1" and _has_proxy(host, url.scheme)):
        raise ValueError("there is no direct way to the server")
    channel = Channel(host, url.port or (443 if secure else 80), ssl=secure)
    ended = (api_pb2.APP_STATE_STOPPING, api_pb2.APP_STATE_STOPPED, api_pb2.APP_STATE_DISABLED)
    ask: Any = UnaryUnaryMethod(
        channel, _METHOD, api_pb2.AppGetByDeploymentNameRequest, api_pb2.AppGetByDeploymentNameResponse
    )
    metadata = _metadata(host, api_pb2.CLIENT_TYPE_CLIENT, variables)
    environment = variables.get("MODAL_ENVIRONMENT", "")
    limit = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> Json:
        request = api_pb2.AppGetByDeploymentNameRequest(name=name, environment_name=environment)
        async with limit:
            answer = await ask(request, metadata=metadata)
        if not answer.app_id:
            return {"app": name, "state": "absent"}
        lifecycle = answer.lifecycle
        state = "stopped" if lifecycle.app_state in ended else "deployed"
        return {"app": name, "appId": answer.app_id, "state": state, "version": lifecycle.version or None}

    try:
        return {"apps": [*await asyncio.gather(*map(one, names))]}
    finally:
        channel.close()


def _has_proxy(host: str, scheme: str) -> bool:
    if urllib.request.proxy_bypass(host):
        return False
    proxies = urllib.request.getproxies()
    return bool(proxies.get(scheme) or proxies.get("all"))


def _metadata(host: str, client_type: int, variables: Mapping[str, str]) -> dict[str, str]:
    """What the SDK says of itself with every request."""
    system = "-".join(part.replace("-", "_") for part in (platform.system(), platform.release(), platform.machine()))
    return {
        "x-modal-client-version": sdk_version() or "",
        "x-modal-client-type": str(client_type),
        "x-modal-python-version": platform.python_version(),
        "x-modal-node": urllib.parse.quote(platform.node()),
        "x-modal-platform": urllib.parse.quote(system),
        "x-modal-token-id": variables.get("MODAL_TOKEN_ID", ""),
        "x-modal-token-secret": variables.get("MODAL_TOKEN_SECRET", ""),
        "x-modal-host": host,
    }
