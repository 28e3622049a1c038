"""A file whose function is not there in the container."""

import os

if os.environ.get("MODAL_IS_REMOTE") != "1":

    def handler():
        return 1
