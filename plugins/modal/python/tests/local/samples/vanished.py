"""A file whose function is not there in the container."""

# What users write: neither typed nor linted.
# mypy: ignore-errors
# ruff: noqa

import os

if os.environ.get("MODAL_IS_REMOTE") != "1":

    def handler():
        return 1
