"""What reaches behind the SDK's public interface, so that an upgrade of modal touches the files sdk*.py alone.

Written against modal 1.6.4. Public calls (modal.App, Image, Volume, Function) are made where they are needed.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import traceback
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast

from modal._utils.async_utils import synchronize_api
from modal.client import Client
from modal.config import config
from modal_proto import api_pb2

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

    import modal

P = ParamSpec("P")
R = TypeVar("R")


class Message(Protocol):
    """A protobuf message; its library has no types of its own."""

    def SerializeToString(self) -> bytes: ...  # noqa: N802 - protobuf's name


Answer = TypeVar("Answer", bound=Message)

Empty: Any = importlib.import_module("google.protobuf.empty_pb2").Empty

_synchronized: Any = partial(synchronize_api, target_module=__name__)


def on_modal_loop(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Awaitable[R]]:
    """Make a coroutine function run on the SDK's own event loop, awaitable from ours."""
    wrapped = _synchronized(function)
    return cast("Callable[P, Awaitable[R]]", wrapped.aio)


async def _call(client: modal.Client, method: str, request: Message) -> Message:
    # On its way here the public wrapper becomes the SDK's inner client. `stub`, without the dash, warns since 1.6.
    stub = getattr(client, "_stub", None) or client.stub
    answer: Message = await getattr(stub, method)(request)
    return answer


_call_on_modal_loop = on_modal_loop(_call)


async def rpc(client: modal.Client, method: str, request: Message, answer: type[Answer]) -> Answer:
    """One call of Modal's own protocol, with the SDK's retries and its exceptions."""
    reply = await _call_on_modal_loop(client, method, request)
    if not isinstance(reply, answer):
        raise TypeError(f"{method} answered {type(reply).__name__}")
    return reply


def prepare_environment() -> None:
    """Settings that the SDK reads from the environment when it connects."""
    # When Modal throttles, the SDK would wait for ever.
    os.environ.setdefault("MODAL_MAX_THROTTLE_WAIT", "20")
    if all(re.match(r"https?://(127\.0\.0\.1|localhost)\b", url) for url in server_urls()):
        os.environ.setdefault("MODAL_DISABLE_API_PROXY", "1")  # A proxy has no way to this machine's own loopback.


def has_credentials() -> bool:
    """Whether there is something to log in with."""
    if config.get("token_id") and config.get("token_secret"):
        return True
    try:
        return bool(config.get("oauth_refresh_token"))
    except KeyError:  # An SDK without that way to log in.
        return False


async def connect() -> modal.Client:
    """The client for the credentials in the environment, connected. Takes a minute to find out that it cannot."""
    opening: Any = Client.from_env  # Untyped in the SDK.
    client: modal.Client = await opening.aio()
    return client


def forget_credentials() -> None:
    """Take the tokens out of the environment: the client has them, and git, which the SDK runs, would inherit them."""
    for name in ("MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"):
        os.environ.pop(name, None)


async def hello(client: modal.Client) -> None:
    """Make sure that the server answers and knows the tokens."""
    greeting: Any = client.hello  # Untyped in the SDK.
    await greeting.aio()


def server_urls() -> list[str]:
    """Where Modal's servers are; more than one are tried in turn."""
    return [url.strip() for url in str(config.get("server_url")).split(",") if url.strip()]


def proxy_for(host: str, use_ssl: bool) -> str | None:
    """URL of the proxy that the SDK would take to the host, or None."""
    try:
        from modal._utils.proxy_support import get_proxy_url
    except ImportError:
        return None
    return get_proxy_url(host, use_ssl=use_ssl)


def environment_name() -> str:
    """The environment that the user chose; empty for the workspace's default."""
    return str(config.get("environment") or "")


async def default_environment(client: modal.Client) -> str:
    """Name of the environment that is used when none is named."""
    request = api_pb2.EnvironmentGetOrCreateRequest(deployment_name=environment_name())
    answer = await rpc(client, "EnvironmentGetOrCreate", request, api_pb2.EnvironmentGetOrCreateResponse)
    return answer.metadata.name or environment_name()


@dataclass(frozen=True)
class Identity:
    workspace: str
    user: str
    token_name: str
    expires_at: float | None  # seconds since 1970


async def identity(client: modal.Client) -> Identity:
    """Whose token this is."""
    info = await rpc(client, "TokenInfoGet", api_pb2.TokenInfoGetRequest(), api_pb2.TokenInfoGetResponse)
    expires = info.expires_at.seconds if info.HasField("expires_at") and info.expires_at.seconds else None
    user = info.user_identity.username or info.service_user_identity.service_user_name
    return Identity(info.workspace_name, user, info.token_name, expires)


async def workspace(client: modal.Client) -> tuple[str, str]:
    """Names of the workspace and the user."""
    answer = await rpc(client, "WorkspaceNameLookup", Empty(), api_pb2.WorkspaceNameLookupResponse)
    return answer.workspace_name, answer.username


@dataclass(frozen=True)
class VolumeItem:
    id: str
    name: str
    created_at: float
    created_by: str | None


async def get_volume(client: modal.Client, name: str, create: bool) -> VolumeItem:
    """The named volume; the SDK's NotFoundError, or AlreadyExistsError with ``create``."""
    how = api_pb2.OBJECT_CREATION_TYPE_CREATE_FAIL_IF_EXISTS if create else api_pb2.OBJECT_CREATION_TYPE_UNSPECIFIED
    request = api_pb2.VolumeGetOrCreateRequest(
        deployment_name=name, environment_name=environment_name(), object_creation_type=how
    )
    answer = await rpc(client, "VolumeGetOrCreate", request, api_pb2.VolumeGetOrCreateResponse)
    created = answer.metadata.creation_info
    return VolumeItem(answer.volume_id, answer.metadata.name or name, created.created_at, created.created_by or None)


@dataclass(frozen=True)
class Outcome:
    """One thing that a call brought: an item of a generator, the value of a function, or what was raised."""

    value: object = None
    is_item: bool = False
    error: BaseException | None = None


async def _invoke(function: Any, args: tuple[object, ...], kwargs: dict[str, object]) -> AsyncGenerator[Outcome, None]:
    # A function may raise anything, SystemExit too, and the SDK raises it here anew. Caught on the SDK's loop and
    # handed over as a value, it cannot end this process.
    try:
        if function._is_generator:  # noqa: SLF001 - as above
            async for item in function.remote_gen(*args, **kwargs):
                yield Outcome(item, is_item=True)
        else:
            yield Outcome(await function.remote(*args, **kwargs))
    except (GeneratorExit, asyncio.CancelledError) as error:
        if not is_remote(error):
            raise  # Our own request was cancelled.
        yield Outcome(error=error)
    except BaseException as error:  # noqa: BLE001 - handed over
        yield Outcome(error=error)


_invoke_on_modal_loop: Any = _synchronized(_invoke)


def invoke(
    function: modal.Function[..., Any, Any], args: tuple[object, ...], kwargs: dict[str, object]
) -> AsyncGenerator[Outcome, None]:
    """Run a function that was looked up, and tell what happens. Never raises what the function raised."""
    outcomes: AsyncGenerator[Outcome, None] = _invoke_on_modal_loop.aio(function, args, kwargs)
    return outcomes


def is_remote(error: BaseException) -> bool:
    """Whether the exception was raised in a container, and brought its traceback along."""
    return isinstance(getattr(error, "__line_cache__", None), dict)


def remote_traceback(error: BaseException) -> str:
    """The traceback of an exception that was raised in a container."""
    lines: dict[object, object] = getattr(error, "__line_cache__", {})
    frames: list[str] = []
    for frame in traceback.extract_tb(error.__traceback__):
        if not frame.filename.startswith("<ta-"):
            continue  # A frame of this process.
        frames.append(f'  File "{frame.filename.partition(">:")[2]}", line {frame.lineno}, in {frame.name}')
        file = frame.filename.partition(">:")[2]
        if code := lines.get((file, frame.lineno)) or lines.get((frame.filename, frame.lineno)):
            frames.append(f"    {str(code).strip()}")
    last = "".join(traceback.format_exception_only(type(error), error)).rstrip("\n")
    return without_runtime_frames("\n".join(["Traceback (most recent call last):", *frames, last]))


_RUNTIME_FRAME = re.compile(
    r'  File "[^"]*/modal/(?:_runtime/|_container_entrypoint)[^"]*", line \d+, in .*\n(?:    .*\n)*'
)


def without_runtime_frames(text: str) -> str:
    """A traceback's text without the frames of Modal's own code in the container."""
    return _RUNTIME_FRAME.sub("", text)
