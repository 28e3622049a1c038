"""`fetchPackage`: the code of a deployed function, from beside the deployment into a directory of the parent's."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from modal import exception as sdk_exception

from cloudctl_modal import packages
from cloudctl_modal.errors import BridgeError, not_found
from cloudctl_modal.records import Records

if TYPE_CHECKING:
    import modal

    from cloudctl_modal.errors import Json
    from cloudctl_modal.params import FetchPackageParams


async def fetch_package(client: modal.Client, params: FetchPackageParams) -> dict[str, Json]:
    """The protocol's result of `fetchPackage`. The directory is there as a whole, or as it was."""
    directory = Path(params.directory)
    try:
        scratch = await asyncio.to_thread(_prepare, directory)
    except OSError as error:
        raise _unwritable(directory, error) from None
    try:
        archive = str(scratch / "package.tar.gz")
        records = await Records.open(client, create=False)
        try:
            if records is None:
                raise FileNotFoundError
            await records.packages(params.app).download(params.digest, archive)
        except (FileNotFoundError, sdk_exception.NotFoundError):
            message = f"The code {params.digest} is not kept beside the app {params.app}."
            raise not_found("package", params.digest, message) from None
        try:
            files, size = await asyncio.to_thread(_place, archive, scratch / "code", directory)
        except ValueError as error:
            message = f"The code that is kept beside the app {params.app} cannot be used: {error}."
            raise BridgeError("INVALID", message) from None
        except OSError as error:
            raise _unwritable(directory, error) from None
        return {"files": files, "bytes": size}
    finally:
        await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)


def _prepare(directory: Path) -> Path:
    """A scratch folder on the directory's own disk. BridgeError INVALID when the directory has something in it."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BridgeError("INVALID", f"{directory} is not empty, so no code can be unpacked there.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=".cloudctl-", dir=directory.parent))


def _place(archive: str, code: Path, directory: Path) -> tuple[int, int]:
    counted = packages.unpack(archive, str(code))
    if directory.exists():
        directory.rmdir()  # Empty, or else this fails: whoever filled it meanwhile keeps what is there.
    code.rename(directory)
    return counted


def _unwritable(directory: Path, error: OSError) -> BridgeError:
    return BridgeError("INVALID", f"The code cannot be unpacked into {directory}: {error.strerror or error}.")
