"""Apps: create, publish, list, stop, history, rollback."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits
from modal_local.dispatch import unary
from modal_local.errors import conflict, invalid, not_found
from modal_local.lifecycle import AppLifecycles, describe_lifecycle
from modal_local.names import check_deployment_tag, check_object_name
from modal_local.protobuf import Empty
from modal_local.services.environments import WORKSPACE, require_environment
from modal_local.shortcomings import deployment_warnings
from modal_local.store.apps import LayoutEntry, Version

if TYPE_CHECKING:
    from modal_local.auth import Caller
    from modal_local.context import Context
    from modal_local.store.apps import App

_PREVIOUS = -1


class AppService:
    """Publishing replaces the whole app: what is not in the request is gone from the layout."""

    def __init__(self, context: Context, lifecycles: AppLifecycles) -> None:
        """Serve from ``context``."""
        self._context = context
        self._apps = context.stores.apps
        self._functions = context.stores.functions
        self._lifecycles = lifecycles

    # --- deploy -------------------------------------------------------------------------------------------------

    @unary("AppCreate")
    async def create(self, request: api_pb2.AppCreateRequest, _caller: Caller) -> api_pb2.AppCreateResponse:
        """Begin a deploy or a run of an app that is not deployed yet."""
        environment = require_environment(self._context, request.environment_name)
        state = request.app_state or api_pb2.APP_STATE_INITIALIZING
        if state == api_pb2.APP_STATE_INITIALIZING:
            check_object_name("app", request.description)
        app = self._apps.create(environment, request.description, state, request.tags)
        url = self._page_url(app)
        return api_pb2.AppCreateResponse(app_id=app.app_id, app_page_url=url, app_logs_url=url)

    @unary("AppGetOrCreate")
    async def get_or_create(
        self, request: api_pb2.AppGetOrCreateRequest, _caller: Caller
    ) -> api_pb2.AppGetOrCreateResponse:
        """Look an app up by name, or add an empty one where asked to."""
        environment = require_environment(self._context, request.environment_name)
        app = self._apps.get(request.app_name) or self._apps.deployed(environment, request.app_name)
        if app is None:
            if request.object_creation_type != api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING:
                raise not_found(f"App '{request.app_name}' not found in environment '{environment}'.")
            check_object_name("app", request.app_name)
            app = self._apps.create(environment, request.app_name, api_pb2.APP_STATE_DEPLOYED, {})
        return api_pb2.AppGetOrCreateResponse(app_id=app.app_id, handle_metadata=self._handle(app))

    @unary("AppPublish")
    async def publish(self, request: api_pb2.AppPublishRequest, caller: Caller) -> api_pb2.AppPublishResponse:
        """Make the functions of the request the app's functions, all at once."""
        app = self._get(request.app_id)
        if request.staged:
            raise invalid("Local Modal does not serve staged deployments yet.")
        if request.class_ids:
            raise invalid("Local Modal does not serve classes (modal.Cls) yet.")
        if app.state == api_pb2.APP_STATE_STOPPED:
            raise conflict(f"App '{app.name}' ({app.app_id}) was stopped. Deploy again to create a new one.")
        deployed = request.app_state == api_pb2.APP_STATE_DEPLOYED
        name = request.name or app.name
        if deployed:
            self._check_deploy(app, name, request.deployment_tag)
        layout = self._layout(request)
        version = Version(
            version=app.version + 1,
            deployed_at=time.time(),
            layout=layout,
            tag=request.deployment_tag,
            client_version=request.client_version or caller.client_version,
            commit_info=request.commit_info if request.HasField("commit_info") else None,
        )
        with self._context.stores.database.transaction():
            if request.tags or app.tags:
                self._apps.set_tags(app.app_id, request.tags)
            self._install(app, name, request.app_state, version)
        return await self._published(app.app_id, version)

    def _check_deploy(self, app: App, name: str, tag: str) -> None:
        check_object_name("app", name)
        check_deployment_tag(tag)
        other = self._apps.deployed(app.environment, name)
        if other is not None and other.app_id != app.app_id:
            raise conflict(f"App '{name}' was deployed by somebody else meanwhile ({other.app_id}). Deploy again.")

    def _layout(self, request: api_pb2.AppPublishRequest) -> dict[str, LayoutEntry]:
        layout = {}
        for name, function_id in request.function_ids.items():
            definition_id = request.definition_ids.get(function_id) or self._functions.latest_definition(function_id)
            if not definition_id or self._functions.owner_of_definition(definition_id) != function_id:
                raise invalid(f"Function '{name}' ({function_id}) was published without a definition.")
            row = self._functions.get(function_id)
            if row is None or row.app_id != request.app_id:
                raise invalid(f"Function '{name}' ({function_id}) belongs to another app.")
            layout[name] = LayoutEntry(function_id, definition_id)
        return layout

    def _install(self, app: App, name: str, state: api_pb2.AppState.ValueType, version: Version) -> None:
        """Change the database to a new version of an app."""
        self._apps.publish(app, name, state, version)
        self._functions.set_layout(app.app_id, version.layout)
        kept = {entry.definition_id for known in self._apps.versions(app.app_id) for entry in known.layout.values()}
        self._functions.forget_unused(app.app_id, kept)

    async def _published(self, app_id: str, version: Version) -> api_pb2.AppPublishResponse:
        """Let containers and web listeners follow a new version, and say what it does not get here."""
        app = self._get(app_id)
        self._lifecycles.follow(app)
        await self._context.gateway.listen_for(app)
        isolation = await self._context.fleet.isolation()
        messages = deployment_warnings(self._context.stores, app, isolation)
        return api_pb2.AppPublishResponse(
            url=self._page_url(app),
            deployed_at=version.deployed_at,
            server_warnings=[
                api_pb2.Warning(type=api_pb2.Warning.WARNING_TYPE_FUNCTION_CONFIGURATION, message=message)
                for message in messages
            ],
        )

    @unary("AppHeartbeat")
    async def heartbeat(self, request: api_pb2.AppHeartbeatRequest, _caller: Caller) -> Empty:
        """Note that the client of a deploy or run is alive."""
        self._get(request.app_id)
        self._apps.touch(request.app_id)
        return Empty()

    @unary("AppClientDisconnect")
    async def disconnect(self, request: api_pb2.AppClientDisconnectRequest, _caller: Caller) -> Empty:
        """Forget a deploy that failed; stop a run that ended. A deployed app stays."""
        app = self._apps.get(request.app_id)
        if app is not None and app.state == api_pb2.APP_STATE_INITIALIZING:
            self._apps.delete(app.app_id)
        elif app is not None and app.state == api_pb2.APP_STATE_EPHEMERAL:
            self._lifecycles.stop(app)
        return Empty()

    # --- look up ------------------------------------------------------------------------------------------------

    @unary("AppGetByDeploymentName")
    async def get_by_name(
        self, request: api_pb2.AppGetByDeploymentNameRequest, _caller: Caller
    ) -> api_pb2.AppGetByDeploymentNameResponse:
        """Look a deployed app up by its name; mention one that was stopped."""
        environment = require_environment(self._context, request.environment_name)
        app = self._apps.deployed(environment, request.name)
        previous = self._apps.last_stopped(environment, request.name) if app is None else None
        found = app or previous
        return api_pb2.AppGetByDeploymentNameResponse(
            app_id=app.app_id if app is not None else "",
            previous_app_id=previous.app_id if previous is not None else "",
            environment_name=environment,
            lifecycle=describe_lifecycle(found) if found is not None else None,
        )

    @unary("AppGetLayout")
    async def get_layout(self, request: api_pb2.AppGetLayoutRequest, _caller: Caller) -> api_pb2.AppGetLayoutResponse:
        """Return the functions of an app."""
        return api_pb2.AppGetLayoutResponse(app_layout=self._context.specs.layout(self._get(request.app_id)))

    @unary("AppGetLifecycle")
    async def get_lifecycle(
        self, request: api_pb2.AppGetLifecycleRequest, _caller: Caller
    ) -> api_pb2.AppGetLifecycleResponse:
        """Return state and times of an app."""
        return api_pb2.AppGetLifecycleResponse(lifecycle=describe_lifecycle(self._get(request.app_id)))

    @unary("AppGetInfo")
    async def get_info(self, request: api_pb2.AppGetInfoRequest, _caller: Caller) -> api_pb2.AppGetInfoResponse:
        """Describe an app and its functions."""
        app = self._get(request.app_id)
        response = api_pb2.AppGetInfoResponse(info=self._handle(app))
        for row in self._functions.live(app.app_id):
            definition = self._functions.definition(row.definition_id) if row.definition_id else None
            if definition is None:
                continue
            summary = response.function_info_summaries[row.function_id]
            summary.web_function = bool(definition.webhook_config.type)
            if summary.web_function:
                summary.requires_proxy_auth = definition.webhook_config.requires_proxy_auth
            if definition.resources.gpu_config.count:
                summary.gpu_config.append(definition.resources.gpu_config)
            if definition.schedule.WhichOneof("schedule_oneof"):
                summary.schedule.CopyFrom(definition.schedule)
        return response

    @unary("AppList")
    async def list(self, request: api_pb2.AppListRequest, _caller: Caller) -> api_pb2.AppListResponse:
        """List running and recently stopped apps."""
        environment = require_environment(self._context, request.environment_name)
        items = [
            api_pb2.AppListResponse.AppListItem(
                app_id=app.app_id,
                description=app.name,
                name=app.name,
                state=app.state,
                created_at=app.created_at,
                stopped_at=app.stopped_at,
                n_running_tasks=len(self._context.fleet.of_app(app.app_id)),
                metadata=self._handle(app),
            )
            for app in self._apps.listed(environment)
        ]
        return api_pb2.AppListResponse(apps=items)

    @unary("AppGetTags")
    async def get_tags(self, request: api_pb2.AppGetTagsRequest, _caller: Caller) -> api_pb2.AppGetTagsResponse:
        """Return an app's tags."""
        return api_pb2.AppGetTagsResponse(tags=self._get(request.app_id).tags)

    @unary("AppSetTags")
    async def set_tags(self, request: api_pb2.AppSetTagsRequest, _caller: Caller) -> Empty:
        """Replace an app's tags."""
        self._apps.set_tags(self._get(request.app_id).app_id, request.tags)
        return Empty()

    # --- stop, history, rollback --------------------------------------------------------------------------------

    @unary("AppStop")
    async def stop(self, request: api_pb2.AppStopRequest, _caller: Caller) -> Empty:
        """Stop an app for good. Its name is free for a new one."""
        self._lifecycles.stop(self._get(request.app_id))
        return Empty()

    @unary("AppDeploymentHistory")
    async def history(
        self, request: api_pb2.AppDeploymentHistoryRequest, _caller: Caller
    ) -> api_pb2.AppDeploymentHistoryResponse:
        """List the versions of an app, newest first."""
        app = self._get(request.app_id)
        return api_pb2.AppDeploymentHistoryResponse(
            production_app_version=app.version,
            app_deployment_histories=[
                api_pb2.AppDeploymentHistory(
                    app_id=app.app_id,
                    version=version.version,
                    client_version=version.client_version,
                    deployed_at=version.deployed_at,
                    deployed_by=WORKSPACE,
                    tag=version.tag,
                    rollback_version=version.rollback_version,
                    rollback_allowed=version.version != app.version,
                    commit_info=version.commit_info,
                    deployment_type=(
                        api_pb2.DEPLOYMENT_TYPE_ROLLBACK
                        if version.rollback_version
                        else api_pb2.DEPLOYMENT_TYPE_STANDARD
                    ),
                )
                for version in self._apps.versions(app.app_id)
            ],
        )

    @unary("AppRollback")
    async def rollback(self, request: api_pb2.AppRollbackRequest, caller: Caller) -> api_pb2.AppRollbackResponse:
        """Publish an earlier version again, as a new version."""
        app = self._get(request.app_id)
        if app.state != api_pb2.APP_STATE_DEPLOYED:
            raise conflict(f"App '{app.name}' is not deployed.")
        wanted = app.version - 1 if request.version == _PREVIOUS else request.version
        earlier = next((known for known in self._apps.versions(app.app_id) if known.version == wanted), None)
        if earlier is None:
            kept = limits.MAX_VERSIONS_PER_APP
            raise invalid(f"App '{app.name}' has no version {wanted}. The last {kept} versions are kept.")
        version = Version(
            version=app.version + 1,
            deployed_at=time.time(),
            layout=earlier.layout,
            tag=earlier.tag,
            client_version=caller.client_version,
            commit_info=earlier.commit_info,
            rollback_version=earlier.version,
        )
        with self._context.stores.database.transaction():
            self._install(app, app.name, app.state, version)
        published = await self._published(app.app_id, version)
        return api_pb2.AppRollbackResponse(
            url=published.url, deployed_at=published.deployed_at, server_warnings=published.server_warnings
        )

    # --- helpers ------------------------------------------------------------------------------------------------

    def _get(self, app_id: str) -> App:
        app = self._apps.get(app_id)
        if app is None:
            raise not_found(f"App {app_id} not found.")
        return app

    def _page_url(self, app: App) -> str:
        return f"{self._context.control_url}/apps/{app.app_id}"

    def _handle(self, app: App) -> api_pb2.AppHandleMetadata:
        return api_pb2.AppHandleMetadata(
            description=app.name,
            app_id=app.app_id,
            environment_name=app.environment,
            lifecycle=describe_lifecycle(app),
            functions={row.name: row.function_id for row in self._functions.live(app.app_id)},
        )
