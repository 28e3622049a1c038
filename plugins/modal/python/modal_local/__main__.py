"""Entry point for ``python -m modal_local`` and for running this file by its path."""

import sys
from pathlib import Path

if not __package__:
    # Run as `python .../modal_local/__main__.py`: Python has put this directory first on sys.path, where our
    # modules would shadow others of the same name. Put the parent there instead.
    _here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _here]
    sys.path.insert(0, str(_here.parent))

from modal_local.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
