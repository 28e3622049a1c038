"""Mounts (lists of files) and blobs (uploaded content)."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.dispatch import unary
from modal_local.errors import invalid, not_found
from modal_local.ids import new_id

if TYPE_CHECKING:
    from modal_local.auth import Caller
    from modal_local.context import Context


def _check_hash(sha256_hex: str) -> None:
    if len(sha256_hex) != 2 * hashlib.sha256().digest_size or not all(c in "0123456789abcdef" for c in sha256_hex):
        raise invalid(f"'{sha256_hex}' is not a SHA-256 in hexadecimal.")


class MountService:
    """Files by content, and lists of them."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context

    @unary("MountBatchedCheckExistence")
    async def check_existence(
        self, request: api_pb2.MountBatchedCheckExistenceRequest, _caller: Caller
    ) -> api_pb2.MountBatchedCheckExistenceResponse:
        """Tell which contents have to be uploaded."""
        for sha256_hex in request.sha256_hex_hashes:
            _check_hash(sha256_hex)
        missing = [name for name in request.sha256_hex_hashes if not self._context.blobs.has(name)]
        return api_pb2.MountBatchedCheckExistenceResponse(missing_sha256_hex_hashes=missing)

    @unary("MountPutFile")
    async def put_file(self, request: api_pb2.MountPutFileRequest, _caller: Caller) -> api_pb2.MountPutFileResponse:
        """Take content, or tell whether it is here."""
        _check_hash(request.sha256_hex)
        kind = request.WhichOneof("data_oneof")
        if kind is None:
            return api_pb2.MountPutFileResponse(exists=self._context.blobs.has(request.sha256_hex))
        if kind == "data_blob_id":
            stored = self._context.stores.blobs.get(request.data_blob_id)
            if stored is None:
                raise not_found(f"Blob {request.data_blob_id} was not uploaded.")
        else:
            stored = await asyncio.to_thread(self._context.blobs.put, request.data)
        if stored != request.sha256_hex:
            raise invalid("The uploaded content does not have the SHA-256 that was announced.")
        return api_pb2.MountPutFileResponse(exists=True)

    @unary("MountGetOrCreate")
    async def get_or_create(
        self, request: api_pb2.MountGetOrCreateRequest, _caller: Caller
    ) -> api_pb2.MountGetOrCreateResponse:
        """Store a list of files. Named mounts are the SDK's own: containers here have the installed SDK."""
        if request.deployment_name:
            mount_id = self._context.stores.mounts.put_named(request.deployment_name)
        else:
            missing = [file.filename for file in request.files if not self._context.blobs.has(file.sha256_hex)]
            if missing:
                raise not_found(f"Content was not uploaded for {', '.join(missing[:5])}.")
            mount_id = self._context.stores.mounts.put(list(request.files))
        return api_pb2.MountGetOrCreateResponse(
            mount_id=mount_id,
            handle_metadata=api_pb2.MountHandleMetadata(content_checksum_sha256_hex=mount_id),
        )

    @unary("BlobCreate")
    async def blob_create(self, _request: api_pb2.BlobCreateRequest, _caller: Caller) -> api_pb2.BlobCreateResponse:
        """Give out a URL to upload to."""
        blob_id = new_id("bl")
        url = self._context.signer.url("blob-put", blob_id)
        return api_pb2.BlobCreateResponse(
            blob_id=blob_id,
            blob_ids=[blob_id],
            upload_url=url,
            upload_urls=api_pb2.UploadUrlList(items=[url]),
        )

    @unary("BlobGet")
    async def blob_get(self, request: api_pb2.BlobGetRequest, _caller: Caller) -> api_pb2.BlobGetResponse:
        """Give out a URL to download from."""
        if self._context.stores.blobs.get(request.blob_id) is None:
            raise not_found(f"Blob {request.blob_id} not found.")
        return api_pb2.BlobGetResponse(download_url=self._context.signer.url("blob-get", request.blob_id))
