"""Plain functions, as users write them for CloudCTL. Nothing here knows of Modal unless it says so."""

# What users write: neither typed nor linted.
# mypy: ignore-errors
# ruff: noqa

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path


class CustomError(Exception):
    """An error that the caller does not have."""


def double(x=1):
    print("doubling", x)
    return x * 2


def triple(x=1):
    return x * 3


async def plus_one(x=1):
    await asyncio.sleep(0)
    return x + 1


def count(n=3):
    yield from range(n)


async def count_async(n=3):
    for i in range(n):
        await asyncio.sleep(0)
        yield i


def fail_half_way(n=2):
    yield from range(n)
    raise ValueError("half way")


def boom():
    raise ValueError("no such luck")


def sleep(seconds=1.0):
    time.sleep(seconds)
    return os.getpid()


async def sleep_async(seconds=1.0):
    await asyncio.sleep(seconds)
    return "slept"


def stubborn():
    while True:
        try:
            time.sleep(0.1)
        except BaseException:
            pass


def crash(code=7):
    os._exit(code)


def size_of(data=b""):
    return len(data), data * 2


def look_around():
    return {
        "cwd": os.getcwd(),
        "home": os.environ.get("HOME"),
        "file": __file__,
        "environ": dict(os.environ),
        "root": sorted(os.listdir("/root")) if os.access("/root", os.R_OK) else [],
        "uid": os.getuid(),
        "pid": os.getpid(),
        "python": sys.version_info[:2],
        "path": sys.path,
    }


def write_and_list(path="/root/written.txt"):
    before = sorted(os.listdir(os.path.dirname(path)))
    Path(path).write_text("mine")
    return before


def exists(path="/"):
    return os.path.exists(path)


def listing(path="/"):
    return sorted(os.listdir(path))


def write_file(path="/models/a.txt", text="hello"):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return sorted(os.listdir(os.path.dirname(path)))


def read_file(path="/models/a.txt"):
    return Path(path).read_text()


def commit_and_reload(name="v"):
    import modal

    volume = modal.Volume.from_name(name)
    Path("/models/committed.txt").write_text("committed")
    volume.commit()
    volume.reload()
    return [entry.path for entry in volume.listdir("/")]


def call_other(app="", name="", x=1):
    import modal

    return modal.Function.from_name(app, name).remote(x)


def leave_child(seconds="300"):
    """Start a process that outlives this call."""
    child = subprocess.Popen(["sleep", seconds], start_new_session=True)
    return child.pid


def fail_first(path="/models/attempts"):
    """Fail until the third attempt."""
    attempts = int(Path(path).read_text()) if os.path.exists(path) else 0
    Path(path).write_text(str(attempts + 1))
    if attempts < 2:
        raise RuntimeError(f"attempt {attempts}")
    return attempts


def noisy():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    print("x" * 200_000)
    return True


def make_link(target="/etc", path="/models/link"):
    os.symlink(target, path)


def double_all(x):
    return [(one * 2, len(x)) for one in x]
