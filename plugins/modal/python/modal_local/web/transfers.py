"""Uploads and downloads through signed URLs: blobs, blocks and parts of volume files."""

from __future__ import annotations

import hashlib
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import web
from grpclib import GRPCError

from modal_local import limits

if TYPE_CHECKING:
    from pathlib import Path

    from modal_local.context import Context

_CHUNK = 256 * 1024


class Transfers:
    """Handlers of ``/t/SIGNATURE/KIND/...``. The signature covers everything behind it."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context

    def _checked(self, request: web.Request) -> list[str]:
        """Return the signed segments; 403 for a URL that this server did not make."""
        # The raw path, as segments may contain encoded slashes.
        segments = [unquote(part) for part in request.url.raw_path.split("/")[3:]]
        if not self._context.signer.valid(request.match_info["signature"], *segments):
            raise web.HTTPForbidden(text="This URL is not valid.\n")
        return segments

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Take an upload."""
        kind, *arguments = self._checked(request)
        if kind == "blob-put":
            return await self._put_blob(request, arguments[0])
        if kind == "block-put":
            return await self._put_block(request, arguments[0])
        raise web.HTTPMethodNotAllowed("PUT", ["GET"])

    async def _put_blob(self, request: web.Request, blob_id: str) -> web.Response:
        with self._context.blobs.writer() as writer:
            async for data in request.content.iter_chunked(_CHUNK):
                writer.write(data)
            md5 = writer.md5
            sha256 = writer.commit()
            self._context.stores.blobs.put(blob_id, sha256, writer.size)
        # The SDK compares the ETag with its own MD5, as S3 does it.
        return web.Response(headers={"ETag": f'"{md5}"'})

    async def _put_block(self, request: web.Request, sha256: str) -> web.Response:
        temporary = self._context.state.blocks / f".{secrets.token_hex(8)}.tmp"
        digest = hashlib.sha256()
        size = 0
        try:
            with temporary.open("xb") as stream:
                async for data in request.content.iter_chunked(_CHUNK):
                    size += len(data)
                    if size > limits.BLOCK_SIZE:
                        raise web.HTTPRequestEntityTooLarge(limits.BLOCK_SIZE, size)
                    digest.update(data)
                    stream.write(data)
            if digest.hexdigest() != sha256:
                raise web.HTTPBadRequest(text="The block does not have the SHA-256 that was announced.\n")
            temporary.replace(self._context.state.blocks / sha256)
        finally:
            temporary.unlink(missing_ok=True)
        return web.Response(body=sha256.encode())

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Answer a download."""
        kind, *arguments = self._checked(request)
        if kind == "blob-get":
            sha256 = self._context.stores.blobs.get(arguments[0])
            if sha256 is None:
                raise web.HTTPNotFound(text="This blob is gone.\n")
            path = self._context.blobs.path(sha256)
            return await _send(request, path, 0, path.stat().st_size)
        if kind == "volume-get":
            volume_id, name, start, length = arguments
            try:
                path = self._context.volumes.readable_file(volume_id, name)
            except GRPCError:
                raise web.HTTPNotFound(text="This file is gone.\n") from None
            return await _send(request, path, int(start), int(length))
        raise web.HTTPMethodNotAllowed("GET", ["PUT"])


async def _send(request: web.Request, path: Path, start: int, length: int) -> web.StreamResponse:
    response = web.StreamResponse(status=HTTPStatus.OK, headers={"Content-Type": "application/octet-stream"})
    response.content_length = length
    await response.prepare(request)
    with path.open("rb") as stream:
        stream.seek(start)
        while length > 0:
            data = stream.read(min(_CHUNK, length))
            if not data:
                # The file became shorter meanwhile: break off, the client notices the missing bytes.
                break
            length -= len(data)
            await response.write(data)
    await response.write_eof()
    return response
