"""Apps as Modal's own protocol tells of them: which there are, what lives in them, who published what and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from cloudctl_modal.sdk import Empty, environment_name, rpc

if TYPE_CHECKING:
    import modal

STATUS_WORDS: dict[int, str] = {
    api_pb2.APP_STATE_EPHEMERAL: "ephemeral",
    api_pb2.APP_STATE_DETACHED: "ephemeral (detached)",
    api_pb2.APP_STATE_DETACHED_DISCONNECTED: "ephemeral (detached)",
    api_pb2.APP_STATE_DEPLOYED: "deployed",
    api_pb2.APP_STATE_STOPPING: "stopping...",
    api_pb2.APP_STATE_STOPPED: "stopped",
    api_pb2.APP_STATE_INITIALIZING: "initializing...",
    api_pb2.APP_STATE_DISABLED: "disabled",
}
_ENDED = (api_pb2.APP_STATE_STOPPING, api_pb2.APP_STATE_STOPPED, api_pb2.APP_STATE_DISABLED)


@dataclass(frozen=True)
class Lifecycle:
    """An app's live version, or its last. ``version`` counts its publishes; what Modal does not tell is None.

    Times are in seconds since 1970, by Modal's clock.
    """

    version: int | None = None
    deployed_at: float | None = None
    deployed_by: str | None = None
    stopped_at: float | None = None
    stopped_by: str | None = None


@dataclass(frozen=True)
class AppItem:
    """One app of the list; times in seconds since 1970."""

    id: str
    name: str
    state: int
    created_at: float
    lifecycle: Lifecycle | None  # None when the list does not tell.


@dataclass(frozen=True)
class NamedApp:
    """What a name stands for: ``id`` of the app that is live, or ``stopped_id`` of the one that was stopped last."""

    id: str | None
    stopped_id: str | None
    lifecycle: Lifecycle | None


@dataclass(frozen=True)
class LiveFunction:
    name: str
    id: str
    url: str | None


@dataclass(frozen=True)
class Publish:
    """One entry of an app's history; ``rolled_back_to`` is the version that a rollback brought back."""

    version: int
    tag: str
    client: str
    rolled_back_to: int | None


def _lifecycle(told: api_pb2.AppLifecycle) -> Lifecycle:
    return Lifecycle(
        told.version or None,
        told.deployed_at or None,
        told.deployed_by or None,
        told.stopped_at or None,
        told.stopped_by or None,
    )


async def list_apps(client: modal.Client) -> list[AppItem]:
    """Every app of the environment, those that stopped lately too."""
    request = api_pb2.AppListRequest(environment_name=environment_name())
    answer = await rpc(client, "AppList", request, api_pb2.AppListResponse)
    return [
        AppItem(
            app.app_id,
            app.name or app.description,
            app.state,
            app.created_at,
            _lifecycle(app.metadata.lifecycle) if app.metadata.HasField("lifecycle") else None,
        )
        for app in answer.apps
    ]


async def named_app(client: modal.Client, name: str) -> NamedApp:
    """What the name stands for; neither id when Modal does not know it."""
    request = api_pb2.AppGetByDeploymentNameRequest(name=name, environment_name=environment_name())
    answer = await rpc(client, "AppGetByDeploymentName", request, api_pb2.AppGetByDeploymentNameResponse)
    lifecycle = _lifecycle(answer.lifecycle) if answer.HasField("lifecycle") else None
    if answer.app_id and answer.lifecycle.app_state in _ENDED:
        return NamedApp(None, answer.app_id, lifecycle)
    return NamedApp(answer.app_id or None, answer.previous_app_id or None, lifecycle)


async def find_app(client: modal.Client, name: str) -> str | None:
    """Id of the deployed app, or None."""
    return (await named_app(client, name)).id


async def app_lifecycle(client: modal.Client, app_id: str) -> Lifecycle:
    """The live version of an app."""
    request = api_pb2.AppGetLifecycleRequest(app_id=app_id)
    answer = await rpc(client, "AppGetLifecycle", request, api_pb2.AppGetLifecycleResponse)
    return _lifecycle(answer.lifecycle)


async def app_history(client: modal.Client, app_id: str) -> list[Publish]:
    """The publishes of an app as far as Modal keeps them, and lets this workspace's plan see them."""
    request = api_pb2.AppDeploymentHistoryRequest(app_id=app_id)
    answer = await rpc(client, "AppDeploymentHistory", request, api_pb2.AppDeploymentHistoryResponse)
    return [
        Publish(entry.version, entry.tag, entry.client_version, entry.rollback_version or None)
        for entry in answer.app_deployment_histories
    ]


async def app_layout(client: modal.Client, app_id: str) -> list[LiveFunction]:
    """What is live in the app: functions, and classes as functions named CLASS.*."""
    request = api_pb2.AppGetLayoutRequest(app_id=app_id)
    layout = (await rpc(client, "AppGetLayout", request, api_pb2.AppGetLayoutResponse)).app_layout
    urls = {item.object_id: item.function_handle_metadata.web_url for item in layout.objects}
    live = {name: LiveFunction(name, number, urls.get(number) or None) for name, number in layout.function_ids.items()}
    for name, number in layout.class_ids.items():
        live.setdefault(f"{name}.*", LiveFunction(f"{name}.*", number, urls.get(number) or None))
    return sorted(live.values(), key=lambda function: function.name)


async def disconnect_app(client: modal.Client, app_id: str) -> None:
    """Drop an app that is still being created; does nothing to one that is deployed."""
    reason = api_pb2.APP_DISCONNECT_REASON_DEPLOYMENT_EXCEPTION
    request = api_pb2.AppClientDisconnectRequest(app_id=app_id, reason=reason)
    await rpc(client, "AppClientDisconnect", request, Empty)
