"""Who sends a request: a client with the token pair, or one of our containers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from modal_proto import api_pb2

from modal_local.errors import unauthenticated
from modal_local.runner.environment import TASK_ID_HEADER, TASK_SECRET_HEADER

if TYPE_CHECKING:
    from modal_local.runner.container import Container
    from modal_local.runner.fleet import Fleet
    from modal_local.statedir import TokenPair

_OPEN_TO_ALL = frozenset({"TokenFlowCreate", "TokenFlowWait"})


class Metadata(Protocol):
    """The request metadata, as far as it is looked at."""

    def get(self, key: str, default: str, /) -> str | bytes | None:
        """Return the first value of a key."""


@dataclass(frozen=True)
class Caller:
    """The sender of a request."""

    client_version: str
    container: Container | None = None

    def __str__(self) -> str:
        """Name the sender in logs."""
        return self.container.task_id if self.container is not None else f"a client {self.client_version}"

    def require_container(self) -> Container:
        """Return the container that sent the request; UNAUTHENTICATED for anybody else."""
        if self.container is None:
            raise unauthenticated("Only containers of this server may send this request.")
        return self.container


class Authenticator:
    """Checks the credentials of each request."""

    def __init__(self, tokens: TokenPair, fleet: Fleet) -> None:
        """Accept this pair and the containers of this fleet."""
        self._tokens = tokens
        self._fleet = fleet

    def authenticate(self, rpc: str, metadata: Metadata) -> Caller:
        """Return who sends the request or raise UNAUTHENTICATED."""

        def header(name: str) -> str:
            value = metadata.get(name, "")
            return value.decode(errors="replace") if isinstance(value, bytes) else value or ""

        version = header("x-modal-client-version")
        if rpc in _OPEN_TO_ALL:
            return Caller(version)
        if header("x-modal-client-type") == str(int(api_pb2.CLIENT_TYPE_CONTAINER)):
            container = self._fleet.container(header(TASK_ID_HEADER))
            if container is None or not secrets.compare_digest(
                container.secret.encode(), header(TASK_SECRET_HEADER).encode()
            ):
                raise unauthenticated("This request claims to come from a container that Local Modal does not know.")
            return Caller(version, container)
        token_id = header("x-modal-token-id")
        if not token_id:
            raise unauthenticated(
                "Local Modal got no token. Set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET to the pair in its server.json"
                " (`cloudctl modal local env` prints them)."
            )
        if not self._tokens.matches(token_id, header("x-modal-token-secret")):
            raise unauthenticated(
                "Local Modal does not know this token. It accepts only its own pair, which is in its server.json"
                " (`cloudctl modal local env` prints it); tokens of a Modal account do not work here."
            )
        return Caller(version)
