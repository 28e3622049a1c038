"""Images: remembered, never built."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from modal_proto import api_pb2

from modal_local.dispatch import streaming, unary
from modal_local.errors import not_found
from modal_local.images import image_facts
from modal_local.services.environments import IMAGE_BUILDER_VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from modal_local.auth import Caller
    from modal_local.context import Context

_SUCCESS = api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS)


class ImageService:
    """Every image is ready at once."""

    def __init__(self, context: Context) -> None:
        """Serve from ``context``."""
        self._context = context

    @unary("ImageGetOrCreate")
    async def get_or_create(
        self, request: api_pb2.ImageGetOrCreateRequest, _caller: Caller
    ) -> api_pb2.ImageGetOrCreateResponse:
        """Remember a layer and call it built."""
        image_id = self._context.stores.images.put(request.image)
        return api_pb2.ImageGetOrCreateResponse(image_id=image_id, result=_SUCCESS, metadata=self._metadata(image_id))

    @unary("ImageFromId")
    async def from_id(self, request: api_pb2.ImageFromIdRequest, _caller: Caller) -> api_pb2.ImageFromIdResponse:
        """Look an image up."""
        if self._context.stores.images.get(request.image_id) is None:
            raise not_found(f"Image {request.image_id} not found.")
        return api_pb2.ImageFromIdResponse(image_id=request.image_id, metadata=self._metadata(request.image_id))

    @streaming("ImageJoinStreaming")
    async def join(
        self, request: api_pb2.ImageJoinStreamingRequest, _caller: Caller
    ) -> AsyncIterator[api_pb2.ImageJoinStreamingResponse]:
        """Tell that the build is over; there are no logs of it."""
        if self._context.stores.images.get(request.image_id) is None:
            raise not_found(f"Image {request.image_id} not found.")
        yield api_pb2.ImageJoinStreamingResponse(result=_SUCCESS, metadata=self._metadata(request.image_id), eof=True)

    def _metadata(self, image_id: str) -> api_pb2.ImageMetadata:
        facts = image_facts(self._context.stores.images, self._context.stores.mounts, image_id)
        version = facts.python or f"{sys.version_info.major}.{sys.version_info.minor}"
        return api_pb2.ImageMetadata(
            python_version_info=f"Python {version}.0",
            workdir=facts.working_directory or "/root",
            image_builder_version=IMAGE_BUILDER_VERSION,
        )
