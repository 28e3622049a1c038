"""Command line of Local Modal: ``serve --state DIR [--version TEXT]``."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modal_local.statedir import StateDirectory, StateLockedError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_LOCKED = 3
"""Exit code when another server already holds the state directory."""


def main(argv: Sequence[str]) -> int:
    """Run the command line and return the process exit code (0 ok, 2 usage, 3 another server has the directory)."""
    parser = argparse.ArgumentParser(prog="modal_local", description="A local server for the Modal SDK.")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the server in the foreground")
    serve.add_argument("--state", required=True, type=Path, help="directory for everything that the server keeps")
    serve.add_argument("--version", default="", help="text that is given back in server.json and /status")
    options = parser.parse_args(argv)
    return _serve(options.state, options.version)


def _serve(directory: Path, version: str) -> int:
    # Everything below the state directory is private; containers get an ordinary umask of their own.
    os.umask(0o077)
    try:
        state = StateDirectory.acquire(directory)
    except StateLockedError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the message of the command line
        return EXIT_LOCKED
    try:
        # Imported only now: a refused second server should not pay for the protocol modules.
        from modal_local.server import run_server

        return asyncio.run(run_server(state, version))
    finally:
        state.release()
