"""A file whose import ends the process."""

import os

if os.environ.get("MODAL_IS_REMOTE") == "1":
    os._exit(9)


def handler():
    return 1
