"""The code of one app's functions, kept beside the deployment: ``apps/APP/packages/DIGEST.tar.gz`` in the state volume.

Every app has packages of its own, so that those which no record of the app names any more can go.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from modal import exception as sdk_exception

from cloudctl_modal import packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import modal

_ENDING = ".tar.gz"
# Another machine may have put a package and not published yet; its deploy is over after this many seconds.
_SPARED = 3600.0


def _stem(digest: str) -> str:
    return digest.removeprefix("sha256:")


class KeptPackages:
    """Packages are named by their digest, with or without ``sha256:``."""

    def __init__(self, volume: modal.Volume, app: str) -> None:
        self._volume = volume
        self._folder = f"apps/{app}/packages"

    def path(self, digest: str) -> str:
        """Where the package with this digest is kept."""
        return f"{self._folder}/{_stem(digest)}{_ENDING}"

    async def listed(self) -> dict[str, float]:
        """The packages that are kept: digest without ``sha256:``, and when it was put, in seconds since 1970."""
        try:
            entries = await self._volume.listdir.aio(self._folder)
        except (sdk_exception.NotFoundError, FileNotFoundError):
            return {}
        names = ((PurePosixPath(entry.path).name, float(entry.mtime)) for entry in entries)
        return {name.removesuffix(_ENDING): mtime for name, mtime in names if name.endswith(_ENDING)}

    async def put(self, directories: Mapping[str, str], scratch: str) -> None:
        """Keep the packages, given as digest and directory; ``scratch`` is for the archives."""
        archives: dict[str, str] = {}
        for index, (digest, directory) in enumerate(directories.items()):
            archives[digest] = str(Path(scratch, f"package-{index}{_ENDING}"))
            await asyncio.to_thread(packages.pack, directory, archives[digest])
        async with self._volume.batch_upload(force=True) as batch:
            for digest, archive in archives.items():
                batch.put_file(archive, self.path(digest))

    async def get(self, digest: str, archive: str, directory: str) -> tuple[int, int]:
        """Unpack a kept package into ``directory``, by way of ``archive``, a file to be. Returns files and bytes.

        FileNotFoundError or the SDK's NotFoundError where it is not kept, ValueError for one that is broken.
        """
        await self.download(digest, archive)
        return await asyncio.to_thread(packages.unpack, archive, directory)

    async def download(self, digest: str, archive: str) -> None:
        """Bring a kept package here as it is; errors as above."""
        try:
            await self._read(self.path(digest), archive)
        except (sdk_exception.NotFoundError, FileNotFoundError):
            # Before packages were kept by app, they all lay in one folder.
            await self._read(f"packages/{_stem(digest)}{_ENDING}", archive)

    async def collect(self, before: Mapping[str, float], used: Iterable[str], now: float) -> None:
        """Remove what nothing uses: of the packages ``before`` the deploy, those that are not among ``used`` digests.

        ``now`` is Modal's clock, in seconds since 1970. What was put lately is spared.
        """
        needed = {_stem(digest) for digest in used}

        def old(listed: Mapping[str, float]) -> set[str]:
            return {digest for digest, put_at in listed.items() if digest not in needed and put_at < now - _SPARED}

        if not old(before):
            return
        for digest in old(await self.listed()):  # Looked up again: another machine may just have put one anew.
            with contextlib.suppress(sdk_exception.NotFoundError, FileNotFoundError):
                await self._volume.remove_file.aio(self.path(digest))

    async def _read(self, path: str, archive: str) -> None:
        with Path(archive).open("wb") as stream:  # noqa: ASYNC230 - a file in the scratch directory does not block
            async for chunk in self._volume.read_file.aio(path):
                stream.write(chunk)
