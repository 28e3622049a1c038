"""Python's own modules, version by version: the function may run with another Python than this one."""

from __future__ import annotations

import sys


def words(text: str) -> frozenset[str]:
    """The words of a text: long tables read better without quotes."""
    return frozenset(text.split())


_REMOVED: dict[int, frozenset[str]] = {
    11: words("binhex"),
    12: words("asynchat asyncore distutils imp smtpd"),
    13: words(
        "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd "
        "sunau telnetlib uu xdrlib"
    ),
}
_ADDED: dict[int, frozenset[str]] = {11: words("tomllib"), 14: words("annotationlib compression")}

# Built in, or imported before the path is looked at: no file can take their place.
_ALWAYS_FIRST = frozenset(sys.builtin_module_names) | words(
    "abc codecs encodings genericpath importlib io ntpath os posixpath runpy site stat zipimport"
)


def minor_of(python: str) -> int:
    """11 of ``3.11`` or ``3.11.7``."""
    return int(python.split(".")[1])


def standard_modules(python: str) -> frozenset[str]:
    """Names of the top-level modules of that Python."""
    minor = minor_of(python)
    names = set(sys.stdlib_module_names) | {"__main__"}
    for version, gone in _REMOVED.items():
        names = names - gone if version <= minor else names | gone
    for version, new in _ADDED.items():
        names = names | new if version <= minor else names - new
    return frozenset(names)


def removed_in(name: str, python: str) -> int | None:
    """The minor version that took the module away, when that Python no longer has it."""
    return next((minor for minor, names in _REMOVED.items() if name in names and minor <= minor_of(python)), None)


def added_in(name: str, python: str) -> int | None:
    """The minor version that brought the module, when that Python does not have it yet."""
    return next((minor for minor, names in _ADDED.items() if name in names and minor > minor_of(python)), None)


def can_be_hidden(name: str) -> bool:
    """Whether a file of the project with the name of this standard module is found before it."""
    return name not in _ALWAYS_FIRST
