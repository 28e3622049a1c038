"""What the parts of the server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modal_local.runner.calls import CallBook
    from modal_local.runner.fleet import Fleet
    from modal_local.runner.specs import SpecMaker
    from modal_local.signing import UrlSigner
    from modal_local.statedir import StateDirectory, TokenPair
    from modal_local.store.apps import AppStore
    from modal_local.store.blobs import BlobDirectory
    from modal_local.store.database import Database
    from modal_local.store.functions import FunctionStore
    from modal_local.store.logs import LogStore
    from modal_local.store.named import SecretStore, VolumeStore
    from modal_local.store.objects import BlobStore, EnvironmentStore, ImageStore, MountStore
    from modal_local.store.ports import PortBook
    from modal_local.volumes import VolumeFiles
    from modal_local.web.gateway import WebGateway


@dataclass(frozen=True)
class Stores:
    """Everything that is kept in the database."""

    database: Database
    apps: AppStore
    functions: FunctionStore
    mounts: MountStore
    images: ImageStore
    blobs: BlobStore
    environments: EnvironmentStore
    volumes: VolumeStore
    secrets: SecretStore
    ports: PortBook


@dataclass(frozen=True)
class Context:
    """The running server, as its services see it."""

    state: StateDirectory
    tokens: TokenPair
    stores: Stores
    blobs: BlobDirectory
    volumes: VolumeFiles
    signer: UrlSigner
    logs: LogStore
    calls: CallBook
    specs: SpecMaker
    fleet: Fleet
    gateway: WebGateway
    version: str
    sdk_version: str
    started_at: float
    url: str
    control_url: str
