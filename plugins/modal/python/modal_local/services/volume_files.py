"""The files of volumes: upload, list, download, copy, remove. Both file system versions behave alike here."""

from __future__ import annotations

import asyncio
import hashlib
from itertools import islice
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local import limits
from modal_local.dispatch import streaming, unary
from modal_local.errors import invalid, not_found
from modal_local.protobuf import Empty
from modal_local.services.volumes import require_volume

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from modal_local.auth import Caller
    from modal_local.context import Context

_BATCH = 500
_SMALL = 64 * 1024
"""Up to this size a download is of one moment; a larger file that is replaced meanwhile breaks off."""

_HASH_SIZE = 32
_EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

ListRequest = api_pb2.VolumeListFilesRequest | api_pb2.VolumeListFiles2Request


class VolumeFileService:
    """Transfers go through signed URLs of the control server, in blocks of 8 MiB."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context
        self._files = context.volumes

    # --- upload -------------------------------------------------------------------------------------------------

    @unary("VolumePutFiles")
    async def put_files(self, request: api_pb2.VolumePutFilesRequest, _caller: Caller) -> Empty:
        """Put uploaded contents in their places (version 1)."""
        require_volume(self._context, request.volume_id)
        overwrite = not request.disallow_overwrite_existing_files
        planned: list[tuple[api_pb2.MountFile, Path]] = []
        for file in request.files:
            source = self._context.blobs.path(file.sha256_hex)
            if not source.is_file():
                raise not_found(f"Content was not uploaded for {file.filename}.")
            planned.append((file, source))
        # Check all before any is written, so that a refused upload changes nothing.
        for file, _ in planned:
            self._files.prepare_write(request.volume_id, file.filename, overwrite=overwrite)

        def write_all() -> None:
            for file, source in planned:
                target = self._files.prepare_write(request.volume_id, file.filename, overwrite=overwrite)
                self._files.write(target, [(source, 0)], source.stat().st_size, file.mode)

        await asyncio.to_thread(write_all)
        return Empty()

    @unary("VolumePutFiles2")
    async def put_files2(
        self, request: api_pb2.VolumePutFiles2Request, _caller: Caller
    ) -> api_pb2.VolumePutFiles2Response:
        """Assemble files from blocks, or tell which blocks have to be uploaded first (version 2)."""
        require_volume(self._context, request.volume_id)
        overwrite = not request.disallow_overwrite_existing_files
        for file in request.files:
            self._files.prepare_write(request.volume_id, file.path, overwrite=overwrite)
        missing = []
        asked: set[str] = set()
        for file_index, file in enumerate(request.files):
            for block_index, block in enumerate(file.blocks):
                sha256 = self._block_hash(block)
                if sha256 in asked or self._block_path(sha256).is_file():
                    continue
                asked.add(sha256)
                missing.append(
                    api_pb2.VolumePutFiles2Response.MissingBlock(
                        file_index=file_index,
                        block_index=block_index,
                        put_url=self._context.signer.url("block-put", sha256),
                    )
                )
        if missing:
            return api_pb2.VolumePutFiles2Response(missing_blocks=missing)
        await asyncio.to_thread(self._assemble, request, overwrite=overwrite)
        return api_pb2.VolumePutFiles2Response()

    def _assemble(self, request: api_pb2.VolumePutFiles2Request, *, overwrite: bool) -> None:
        used: set[Path] = set()
        for file in request.files:
            target = self._files.prepare_write(request.volume_id, file.path, overwrite=overwrite)
            sources = []
            for index, block in enumerate(file.blocks):
                path = self._block_path(self._block_hash(block))
                sources.append((path, index * limits.BLOCK_SIZE))
                used.add(path)
            self._files.write(target, sources, file.size, file.mode)
        for path in used:
            path.unlink(missing_ok=True)

    def _block_path(self, sha256: str) -> Path:
        path = self._context.state.blocks / sha256
        if sha256 == _EMPTY_SHA256 and not path.exists():
            # A block of nothing but zero bytes is stored as an empty one: no need to upload that.
            path.touch()
        return path

    @staticmethod
    def _block_hash(block: api_pb2.VolumePutFiles2Request.Block) -> str:
        if len(block.contents_sha256) != _HASH_SIZE:
            raise invalid("A block came without its SHA-256.")
        return block.contents_sha256.hex()

    # --- list and download --------------------------------------------------------------------------------------

    @streaming("VolumeListFiles")
    async def list_files(
        self, request: api_pb2.VolumeListFilesRequest, _caller: Caller
    ) -> AsyncIterator[api_pb2.VolumeListFilesResponse]:
        """List a directory (version 1)."""
        async for entries in self._entries(request):
            yield api_pb2.VolumeListFilesResponse(entries=entries)

    @streaming("VolumeListFiles2")
    async def list_files2(
        self, request: api_pb2.VolumeListFiles2Request, _caller: Caller
    ) -> AsyncIterator[api_pb2.VolumeListFiles2Response]:
        """List a directory (version 2)."""
        async for entries in self._entries(request):
            yield api_pb2.VolumeListFiles2Response(entries=entries)

    async def _entries(self, request: ListRequest) -> AsyncIterator[list[api_pb2.FileEntry]]:
        require_volume(self._context, request.volume_id)
        found = self._files.list_entries(request.volume_id, request.path, recursive=request.recursive)
        remaining = request.max_entries if request.HasField("max_entries") else None
        limited = found if remaining is None else islice(found, remaining)
        while True:
            batch = await asyncio.to_thread(lambda: list(islice(limited, _BATCH)))
            if not batch:
                return
            yield batch

    @unary("VolumeGetFile2")
    async def get_file2(
        self, request: api_pb2.VolumeGetFile2Request, _caller: Caller
    ) -> api_pb2.VolumeGetFile2Response:
        """Give out one URL a block of the wanted part of a file."""
        require_volume(self._context, request.volume_id)
        file = self._files.readable_file(request.volume_id, request.path)
        size = file.stat().st_size
        if 0 < size <= _SMALL and not request.start and request.len in (0, size):
            return self._whole(file.read_bytes())
        start = min(request.start, size)
        length = min(request.len or size, size - start)
        urls = []
        position = start
        while position < start + length:
            boundary = (position // limits.BLOCK_SIZE + 1) * limits.BLOCK_SIZE
            end = min(boundary, start + length)
            urls.append(
                self._context.signer.url(
                    "volume-get", request.volume_id, request.path, str(position), str(end - position)
                )
            )
            position = end
        return api_pb2.VolumeGetFile2Response(get_urls=urls, size=size, start=start, len=length)

    def _whole(self, data: bytes) -> api_pb2.VolumeGetFile2Response:
        """Give out a file as it is at this moment, whatever takes its place before it is downloaded."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self._context.blobs.path(sha256).is_file():
            with self._context.blobs.writer() as writer:
                writer.write(data)
                writer.commit()
        self._context.stores.blobs.put(f"file-{sha256}", sha256, len(data))
        url = self._context.signer.url("blob-get", f"file-{sha256}")
        return api_pb2.VolumeGetFile2Response(get_urls=[url], size=len(data), start=0, len=len(data))

    # --- change -------------------------------------------------------------------------------------------------

    @unary("VolumeRemoveFile")
    async def remove(self, request: api_pb2.VolumeRemoveFileRequest, _caller: Caller) -> Empty:
        """Remove a file or directory (version 1)."""
        return await self._remove(request.volume_id, request.path, recursive=request.recursive)

    @unary("VolumeRemoveFile2")
    async def remove2(self, request: api_pb2.VolumeRemoveFile2Request, _caller: Caller) -> Empty:
        """Remove a file or directory (version 2)."""
        return await self._remove(request.volume_id, request.path, recursive=request.recursive)

    async def _remove(self, volume_id: str, path: str, *, recursive: bool) -> Empty:
        require_volume(self._context, volume_id)
        await asyncio.to_thread(self._files.remove, volume_id, path, recursive=recursive)
        return Empty()

    @unary("VolumeCopyFiles")
    async def copy(self, request: api_pb2.VolumeCopyFilesRequest, _caller: Caller) -> Empty:
        """Copy within a volume (version 1)."""
        return await self._copy(request.volume_id, list(request.src_paths), request.dst_path, request.recursive)

    @unary("VolumeCopyFiles2")
    async def copy2(self, request: api_pb2.VolumeCopyFiles2Request, _caller: Caller) -> Empty:
        """Copy within a volume (version 2)."""
        return await self._copy(request.volume_id, list(request.src_paths), request.dst_path, request.recursive)

    async def _copy(self, volume_id: str, sources: list[str], destination: str, recursive: bool) -> Empty:
        require_volume(self._context, volume_id)
        await asyncio.to_thread(self._files.copy, volume_id, sources, destination, recursive=recursive)
        return Empty()
