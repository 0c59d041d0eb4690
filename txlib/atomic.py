"""Files that are either whole or not there, whatever happens while they are written."""

import contextlib
import glob
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ModuleNotFoundError:  # Windows has no such locks: what a killed process left then stays
    fcntl = None


def write_atomically(path: str | Path, data: bytes) -> None:
    """Put `data` into the file `path`; at every moment it holds the old bytes or the new ones.

    The bytes go to a temporary file in the same folder, onto the disk (fsync), and only then
    under their name (one rename). A process killed on the way leaves the old file, and perhaps
    a hidden `.partial` file beside it that nothing reads; the next write of `path` removes it.
    Several processes and threads may write one file: the last rename stands.

    Raises:
        OSError: if the folder cannot be written or the disk is full; the old file stays.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        with _partial_of(path) as (partial, file):
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows renames no file that is open
            os.replace(partial, path)
        _sync_folder(path.parent)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(error.errno, f"{reason}; what was there before is kept", str(path)) from error


def write_folder_atomically(folder: str | Path, files: dict[str, bytes]) -> None:
    """Make `folder` hold these files and no others; it has the old ones or the new, never a mix.

    The files go to a temporary folder beside it, which then takes its name. Between the two
    renames a killed process leaves the old files under a hidden `.former` name; the next call
    puts them back before it does anything else. One process at a time may call this for a folder.

    Args:
        folder: replaced if it is there.
        files: what each file holds, by its name.

    Raises:
        OSError: if the files cannot be written; the old folder stays.
    """
    folder = Path(folder)
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("partial", "former"))
    _put_back(folder, old)
    shutil.rmtree(new, ignore_errors=True)
    try:
        for name, data in files.items():
            write_atomically(new / name, data)
        if folder.exists():
            os.replace(folder, old)
        try:
            os.replace(new, folder)
        except BaseException:
            _put_back(folder, old)
            raise
        _sync_folder(folder.parent)
    finally:
        for rest in (new, old):
            shutil.rmtree(rest, ignore_errors=True)


def _put_back(folder: Path, old: Path) -> None:
    if old.exists() and not folder.exists():
        os.replace(old, folder)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _partial_of(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside `path`, locked while it is open, and removed if the block fails."""
    while True:
        partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.partial")
        try:
            with open(partial, "xb") as file:
                if _lock(file) and partial.exists():
                    yield partial, file
                    return
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise


def _lock(file: BinaryIO) -> bool:
    """Mark the file as somebody's; False if a sweep has just taken it for nobody's."""
    if fcntl is not None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True  # a disk without locks: then a sweep gets none either, and removes nothing
    return True


def _sweep(path: Path) -> None:
    """Remove what killed processes left beside `path`: a lock dies with its process."""
    if fcntl is None:
        return
    for rest in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
        with contextlib.suppress(OSError), open(rest, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            rest.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the file system lets a folder be synced."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
