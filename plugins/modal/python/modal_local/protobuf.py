"""The well-known protobuf types, in one place: protobuf comes without type information."""

from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped, unused-ignore]
from google.protobuf.message import Message  # type: ignore[import-untyped, unused-ignore]
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped, unused-ignore]

__all__ = ["Empty", "Message", "Timestamp"]
