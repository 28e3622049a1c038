"""Requirements files: includes, constraints, hashes, local and remote sources."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from cloudctl_modal.distributions import canonical
from cloudctl_modal.errors import BridgeError
from cloudctl_modal.requirements import Requirements, applies, check_inside, parse_requirement, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE_OPTION = re.compile(r"(-r|--requirement|-c|--constraint)(?:\s*=\s*|\s+|(?<=-[rc]))(\S+)")
_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s+|(?<=-e))(\S.*)")
_ARCHIVE = re.compile(r"([A-Za-z0-9][\w.]*?(?:-[A-Za-z][\w.]*?)*)-\d[^/]*\.(?:whl|zip|tar\.gz|tar\.bz2|tgz)$")
# What pip must find beside the file: constraints, editable and other local installs, local archives and indexes.
_LOCAL = re.compile(
    r"^(?:-c|--constraint|-e|--editable|-f|--find-links)\b(?!.*://)|^\.|^/|\bfile:|@\s*\.|^[\w./-]+\.(?:whl|zip|tar\.gz)\b"
)


def read_requirements_file(directory: str, path: str, python: str | None) -> Requirements:
    """Read a requirements file with all that it includes, flattened into one text. BridgeError INVALID."""
    reader = _Reader(directory, python)
    reader.read(path, ())
    return Requirements("\n".join(reader.lines) + "\n", reader.local, frozenset(reader.names), reader.opaque)


class _Reader:
    def __init__(self, directory: str, python: str | None) -> None:
        self._directory = directory
        self._python = python
        self.lines: list[str] = []
        self.names: set[str] = set()
        self.local = False
        self.opaque = False

    def read(self, path: str, chain: tuple[tuple[str, int], ...]) -> None:
        """Take a file in; ``chain`` are the files, with their lines, that led to it."""
        by = f"{chain[-1][0]}, line {chain[-1][1]}," if chain else ""
        clean = check_inside(path, path, by)
        if clean in {file for file, _ in chain}:
            raise BridgeError("INVALID", f"{by} includes {clean}, which includes it in turn.")
        try:
            text = read_text(self._directory, clean)
        except BridgeError as error:
            raise BridgeError("INVALID", f"{by} includes it. {error.message}" if by else error.message) from None
        for number, raw, line in _logical_lines(text):
            option = _FILE_OPTION.match(line)
            if option and "://" not in option[2]:
                named = posixpath.join(posixpath.dirname(clean), option[2])
                if option[1] in ("-r", "--requirement"):
                    self.read(named, (*chain, (clean, number)))
                    continue
                self._check_constraints(named, option[2], f"{clean}, line {number},")
            self.local = self.local or bool(_LOCAL.search(line))
            self.lines += raw
            if line:
                self._take(line, f"{clean}, line {number}")

    def _check_constraints(self, path: str, named: str, by: str) -> None:
        clean = check_inside(path, named, by)
        try:
            read_text(self._directory, clean)
        except BridgeError as error:
            raise BridgeError("INVALID", f"{by} names constraints. {error.message}") from None

    def _check_local(self, path: str, where: str) -> None:
        if "://" in path or path.startswith("/"):
            return
        folder = posixpath.dirname(where.rpartition(", line ")[0])
        if posixpath.normpath(posixpath.join(folder, path)).startswith(".."):
            raise BridgeError(
                "INVALID", f"{where}: {path} lies outside of the project, and would not be in the container."
            )

    def _take(self, line: str, where: str) -> None:
        editable = _EDITABLE.match(line)
        if line.startswith("-") and not editable:
            self.opaque = self.opaque or line.startswith(("-r", "--requirement"))
            return
        # Options of one requirement: --hash, --config-settings.
        source = (editable[1] if editable else re.split(r"\s+--", line, maxsplit=1)[0]).strip()
        bare = source.split(";")[0].strip()
        egg = re.search(r"[#&]egg=([A-Za-z0-9][\w.-]*)", source)
        archive = _ARCHIVE.search(bare.split("#")[0])
        if " @ " not in source and ("/" in bare or archive or bare.startswith(".") or editable):
            name = egg or (archive and (archive[1], archive[1]))
            if name:
                self.names.add(canonical(name[1]))
            self.opaque = self.opaque or not name
            self.local = self.local or "://" not in bare
            self._check_local(bare, where)
            return
        requirement = parse_requirement(source, where)
        if applies(requirement, self._python):
            self.names.add(canonical(requirement.name))


def _logical_lines(text: str) -> Iterator[tuple[int, list[str], str]]:
    """Number, the lines as they are, and what they say together: pip's rules for continuations and comments."""
    raw: list[str] = []
    said = ""
    number = 1
    lines = text.splitlines()
    for index, line in enumerate(lines, 1):
        number = number if raw else index
        raw.append(line)
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment and index < len(lines):
            said += line[:-1]
            continue
        said += "" if comment else line.removesuffix("\\")
        yield number, raw, re.sub(r"(^|\s+)#.*$", "", said).strip()
        raw, said = [], ""
