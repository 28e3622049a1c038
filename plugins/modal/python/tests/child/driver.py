"""The child as a parent sees it: a subprocess, lines, descriptors. Every wait has an end."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from typing_extensions import Self

ROOT = Path(__file__).resolve().parents[2]
CHILD = ROOT / "child.py"
PROTOCOL = ROOT.parent / "protocol"
CLIENT = "cloudctl-test/1"
PATIENCE = 40.0  # Seconds for one reply on a busy machine.

Message = dict[str, Any]


class ChildGoneError(Exception):
    """The child ended before it answered."""


class Child:
    """One child process. ``credentials`` go over fd 3; None leaves it closed."""

    def __init__(
        self,
        credentials: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
        cwd: Path | None = None,
        hold_credentials: bool = False,
        stderr: int | None = None,
    ) -> None:
        base = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        base["MODAL_CONFIG_PATH"] = "/nonexistent/modal.toml"
        base["PYTHONDONTWRITEBYTECODE"] = "1"
        self._credentials_end: int | None = None
        options: dict[str, Any] = {}
        read_end: int | None = None
        if credentials is not None or hold_credentials:
            read_end, self._credentials_end = os.pipe()
            source = read_end
            options = {"pass_fds": (3,), "preexec_fn": lambda: os.dup2(source, 3)}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if stderr is None else stderr,
            env={**base, **(environment or {})},
            cwd=cwd,
            **options,
        )
        if read_end is not None:
            os.close(read_end)
        if credentials is not None and not hold_credentials:
            self.give_credentials(credentials)
        self.noise = bytearray()
        self._replies: dict[int | None, queue.Queue[Message]] = {}
        self._lock = threading.Lock()
        self.notifications: list[Message] = []
        self._arrived = threading.Condition()
        self._next = 0
        self.reading = threading.Event()
        self.reading.set()
        self.lines = 0
        self._threads = [threading.Thread(target=self._read, daemon=True)]
        if stderr is None:
            self._threads.append(threading.Thread(target=self._drain, daemon=True))
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def give_credentials(self, credentials: dict[str, str]) -> None:
        assert self._credentials_end is not None
        os.write(self._credentials_end, json.dumps({"environment": credentials}).encode())
        os.close(self._credentials_end)
        self._credentials_end = None

    def _queue(self, number: int | None) -> queue.Queue[Message]:
        with self._lock:
            return self._replies.setdefault(number, queue.Queue())

    def _read(self) -> None:
        assert self.process.stdout is not None
        while True:
            self.reading.wait()
            line = self.process.stdout.readline()
            if not line:
                break
            self.lines += 1
            message: Message = json.loads(line)  # A line that is not JSON fails the test through the thread's death.
            if "method" in message:
                with self._arrived:
                    self.notifications.append(message)
                    self._arrived.notify_all()
            else:
                self._queue(message["id"]).put(message)
        with self._lock:
            waiting = list(self._replies.values())
        for entry in waiting:
            entry.put({"gone": True})

    def _drain(self) -> None:
        assert self.process.stderr is not None
        while data := os.read(self.process.stderr.fileno(), 65536):
            self.noise += data

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def start(self, method: str, params: Message | None = None) -> int:
        """Send a request; its id."""
        self._next += 1
        self._queue(self._next)
        self.write(json.dumps({"id": self._next, "method": method, "params": params or {}}).encode() + b"\n")
        return self._next

    @property
    def last(self) -> int:
        """Id of the request that was sent last."""
        return self._next

    def cancel(self, number: int) -> None:
        self.write(json.dumps({"method": "cancel", "params": {"id": number}}).encode() + b"\n")

    def reply(self, number: int | None, patience: float = PATIENCE) -> Message:
        """The reply to a request, whole."""
        message = self._queue(number).get(timeout=patience)
        if "gone" in message:
            raise ChildGoneError(self.noise.decode("utf-8", "replace"))
        return message

    def ask(self, method: str, params: Message | None = None, patience: float = PATIENCE) -> Message:
        """The result of a request; an error fails the test."""
        message = self.reply(self.start(method, params), patience)
        assert "result" in message, message
        result: Message = message["result"]
        return result

    def error(self, method: str, params: Message | None = None, patience: float = PATIENCE) -> Message:
        """The error of a request; a result fails the test."""
        message = self.reply(self.start(method, params), patience)
        assert "error" in message, message
        failure: Message = message["error"]
        return failure

    def wait_for_notification(self, method: str, count: int = 1, patience: float = PATIENCE) -> list[Message]:
        """The params of the notifications, when there are ``count`` of them."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self._of(method)) >= count, patience), self.notifications
            return self._of(method)

    def _of(self, method: str) -> list[Message]:
        return [entry["params"] for entry in self.notifications if entry["method"] == method]

    def notes(self, method: str, number: int) -> list[Message]:
        return [params for params in self._of(method) if params["id"] == number]

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def close(self) -> int:
        """End of file, then the exit status. A child that stays is killed and fails the test."""
        assert self.process.stdin is not None
        self.reading.set()
        if self._credentials_end is not None:
            os.close(self._credentials_end)
            self._credentials_end = None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise
        for thread in self._threads:
            thread.join(5)
        return code
