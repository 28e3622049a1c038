"""Secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.dispatch import unary
from modal_local.errors import already_exists, not_found
from modal_local.names import check_object_name
from modal_local.protobuf import Empty
from modal_local.services.environments import WORKSPACE, require_environment

if TYPE_CHECKING:
    from modal_local.auth import Caller
    from modal_local.context import Context
    from modal_local.store.named import Secret

_PAGE = 100


class SecretService:
    """Named secrets, and anonymous ones of apps. Values leave the server only into containers."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context
        self._secrets = context.stores.secrets

    @unary("SecretGetOrCreate")
    async def get_or_create(
        self, request: api_pb2.SecretGetOrCreateRequest, _caller: Caller
    ) -> api_pb2.SecretGetOrCreateResponse:
        """Look a secret up or create it."""
        environment = require_environment(self._context, request.environment_name)
        kind = request.object_creation_type
        values = dict(request.env_dict)
        if kind == api_pb2.OBJECT_CREATION_TYPE_ANONYMOUS_OWNED_BY_APP:
            return _found(self._secrets.anonymous(environment, request.app_id, values))
        if kind == api_pb2.OBJECT_CREATION_TYPE_EPHEMERAL:
            return _found(self._secrets.anonymous(environment, "", values))
        name = request.deployment_name
        existing = self._secrets.named(environment, name)
        if kind == api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED:
            return _found(self._required(existing, name, list(request.required_keys)))
        if existing is None:
            check_object_name("secret", name)
            return _found(self._secrets.create(environment, name, values))
        if kind == api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS:
            raise already_exists(f"Secret '{name}' already exists.")
        if kind == api_pb2.OBJECT_CREATION_TYPE_CREATE_OVERWRITE_IF_EXISTS:
            self._secrets.replace_values(existing.secret_id, values)
            self._context.specs.forget_all()
        return _found(existing)

    def _required(self, secret: Secret | None, name: str, keys: list[str]) -> Secret:
        if secret is None:
            raise not_found(f"Secret '{name}' not found. Create it with `modal secret create {name} KEY=VALUE`.")
        missing = [key for key in keys if key not in secret.values]
        if missing:
            raise not_found(f"Secret '{name}' has no {', '.join(missing)}.")
        return secret

    @unary("SecretList")
    async def list(self, request: api_pb2.SecretListRequest, _caller: Caller) -> api_pb2.SecretListResponse:
        """List named secrets, newest first, without their values."""
        environment = require_environment(self._context, request.environment_name)
        page = request.pagination
        found = self._secrets.page(environment, page.created_before, page.max_objects or _PAGE)
        return api_pb2.SecretListResponse(
            environment_name=environment,
            items=[
                api_pb2.SecretListItem(
                    label=secret.name,
                    created_at=secret.created_at,
                    last_used_at=secret.used_at,
                    environment_name=environment,
                    secret_id=secret.secret_id,
                    metadata=_metadata(secret),
                )
                for secret in found
            ],
        )

    @unary("SecretGetInfo")
    async def info(self, request: api_pb2.SecretGetInfoRequest, _caller: Caller) -> api_pb2.SecretGetInfoResponse:
        """Describe a secret."""
        return api_pb2.SecretGetInfoResponse(metadata=_metadata(self._get(request.secret_id)))

    @unary("SecretUpdate")
    async def update(self, request: api_pb2.SecretUpdateRequest, _caller: Caller) -> Empty:
        """Set or remove single keys."""
        values = dict(self._get(request.secret_id).values)
        for change in request.updates:
            if change.HasField("value"):
                values[change.key] = change.value
            else:
                values.pop(change.key, None)
        self._secrets.replace_values(request.secret_id, values)
        self._context.specs.forget_all()
        return Empty()

    @unary("SecretDelete")
    async def delete(self, request: api_pb2.SecretDeleteRequest, _caller: Caller) -> Empty:
        """Delete a secret."""
        self._secrets.delete(self._get(request.secret_id).secret_id)
        self._context.specs.forget_all()
        return Empty()

    def _get(self, secret_id: str) -> Secret:
        secret = self._secrets.get(secret_id)
        if secret is None:
            raise not_found(f"Secret {secret_id} not found.")
        return secret


def _metadata(secret: Secret) -> api_pb2.SecretMetadata:
    return api_pb2.SecretMetadata(
        name=secret.name,
        creation_info=api_pb2.CreationInfo(created_at=secret.created_at, created_by=WORKSPACE),
        keys=sorted(secret.values),
        environment_name=secret.environment,
        last_used_at=secret.used_at,
    )


def _found(secret: Secret) -> api_pb2.SecretGetOrCreateResponse:
    return api_pb2.SecretGetOrCreateResponse(secret_id=secret.secret_id, metadata=_metadata(secret))
