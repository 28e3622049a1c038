"""Rules for names, as Modal's documentation and client state them."""

from __future__ import annotations

import re

from modal_local.errors import invalid

_OBJECT_NAME = re.compile(r"[a-zA-Z0-9\-_.]{1,64}")
_APP_ID = re.compile(r"ap-[a-zA-Z0-9]{22}")
_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9\-_.*]{1,128}")
_TAG = re.compile(r"[a-zA-Z0-9\-_.]{1,50}")
_ENVIRONMENT = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9\-_]{0,63}")


def check_object_name(kind: str, name: str) -> None:
    """Raise INVALID_ARGUMENT unless ``name`` may name an app, a volume or a secret."""
    if not _OBJECT_NAME.fullmatch(name) or _APP_ID.fullmatch(name):
        message = (
            f"Invalid {kind} name: '{name}'. Names may contain only letters, digits, dashes, periods and"
            " underscores, must have at most 64 characters and must not look like an app id."
        )
        raise invalid(message)


def check_function_name(name: str) -> None:
    """Raise INVALID_ARGUMENT unless ``name`` may name a function."""
    if not _FUNCTION_NAME.fullmatch(name):
        message = (
            f"Invalid function name: '{name}'. Names may contain only letters, digits, dashes, periods and"
            " underscores, and must have at most 128 characters."
        )
        raise invalid(message)


def check_deployment_tag(tag: str) -> None:
    """Raise INVALID_ARGUMENT unless ``tag`` is empty or may label a deployment."""
    if tag and not _TAG.fullmatch(tag):
        message = f"Invalid deployment tag: '{tag}'. Use at most 50 letters, digits, dashes, periods and underscores."
        raise invalid(message)


def check_environment_name(name: str) -> None:
    """Raise INVALID_ARGUMENT unless ``name`` may name an environment."""
    if not _ENVIRONMENT.fullmatch(name) or name.startswith("en-"):
        raise invalid(f"Invalid environment name: '{name}'. Use at most 64 letters, digits, dashes and underscores.")
