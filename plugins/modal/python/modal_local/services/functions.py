"""Functions: create, look up, statistics, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.dispatch import unary
from modal_local.errors import conflict, invalid, not_found
from modal_local.metadata import function_data, handle_metadata, is_web, web_url
from modal_local.names import check_function_name
from modal_local.services.environments import require_environment

if TYPE_CHECKING:
    from modal_local.auth import Caller
    from modal_local.context import Context
    from modal_local.store.apps import App
    from modal_local.store.functions import FunctionRow


class FunctionService:
    """A function becomes visible when its app is published, not before."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context
        self._stores = context.stores

    @unary("FunctionPrecreate")
    async def precreate(
        self, request: api_pb2.FunctionPrecreateRequest, _caller: Caller
    ) -> api_pb2.FunctionPrecreateResponse:
        """Give a function its id before its definition is known."""
        app = self._app(request.app_id)
        check_function_name(request.function_name)
        row = self._stores.functions.ensure(app.app_id, request.function_name, request.existing_function_id)
        web = is_web(request.webhook_config)
        metadata = api_pb2.FunctionHandleMetadata(
            app_id=app.app_id,
            function_name=request.function_name,
            function_type=request.function_type,
            web_url=web_url(self._stores.ports, app, request.function_name) if web else "",
            definition_id=row.definition_id or "",
            function_schema=request.function_schema if request.HasField("function_schema") else None,
            supported_input_formats=request.supported_input_formats,
            supported_output_formats=request.supported_output_formats,
        )
        return api_pb2.FunctionPrecreateResponse(function_id=row.function_id, handle_metadata=metadata)

    @unary("FunctionCreate")
    async def create(self, request: api_pb2.FunctionCreateRequest, _caller: Caller) -> api_pb2.FunctionCreateResponse:
        """Store a definition. It takes effect when the app is published."""
        app = self._app(request.app_id)
        definition = _definition(request)
        name = definition.function_name
        check_function_name(name)
        self._check_references(definition)
        row = self._stores.functions.ensure(app.app_id, name, request.existing_function_id)
        definition_id = self._stores.functions.define(row.function_id, definition)
        metadata = handle_metadata(self._stores.ports, app, row, definition, definition_id)
        return api_pb2.FunctionCreateResponse(
            function_id=row.function_id,
            function=definition,
            function_data=function_data(definition, metadata.web_url),
            handle_metadata=metadata,
        )

    def _app(self, app_id: str) -> App:
        app = self._stores.apps.get(app_id)
        if app is None:
            raise not_found(f"App {app_id} not found.")
        if app.state == api_pb2.APP_STATE_STOPPED:
            raise conflict(f"App '{app.name}' ({app_id}) is stopped.")
        return app

    def _check_references(self, definition: api_pb2.Function) -> None:
        for mount in definition.volume_mounts:
            if self._stores.volumes.get(mount.volume_id) is None:
                raise not_found(f"Volume {mount.volume_id} not found.")
            if not mount.mount_path.startswith("/"):
                raise invalid(f"Volumes are mounted at absolute paths, not '{mount.mount_path}'.")
        for secret_id in definition.secret_ids:
            if self._stores.secrets.get(secret_id) is None:
                raise not_found(f"Secret {secret_id} not found.")

    @unary("FunctionGet")
    async def get(self, request: api_pb2.FunctionGetRequest, _caller: Caller) -> api_pb2.FunctionGetResponse:
        """Look a function up by app and name."""
        environment = require_environment(self._context, request.environment_name)
        app = self._stores.apps.deployed(environment, request.app_name)
        if app is None:
            stopped = self._stores.apps.last_stopped(environment, request.app_name) is not None
            state = "is stopped" if stopped else "not found"
            raise not_found(f"App '{request.app_name}' {state} in environment '{environment}'")
        row = self._stores.functions.named(app.app_id, request.object_tag)
        if row is None or row.definition_id is None:
            known = ", ".join(f"'{item.name}'" for item in self._stores.functions.live(app.app_id)) or "none"
            raise not_found(f"App '{app.name}' has no function '{request.object_tag}'; it has {known}")
        definition, metadata = self._described(app, row)
        return api_pb2.FunctionGetResponse(
            function_id=row.function_id,
            handle_metadata=metadata,
            function=function_data(definition, metadata.web_url),
        )

    @unary("FunctionGetById")
    async def get_by_id(
        self, request: api_pb2.FunctionGetByIdRequest, _caller: Caller
    ) -> api_pb2.FunctionGetByIdResponse:
        """Look a function up by its id."""
        app, row = self._live(request.function_id)
        definition, metadata = self._described(app, row)
        return api_pb2.FunctionGetByIdResponse(
            function=function_data(definition, metadata.web_url), handle_metadata=metadata
        )

    def _live(self, function_id: str) -> tuple[App, FunctionRow]:
        row = self._stores.functions.get(function_id)
        app = self._stores.apps.get(row.app_id) if row is not None else None
        if row is None or app is None or row.definition_id is None:
            raise not_found(f"Function {function_id} not found.")
        return app, row

    def _described(self, app: App, row: FunctionRow) -> tuple[api_pb2.Function, api_pb2.FunctionHandleMetadata]:
        definition = self._stores.functions.definition(row.definition_id) if row.definition_id else None
        if definition is None or row.definition_id is None:
            raise not_found(f"Function '{row.name}' has no definition; deploy it again.")
        return definition, handle_metadata(self._stores.ports, app, row, definition, row.definition_id)

    @unary("FunctionGetCurrentStats")
    async def current_stats(
        self, request: api_pb2.FunctionGetCurrentStatsRequest, _caller: Caller
    ) -> api_pb2.FunctionStats:
        """Count inputs and containers."""
        self._live(request.function_id)
        return self._context.fleet.pool(request.function_id).stats()

    @unary("FunctionUpdateSchedulingParams")
    async def update_scheduling(
        self, request: api_pb2.FunctionUpdateSchedulingParamsRequest, _caller: Caller
    ) -> api_pb2.FunctionUpdateSchedulingParamsResponse:
        """Change the limits of a function's containers until the next deploy or restart."""
        self._live(request.function_id)
        pool = self._context.fleet.pool(request.function_id)
        pool.override(request.settings)
        return api_pb2.FunctionUpdateSchedulingParamsResponse(current_settings=pool.settings().as_message())


def _definition(request: api_pb2.FunctionCreateRequest) -> api_pb2.Function:
    """Return the definition; of a ranked list of GPUs the first choice counts."""
    if request.HasField("function_data") and request.function_data.ranked_functions:
        best = min(request.function_data.ranked_functions, key=lambda ranked: ranked.rank)
        chosen: api_pb2.Function = best.function
        return chosen
    if not request.HasField("function"):
        raise invalid("The request describes no function.")
    only: api_pb2.Function = request.function
    return only
