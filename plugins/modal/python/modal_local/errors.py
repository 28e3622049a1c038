"""The gRPC errors that the SDK turns into its own exceptions."""

from __future__ import annotations

from grpclib import GRPCError, Status


def not_found(message: str) -> GRPCError:
    """Become ``modal.exception.NotFoundError``."""
    return GRPCError(Status.NOT_FOUND, message)


def already_exists(message: str) -> GRPCError:
    """Become ``modal.exception.AlreadyExistsError``."""
    return GRPCError(Status.ALREADY_EXISTS, message)


def invalid(message: str) -> GRPCError:
    """Become ``modal.exception.InvalidError``."""
    return GRPCError(Status.INVALID_ARGUMENT, message)


def conflict(message: str) -> GRPCError:
    """Become ``modal.exception.ConflictError``."""
    return GRPCError(Status.FAILED_PRECONDITION, message)


def unauthenticated(message: str) -> GRPCError:
    """Become ``modal.exception.AuthError``."""
    return GRPCError(Status.UNAUTHENTICATED, message)


def unimplemented(name: str) -> GRPCError:
    """Say that an RPC is not served; becomes ``modal.exception.UnimplementedError``."""
    return GRPCError(Status.UNIMPLEMENTED, f"Local Modal does not serve {name} yet.")
