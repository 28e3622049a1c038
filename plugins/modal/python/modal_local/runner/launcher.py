"""Starts one container process. Run by path with ``python -I -S``; imports nothing but the standard library.

It ties its life to the server's, moves into fresh user, mount and process namespaces where the plan asks for that,
builds the container's view of the file system there and becomes (or supervises) the container's command.

The plan is a JSON file, see :class:`Plan`. Exit codes: the command's own, 128 + N when signal N ended it, 125 when
the container could not be set up (the reason is on stderr).
"""

# Importing pathlib would add a quarter to the start-up time of every container.
# ruff: noqa: PTH102, PTH103, PTH112, PTH114, PTH115, PTH118, PTH120, PTH123, PTH208, PTH211

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TypedDict

SETUP_FAILED = 125

_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
_MS_RDONLY = 1
_MS_NOSUID = 2
_MS_NODEV = 4
_MS_NOEXEC = 8
_MS_REMOUNT = 32
_MS_NOATIME = 1024
_MS_NODIRATIME = 2048
_MS_BIND = 4096
_MS_REC = 16384
_MS_PRIVATE = 1 << 18
_MS_RELATIME = 1 << 21
_MNT_DETACH = 2
_PR_SET_PDEATHSIG = 1
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
_MAX_ENTRIES = 4096
_POLL = 0.5


class Bind(TypedDict):
    """A path of the host that the container sees at ``target``."""

    source: str
    target: str
    read_only: bool


class Plan(TypedDict):
    """What to start and how."""

    server_pid: int
    argv: list[str]
    env: dict[str, str]
    cwd: str
    isolate: bool
    process_namespace: bool
    new_root: str
    hidden: list[str]
    binds: list[Bind]


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _die_with_parent(expected_parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends; leave at once if that has happened already."""
    if sys.platform == "linux":
        _check(_libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")
    if expected_parent and os.getppid() != expected_parent:
        os._exit(SETUP_FAILED)


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    result = _libc().mount(
        source.encode(), target.encode(), kind.encode() if kind else None, flags, data.encode() if data else None
    )
    _check(result, f"mount {source} on {target}")


def _bind(source: str, target: str, *, read_only: bool = False) -> None:
    _mount(source, target, "", _MS_BIND | _MS_REC)
    if read_only:
        # Flags of the underlying mount are locked in a user namespace: they must be repeated.
        locked = os.statvfs(target).f_flag
        flags = _MS_BIND | _MS_REMOUNT | _MS_RDONLY
        for constant, bit in (
            (os.ST_NOSUID, _MS_NOSUID),
            (os.ST_NODEV, _MS_NODEV),
            (os.ST_NOEXEC, _MS_NOEXEC),
            (os.ST_NOATIME, _MS_NOATIME),
            (os.ST_NODIRATIME, _MS_NODIRATIME),
            (os.ST_RELATIME, _MS_RELATIME),
        ):
            if locked & constant:
                flags |= bit
        _mount("none", target, "", flags)


def _enter_namespaces(*, with_processes: bool) -> None:
    """Move into new namespaces in which this user is root."""
    uid, gid = os.geteuid(), os.getegid()
    flags = _CLONE_NEWUSER | _CLONE_NEWNS | (_CLONE_NEWPID if with_processes else 0)
    _check(_libc().unshare(flags), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"0 {uid} 1"),
        ("gid_map", f"0 {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as stream:
            stream.write(text)


class _Tree:
    """Builds the container's root directory from the host's."""

    def __init__(self, plan: Plan) -> None:
        self._root = plan["new_root"]
        self._hidden = {os.path.realpath(path) for path in plan["hidden"]}
        self._binds = sorted(plan["binds"], key=lambda bind: bind["target"].count("/"))
        self._own_proc = plan["process_namespace"]
        # Directories that have to be real ones of ours, with their entries bound one by one, because something in
        # them is hidden or has to be created. Everything else is bound as a whole.
        self._open = {"/"}
        for path in self._hidden:
            self._open_parents(path)
        for bind in self._binds:
            if not os.path.lexists(bind["target"]):
                self._open_parents(bind["target"])

    def _open_parents(self, path: str) -> None:
        while path != "/":
            path = os.path.dirname(path)
            if os.path.isdir(path):
                self._open.add(os.path.realpath(path))

    def build(self) -> None:
        _mount("tmpfs", self._root, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755,size=64m")
        replaced = {bind["target"] for bind in self._binds}
        self._populate("/", replaced)
        for bind in self._binds:
            self._place(bind)
        if self._own_proc:
            _mount("proc", self._root + "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)

    def _populate(self, directory: str, replaced: set[str]) -> None:
        names = os.listdir(directory)[:_MAX_ENTRIES]
        for name in names:
            path = os.path.join(directory, name)
            target = self._root + path
            if path in replaced:
                continue
            try:
                if os.path.islink(path):
                    os.symlink(os.readlink(path), target)
                elif path in self._hidden:
                    os.mkdir(target, 0o755)
                elif not os.path.isdir(path):
                    _touch(target)
                    _bind(path, target)
                elif path in self._open:
                    os.mkdir(target, 0o755)
                    self._populate(path, replaced)
                elif path == "/proc" and self._own_proc:
                    os.mkdir(target, 0o755)
                else:
                    os.mkdir(target, 0o755)
                    _bind(path, target)
            except OSError:
                # What this user may not see or bind (a stale network mount, another user's private directory) is
                # simply not there in the container.
                continue

    def _place(self, bind: Bind) -> None:
        target = self._root + bind["target"]
        if os.path.isdir(bind["source"]):
            os.makedirs(target, 0o755, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
            _touch(target)
        _bind(bind["source"], target, read_only=bind["read_only"])

    def enter(self) -> None:
        """Make the tree the root directory."""
        os.chdir(self._root)
        number = _PIVOT_ROOT.get(os.uname().machine)
        if number is not None:
            _check(_libc().syscall(number, b".", b"."), "pivot_root")
            _check(_libc().umount2(b".", _MNT_DETACH), "umount2")
        else:
            os.chroot(".")
        os.chdir("/")


def _touch(path: str) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


def _become(plan: Plan) -> None:
    """Replace this process by the command. Does not return."""
    os.umask(0o022)
    os.chdir(plan["cwd"])
    os.execve(plan["argv"][0], plan["argv"], plan["env"])


def _exit_like(status: int) -> None:
    if os.WIFSIGNALED(status):
        os._exit(128 + os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


def _forward_signals(target: int) -> None:
    def forward(number: int, _frame: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(target, number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, forward)


def _wait_for(target: int) -> int:
    """Wait for ``target``, reaping every other child on the way, and return its wait status."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == target:
            return status


def _run_isolated(plan: Plan) -> None:
    _enter_namespaces(with_processes=plan["process_namespace"])
    # Entering the user namespace has cleared the request to die with the parent.
    _die_with_parent(plan["server_pid"])
    if plan["process_namespace"]:
        first = os.fork()
        if first:
            _forward_signals(first)
            _exit_like(_wait_for(first))
        # From here on this is process 1 of the namespace: when it ends, the kernel ends everything in there.
        _die_with_parent(0)
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    tree = _Tree(plan)
    tree.build()
    tree.enter()
    if not plan["process_namespace"]:
        _become(plan)
    command = os.fork()
    if not command:
        _become(plan)
    _forward_signals(command)
    _exit_like(_wait_for(command))


def _run_plain(plan: Plan) -> None:
    _die_with_parent(plan["server_pid"])
    if sys.platform == "linux":
        _become(plan)
    # Elsewhere nothing kills a child with its parent: stay and watch.
    command = os.fork()
    if not command:
        _become(plan)
    _forward_signals(command)
    while True:
        pid, status = os.waitpid(command, os.WNOHANG)
        if pid:
            _exit_like(status)
        if os.getppid() != plan["server_pid"]:
            os.kill(command, signal.SIGKILL)
        time.sleep(_POLL)


def main(path: str) -> None:
    """Start what the plan in ``path`` says. Does not return."""
    with open(path) as stream:
        plan: Plan = json.load(stream)
    try:
        if plan["isolate"]:
            _run_isolated(plan)
        else:
            _run_plain(plan)
    except OSError as error:
        print(f"Local Modal could not set up the container: {error}", file=sys.stderr)  # noqa: T201
        os._exit(SETUP_FAILED)


if __name__ == "__main__":
    main(sys.argv[1])
