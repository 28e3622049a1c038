"""Starts CloudCTL's Modal child: ``python child.py``, JSON lines on the descriptors.

This file does what must happen before any other import: it takes the protocol's descriptors into its own hands,
so that nothing imported later can write to or read from them, and it ties the process to its parent.
"""

import os
import sys

_FIRST_PRIVATE_FD = 10  # Private copies live above the descriptors that carry meaning (0 to 3).


def _private_copy(fd: int) -> int:
    """A duplicate of ``fd`` that no child process inherits."""
    try:
        import fcntl
    except ImportError:  # Windows
        return os.dup(fd)
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_PRIVATE_FD)


def _take_credentials_fd() -> "int | None":
    """The private copy of fd 3 when the parent gave one that can carry data, else None.

    Done first: any descriptor opened earlier would land on 3 when the parent left it closed.
    """
    import stat

    try:
        mode = os.fstat(3).st_mode
    except OSError:
        return None
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISREG(mode)):
        return None
    copy = _private_copy(3)
    os.close(3)
    return copy


def _harden() -> None:
    """No core dumps (they would hold tokens), and no life after the parent's death."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        pass
    if sys.platform == "linux":
        try:
            import ctypes
            import signal

            libc = ctypes.CDLL(None, use_errno=True)
            libc.prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG
            libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
        except (ImportError, OSError, AttributeError):
            pass


def _main() -> None:
    credentials = _take_credentials_fd()
    requests = _private_copy(0)
    replies = _private_copy(1)
    noise = _private_copy(2)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    _harden()
    # `-P` and `python child.py` agree on this: our package lies beside this file.
    # pathlib would cost milliseconds at every start.
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120
    if here not in sys.path:
        sys.path.insert(0, here)
    from cloudctl_modal.main import run

    run(requests=requests, replies=replies, noise=noise, credentials=credentials)


if __name__ == "__main__":
    _main()
