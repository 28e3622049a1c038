"""The deployment's own records: what CloudCTL deployed, kept beside the deployment in a Modal Volume.

``apps/APP/FUNCTION.json`` says how a function was deployed, and beside it lie the packages (kept_packages.py). With
them another machine can deploy an app's other functions again, which Modal asks for at every publish.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import modal
from modal import exception as sdk_exception

from cloudctl_modal.decode import Fields, MisfitError, filled, integer, limited
from cloudctl_modal.kept_packages import KeptPackages
from cloudctl_modal.protocol import Function, Signature, read_function, read_signature

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cloudctl_modal.errors import Json

STATE_VOLUME = "cloudctl-state"
_VERSION = 1
_AT_ONCE = 8  # Files read at the same time.


@dataclass(frozen=True)
class Record:
    """One function as deployed; its package's directory is on the machine that deployed it, so it is empty here.

    ``app_version`` is the app's version that its deployment published; None where Modal did not tell.
    """

    function: Function
    signature: Signature
    deployed_at: str
    function_id: str
    client: str
    app_version: int | None = None

    def managed(self) -> dict[str, Json]:
        """The protocol's ManagedFunction."""
        return {
            "name": self.function.name,
            "digest": self.function.package.digest,
            "spec": self.function.spec,
            "deployedAt": self.deployed_at,
            "functionId": self.function_id,
            "client": self.client,
        }

    def to_json(self) -> dict[str, Json]:
        return {
            "version": _VERSION,
            **self.managed(),
            "appVersion": self.app_version,
            "function": self.function.to_json(),
            "signature": self.signature.to_json(),
        }


def read_record(data: bytes) -> Record:
    """A record from its file. Raises MisfitError, also for one that a newer CloudCTL wrote."""
    try:
        value: Json = json.loads(data)
    except ValueError:
        raise MisfitError("record", "is not JSON") from None
    fields = Fields(value, "record")
    if fields.required("version", integer(1)) != _VERSION:
        raise MisfitError("record", "was written by a newer CloudCTL")
    raw = fields.raw("function")
    if isinstance(raw, dict) and isinstance(raw.get("package"), dict):
        # The reader wants a directory; the archive will be unpacked into one when it is needed.
        raw = {**raw, "package": {**raw["package"], "directory": "."}}  # type: ignore[dict-item]
    return Record(
        read_function(raw, "record.function").in_directory(""),
        fields.required("signature", read_signature),
        fields.required("deployedAt", filled),
        fields.required("functionId", filled),
        fields.required("client", limited(200)),
        fields.optional("appVersion", integer(1)),
    )


class Records:
    """The state volume of one environment."""

    def __init__(self, volume: modal.Volume) -> None:
        self._volume = volume

    @classmethod
    async def open(cls, client: modal.Client, create: bool) -> Records | None:
        """The records; None when there are none yet and ``create`` is false. Raises the SDK's exceptions."""
        volume = modal.Volume.from_name(STATE_VOLUME, create_if_missing=create, client=client)
        try:
            await volume.hydrate.aio(client)
        except sdk_exception.NotFoundError:
            return None
        return cls(volume)

    async def of_app(self, app: str) -> tuple[dict[str, Record], dict[str, str]]:
        """Records by function name, and those that cannot be used with the reason why."""
        try:
            entries = await self._volume.listdir.aio(f"apps/{app}")
        except (sdk_exception.NotFoundError, FileNotFoundError):
            return {}, {}
        names = sorted(PurePosixPath(entry.path).stem for entry in entries if entry.path.endswith(".json"))
        limit = asyncio.Semaphore(_AT_ONCE)

        async def read(name: str) -> Record | str:
            async with limit:
                try:
                    return read_record(await self._read(f"apps/{app}/{name}.json"))
                except (MisfitError, FileNotFoundError) as error:
                    return str(error)

        found = dict(zip(names, await asyncio.gather(*map(read, names)), strict=True))
        good = {name: record for name, record in found.items() if isinstance(record, Record)}
        return good, {name: reason for name, reason in found.items() if isinstance(reason, str)}

    async def of_function(self, app: str, function: str) -> Record | None:
        """The record of one function, or None."""
        try:
            return read_record(await self._read(f"apps/{app}/{function}.json"))
        except (MisfitError, FileNotFoundError, sdk_exception.NotFoundError):
            return None

    def packages(self, app: str) -> KeptPackages:
        """The packages of one app."""
        return KeptPackages(self._volume, app)

    async def put_records(self, app: str, records: Iterable[Record]) -> None:
        """Write the records, all in one step."""
        ready = list(records)
        if not ready:
            return
        async with self._volume.batch_upload(force=True) as batch:
            for record in ready:
                text = json.dumps(record.to_json(), ensure_ascii=False, indent=1).encode("utf-8", "replace")
                batch.put_file(io.BytesIO(text), f"apps/{app}/{record.function.name}.json")

    async def remove_records(self, app: str, names: Iterable[str]) -> None:
        """Forget functions that are no longer there."""
        for name in names:
            with contextlib.suppress(sdk_exception.NotFoundError, FileNotFoundError):
                await self._volume.remove_file.aio(f"apps/{app}/{name}.json")

    async def _read(self, path: str) -> bytes:
        data = bytearray()
        async for chunk in self._volume.read_file.aio(path):
            data += chunk
        return bytes(data)
