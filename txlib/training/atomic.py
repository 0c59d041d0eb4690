"""Files that are either whole or not there, whatever happens while they are written."""

import contextlib
import os
import shutil
from pathlib import Path


def write_atomically(path: str | Path, data: bytes) -> None:
    """Put `data` into the file `path`; at every moment it holds the old bytes or the new ones.

    The bytes go to a temporary file in the same folder, onto the disk (fsync), and only then
    under their name (one rename). A process killed on the way leaves the old file, and perhaps
    a hidden `.partial` file beside it that nothing reads.

    Raises:
        OSError: if the folder cannot be written or the disk is full; the old file stays.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        _sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise OSError(
                error.errno, f"{reason}; what was there before is kept", str(path)
            ) from error
        raise


def write_folder_atomically(folder: str | Path, files: dict[str, bytes]) -> None:
    """Make `folder` hold these files and no others; it has the old ones or the new, never a mix.

    The files go to a temporary folder beside it, which then takes its name. Between the two
    renames a killed process leaves the old files under a hidden `.former` name.

    Args:
        folder: replaced if it is there.
        files: what each file holds, by its name.

    Raises:
        OSError: if the files cannot be written; the old folder stays.
    """
    folder = Path(folder)
    new, old = (
        folder.with_name(f".{folder.name}.{os.getpid()}.{word}") for word in ("partial", "former")
    )
    try:
        for name, data in files.items():
            write_atomically(new / name, data)
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except BaseException:
            if old.exists():
                os.replace(old, folder)
            raise
        _sync_folder(folder.parent)
    finally:
        for rest in (new, old):
            shutil.rmtree(rest, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the file system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
