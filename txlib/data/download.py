"""Files from the web, kept in a cache and trusted by their SHA-256 alone."""

import hashlib
import http.client
import logging
import os
import ssl
import stat
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from txlib.atomic import write_atomically

TIMEOUT = 30.0
LONGEST = 900.0
MAX_BYTES = 64 * 2**20
ATTEMPTS = 3
PAUSE = 0.5
CHUNK = 1 << 16
RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})

logger = logging.getLogger(__name__)


class DataError(RuntimeError):
    """A corpus could not be had; the message says which file, why, and what to do next."""


class _TransientError(Exception):
    """A fault that may be gone on the next attempt."""


def cache_dir(root: Path | None = None) -> Path:
    """The folder that downloaded corpora live in.

    Args:
        root: used as it is when given.

    Returns:
        `root`, else `$TXLIB_DATA`, else the platform's cache folder for "txlib"
        (`~/.cache/txlib` on Linux, `~/Library/Caches/txlib` on macOS). Nothing is created.
    """
    if root is not None:
        return Path(root)
    if chosen := os.environ.get("TXLIB_DATA"):
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("txlib", appauthor=False)


def fetch(url: str, path: Path, sha256: str) -> Path:
    """The file at `path`, downloaded first if it is missing or damaged.

    A cached file with the right hash is used without touching the network or the disk. One with a
    wrong hash is replaced, but only once a good copy has arrived. A download is held in memory
    until its hash is right, written to a temporary file beside `path` (its own for each call, so
    processes may fill one cache together) and renamed: `path` is never half a file. A server that
    sends more than `MAX_BYTES`, or is not done after `LONGEST` seconds, is given up.

    Args:
        url: the address; any scheme that `urllib` opens.
        path: where the file lies, or shall lie; its folder is created.
        sha256: the file's hash, 64 lower-case hexadecimal digits.

    Returns:
        `path`, whose content has been verified.

    Raises:
        DataError: if the file can neither be found nor fetched, if what arrives has another hash,
            or if `path` cannot be read or written.
    """
    path = Path(path)
    cached = _hash_of_file(path)
    if cached == sha256:
        return path
    state = "is not in the cache" if cached is None else f"is damaged (its SHA-256 is {cached})"
    try:
        content = _download(url, path.name)
    except DataError as error:
        raise DataError(
            f"{path.name} {state} and could not be downloaded.\n"
            f"  looked for: {path}\n  address: {url}\n  reason: {error}\n"
            f"What to do: run again with a network connection; or fetch the address by hand and "
            f"save it as {path}; or set the environment variable TXLIB_DATA to a folder that "
            f"holds {path.parent.name}/{path.name}."
        ) from error
    received = hashlib.sha256(content).hexdigest()
    if received != sha256:
        raise DataError(
            f"{url} did not send {path.name}: expected SHA-256 {sha256}, got {received} "
            f"({len(content)} bytes, which begin {content[:40]!r}). What arrived was thrown "
            "away.\n"
            f"What to do: look whether a proxy or a login page answers in the server's place, and "
            f"run again; or get {path.name} elsewhere and save it as {path}."
        )
    _write(path, content)
    if cached is not None:
        logger.warning("%s was damaged and has been replaced by a fresh copy", path)
    return path


def fetch_bytes(url: str, path: Path, sha256: str) -> bytes:
    """What is in the file of `fetch`: the very bytes whose hash was right, to be parsed.

    Raises:
        DataError: as `fetch`, or if somebody changes the file meanwhile.
    """
    content = fetch(url, path, sha256).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(
            f"{path} was changed while it was read: expected SHA-256 {sha256}, got {found}.\n"
            "What to do: run again, once nobody writes to that folder."
        )
    return content


def _hash_of_file(path: Path) -> str | None:
    """The SHA-256 of the file, or None where there is none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited on for ever
            raise OSError("it is not a file")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error}.\nWhat to do: make it a readable file, or delete it "
            "and run again, or set the environment variable TXLIB_DATA to another folder."
        ) from error


def _download(url: str, name: str) -> bytes:
    """The content behind `url`; transient faults are retried with growing pauses."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _read(url, name)
        except _TransientError as error:
            if attempt == ATTEMPTS:
                raise DataError(f"{error} ({ATTEMPTS} attempts)") from error
            time.sleep(PAUSE * 2 ** (attempt - 1))
    raise AssertionError("unreachable: ATTEMPTS is positive")


def _read(url: str, name: str) -> bytes:
    from tqdm.auto import tqdm

    content, began = bytearray(), time.monotonic()
    opener = urllib.request.build_opener()  # the shared one keeps the proxy of its first use
    try:
        with opener.open(url, timeout=TIMEOUT) as response:
            announced = response.headers.get("Content-Length", "")
            size = int(announced) if announced.isdecimal() and len(announced) < 20 else None
            with tqdm(total=size, desc=name, unit="B", unit_scale=True, leave=False) as bar:
                while chunk := response.read1(CHUNK):
                    content += chunk
                    bar.update(len(chunk))
                    if max(size or 0, len(content)) > MAX_BYTES:
                        raise DataError(f"the server sends more than {MAX_BYTES} bytes")
                    if time.monotonic() - began > LONGEST:
                        raise DataError(
                            f"the server was not done after {LONGEST:.0f} s: {len(content)} bytes"
                        )
    except urllib.error.HTTPError as error:
        kind = _TransientError if error.code in RETRIED_STATUS else DataError
        with error:
            raise kind(f"the server answered {error.code} {_plain(error.reason)}") from error
    except urllib.error.URLError as error:
        certificate = isinstance(error.reason, ssl.SSLCertVerificationError)
        kind = DataError if certificate else _TransientError
        raise kind(f"no connection: {_plain(error.reason)}{_by_proxy(url)}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _TransientError(f"the connection broke: {_plain(repr(error))}") from error
    except (ValueError, OverflowError) as error:
        raise DataError(f"there is no such address: {_plain(error)}") from error
    if size is not None and len(content) != size:
        raise _TransientError(f"the transfer was cut off at {len(content)} of {size} bytes")
    return bytes(content)


def _plain(text: object) -> str:
    """A server's words as one short line that a terminal can show without harm."""
    line = " ".join(str(text).split())
    return "".join(c if c.isprintable() else "?" for c in line)[:200]


def _by_proxy(url: str) -> str:
    """Names the variable of the proxy that was asked, not its value: that may hold a password."""
    scheme = urllib.parse.urlsplit(url).scheme
    host = urllib.parse.urlsplit(url).hostname or ""
    asked = scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host)
    return f" (through the proxy that {scheme}_proxy names)" if asked else ""


def _write(path: Path, content: bytes) -> None:
    try:
        write_atomically(path, content)
    except OSError as error:
        raise DataError(
            f"{path.name} was downloaded but cannot be written to {path.parent}: {error}.\n"
            "What to do: make room there or make it writable, or set the environment variable "
            "TXLIB_DATA to a folder that is."
        ) from error
