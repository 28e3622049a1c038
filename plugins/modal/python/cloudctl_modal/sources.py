"""Reads the project's Python files: bounded, in their own encoding, as syntax trees. Nothing of them ever runs."""

from __future__ import annotations

import ast
import os
import platform
import stat
import warnings
from pathlib import Path

from cloudctl_modal.errors import BridgeError, Json

LARGEST_SOURCE = 5_000_000
"""Bytes. Generated modules reach one or two million; what is above is data under a wrong name."""


def read_file(directory: str, file: str, largest: int, what: str) -> bytes:
    """The content of a regular file of the package, at most ``largest`` bytes of it. BridgeError INVALID otherwise.

    A pipe, a socket or a device is never opened: reading one may never end.
    """
    path = Path(directory, file)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise BridgeError("INVALID", f"{what} {file} cannot be read: it is {_kind(status.st_mode)} and no file.")
        if status.st_size > largest:
            raise BridgeError(
                "INVALID",
                f"{what} {file} has {status.st_size:,} bytes; more than {largest:,} are not read.",
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        mend = f" Make it readable: chmod u+r '{file}'" if isinstance(error, PermissionError) else ""
        raise BridgeError("INVALID", f"{what} {file} cannot be read: {reason}.{mend}") from None


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISSOCK, "a socket"), (stat.S_ISFIFO, "a pipe"))
    return next((name for test, name in kinds if test(mode)), "a device")


def not_a_file(directory: str, file: str) -> BridgeError:
    """Why ``file``, which has a module's name, is none."""
    try:
        kind = _kind(os.stat(Path(directory, file)).st_mode)  # noqa: PTH116 - a broken link must raise
    except OSError:
        kind = "a link that leads nowhere"
    return BridgeError("INVALID", f"The module {file} cannot be read: it is {kind} and no file. Rename or remove it.")


def parse_source(file: str, source: bytes) -> ast.Module:
    """The syntax tree. BridgeError SYNTAX_ERROR, also for a text in another encoding than the file says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "invalid escape sequence" is the user's affair.
            return ast.parse(source, filename=file)
    except SyntaxError as error:
        raise _syntax_error(file, error, source) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise _syntax_error(file, SyntaxError(str(error) or type(error).__name__), source) from None


def read_source(directory: str, file: str) -> bytes:
    """The text of a module of the package, as it is. BridgeError INVALID."""
    return read_file(directory, file, LARGEST_SOURCE, "The module")


def read_module(directory: str, file: str) -> ast.Module:
    """The syntax tree of a module of the package. BridgeError INVALID or SYNTAX_ERROR."""
    return parse_source(file, read_source(directory, file))


def _syntax_error(file: str, error: SyntaxError, source: bytes) -> BridgeError:
    line = max(error.lineno or 1, 1)
    encoding = _wrong_encoding(source) if error.lineno is None or "codec" in error.msg else None
    if encoding is not None:
        line = encoding
        message = (
            f"{file}, line {line}: the text is not UTF-8. Save the file as UTF-8, or name its encoding in the first "
            "line, such as: # -*- coding: latin-1 -*-"
        )
    else:
        version = ".".join(platform.python_version_tuple()[:2])
        message = (
            f"{file}, line {line}: {error.msg}. The file was read with Python {version}; "
            "if it uses the syntax of a newer Python, run CloudCTL with that one."
        )
    lines = source.decode("utf-8", "replace").splitlines()
    text = (error.text or (lines[line - 1] if line <= len(lines) else "")).rstrip("\r\n")
    data: dict[str, Json] = {"file": file, "line": line, "column": max(error.offset or 1, 1), "text": text}
    return BridgeError("SYNTAX_ERROR", message, data)


def _wrong_encoding(source: bytes) -> int | None:
    """The line of the first byte that is not UTF-8."""
    try:
        source.decode("utf-8")
    except UnicodeDecodeError as error:
        return source.count(b"\n", 0, error.start) + 1
    return None
