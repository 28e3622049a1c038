"""A file that can be imported only where it is deployed from."""

# What users write: neither typed nor linted.
# mypy: ignore-errors
# ruff: noqa

import os

if os.environ.get("MODAL_IS_REMOTE") == "1":
    import a_package_that_nobody_has  # noqa: F401


def handler():
    return 1
