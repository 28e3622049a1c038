"""A file whose import ends the process."""

# What users write: neither typed nor linted.
# mypy: ignore-errors
# ruff: noqa

import os
import sys

if os.environ.get("MODAL_IS_REMOTE") == "1":
    for number in range(100):
        print(f"a line {number}".ljust(40, "."), file=sys.stderr)
    print("on its way out", file=sys.stderr, flush=True)
    os._exit(9)


def handler():
    return 1
