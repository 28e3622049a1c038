"""Environments, the workspace and the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.dispatch import unary
from modal_local.errors import already_exists, not_found
from modal_local.names import check_environment_name
from modal_local.protobuf import Empty, Timestamp
from modal_local.store.objects import DEFAULT_ENVIRONMENT

if TYPE_CHECKING:
    from modal_local.auth import Caller
    from modal_local.context import Context
    from modal_local.store.objects import Environment

WORKSPACE = "local"
IMAGE_BUILDER_VERSION = "2025.06"


def require_environment(context: Context, name: str) -> str:
    """Return the name of an environment (the default one for an empty name) or raise NOT_FOUND."""
    environment = context.stores.environments.get(name)
    if environment is None:
        known = ", ".join(f"'{item.name}'" for item in context.stores.environments.all())
        raise not_found(f"Environment '{name}' not found. Local Modal has {known}.")
    return environment.name


class EnvironmentService:
    """There is one workspace, ``local``, and the environment ``main``; others may be added."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context

    @unary("ClientHello")
    async def client_hello(self, _request: Empty, _caller: Caller) -> api_pb2.ClientHelloResponse:
        """Confirm that client and server understand each other."""
        return api_pb2.ClientHelloResponse(image_builder_version=IMAGE_BUILDER_VERSION)

    @unary("TokenInfoGet")
    async def token_info(self, _request: api_pb2.TokenInfoGetRequest, _caller: Caller) -> api_pb2.TokenInfoGetResponse:
        """Tell what the token is."""
        created_at = Timestamp()
        created_at.FromSeconds(int(self._context.state.tokens_file.stat().st_mtime))
        return api_pb2.TokenInfoGetResponse(
            token_id=self._context.tokens.token_id,
            token_name="Local Modal",
            workspace_id="ac-local",
            workspace_name=WORKSPACE,
            user_identity=api_pb2.UserIdentity(user_id="us-local", username=WORKSPACE),
            created_at=created_at,
        )

    @unary("WorkspaceNameLookup")
    async def workspace_name(self, _request: Empty, _caller: Caller) -> api_pb2.WorkspaceNameLookupResponse:
        """Tell the name of the workspace."""
        return api_pb2.WorkspaceNameLookupResponse(workspace_name=WORKSPACE, username=WORKSPACE)

    @unary("EnvironmentGetOrCreate")
    async def get_or_create(
        self, request: api_pb2.EnvironmentGetOrCreateRequest, _caller: Caller
    ) -> api_pb2.EnvironmentGetOrCreateResponse:
        """Look an environment up, or add it where asked to."""
        environments = self._context.stores.environments
        found = environments.get(request.deployment_name)
        if found is None:
            if request.object_creation_type != api_pb2.OBJECT_CREATION_TYPE_CREATE_IF_MISSING:
                require_environment(self._context, request.deployment_name)
            check_environment_name(request.deployment_name)
            found = environments.create(request.deployment_name)
        return api_pb2.EnvironmentGetOrCreateResponse(
            environment_id=found.environment_id,
            metadata=api_pb2.EnvironmentMetadata(
                name=found.name,
                settings=api_pb2.EnvironmentSettings(image_builder_version=IMAGE_BUILDER_VERSION),
            ),
        )

    @unary("EnvironmentCreate")
    async def create(self, request: api_pb2.EnvironmentCreateRequest, _caller: Caller) -> Empty:
        """Add an environment."""
        check_environment_name(request.name)
        if self._context.stores.environments.get(request.name) is not None:
            raise already_exists(f"Environment '{request.name}' already exists.")
        self._context.stores.environments.create(request.name)
        return Empty()

    @unary("EnvironmentList")
    async def list(self, _request: Empty, _caller: Caller) -> api_pb2.EnvironmentListResponse:
        """List the environments."""
        return api_pb2.EnvironmentListResponse(
            items=[_item(environment) for environment in self._context.stores.environments.all()]
        )


def _item(environment: Environment) -> api_pb2.EnvironmentListItem:
    return api_pb2.EnvironmentListItem(
        name=environment.name,
        environment_id=environment.environment_id,
        created_at=environment.created_at,
        default=environment.name == DEFAULT_ENVIRONMENT,
        image_builder_version=IMAGE_BUILDER_VERSION,
    )
