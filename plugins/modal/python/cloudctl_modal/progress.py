"""The SDK's progress and warnings as notifications of the running deploy."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, TextIO

from modal import exception as sdk_exception

from cloudctl_modal import sdk_deploy

if TYPE_CHECKING:
    from contextvars import Token

    from cloudctl_modal.context import RequestContext, Stage

_LOG_TAIL = 200  # Lines of an image build that an error carries.
_MARKUP = re.compile(r"\[/?[a-z][^\]]*\]")


class DeployProgress(sdk_deploy.ProgressSink):
    """One deploy's view of what the SDK tells."""

    def __init__(self, context: RequestContext, functions: int) -> None:
        self._context = context
        self._functions = functions
        self._created = 0
        self._has_image = False
        self._partial = ""
        self._tail: deque[str] = deque(maxlen=_LOG_TAIL)

    @property
    def publishing(self) -> bool:
        """Whether all functions are created, so that only the publish is left."""
        return self._created >= self._functions

    @property
    def log(self) -> str:
        """The end of the image build's output."""
        return "\n".join([*self._tail, *([self._partial] if self._partial else [])])

    def row(self, message: str) -> None:
        text = _MARKUP.sub("", message).strip()
        stage: Stage = "upload" if re.search(r"mount|upload", text, re.I) else "function"
        if stage == "function" and not self._has_image:
            self._has_image = True
            self._context.progress("image", "done", "The image is ready")
        done = text.startswith(("Created", "Uploaded"))
        if stage == "function" and done:
            self._created += 1
        text = re.sub(r"\S*_cloudctl_\w+\.py", "CloudCTL's shim", text)
        self._context.progress(stage, "done" if done else "running", text)
        if self.publishing:
            self._context.progress("publish", "running", "Publishing the app")

    def warning(self, message: str) -> None:
        self._context.warn(message)

    def build_log(self, text: str) -> None:
        *lines, self._partial = (self._partial + text).split("\n")
        for raw in lines:
            line = raw.rstrip().rpartition("\r")[2]  # Of a progress bar, its last state.
            self._tail.append(line)
            self._context.progress("image", "running", "Building the image", line)


# The SDK has one place for its output, but runs each deploy in the context in which it was started.
_current: ContextVar[DeployProgress | None] = ContextVar("current deploy", default=None)


class _LogHandler(logging.Handler):
    """The SDK says some things only in its log, that a mount is empty for one."""

    def emit(self, record: logging.LogRecord) -> None:
        sink = _current.get()
        if sink is not None:
            sink.warning(record.getMessage())


def install() -> None:
    """Listen to the SDK; once in a process."""
    sdk_deploy.install_output(_current.get)
    logging.getLogger("modal-client").addHandler(_LogHandler(logging.WARNING))
    show = warnings.showwarning

    def notice(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        told = issubclass(category, sdk_exception.ServerWarning | sdk_exception.DeprecationError | DeprecationWarning)
        if told or category is UserWarning:
            text = re.sub(r"^\d{4}-\d\d-\d\d: ", "", str(message))  # The day of a deprecation.
            sink = _current.get()
            if sink is not None:
                sink.warning(text)
        show(message, category, filename, lineno, file or sys.stderr, line)

    warnings.showwarning = notice


class Listening:
    """``with Listening(progress):`` while the deploy runs; other deploys here have listeners of their own."""

    def __init__(self, sink: DeployProgress) -> None:
        self._sink = sink
        self._before: Token[DeployProgress | None] | None = None

    def __enter__(self) -> None:
        self._before = _current.set(self._sink)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            _current.reset(self._before)
