"""Records of runs: what was run, on what, and what came out, as JSON that chapters plot."""

import json
import platform
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from txlib.atomic import write_atomically
from txlib.checks import check_kind, check_text
from txlib.device import describe_device
from txlib.json_text import parse_object
from txlib.recipes.argument_checks import check_path, check_texts, check_wholes

REQUIRED = ("command", "commit", "device", "versions", "date", "seeds", "results")
PACKAGE = Path(__file__).resolve().parents[1]
FOLDERS = (PACKAGE / "results", PACKAGE.parent / "book" / "results")  # in a wheel, in a checkout
MACHINE_PATH = re.compile(r"""(?:^|[\s='"])(?:/[\w.-]+/|~/|[A-Za-z]:\\)""")


def new_record(
    command: str, device: torch.device, *, seeds: Sequence[int], results: Any
) -> dict[str, Any]:
    """A record with the facts of this moment and machine filled in.

    Args:
        command: what to type to get the same again; see `portable_command`.
        device: what the run worked on.
        seeds: every seed that the results rest on.
        results: anything JSON can hold.

    Raises:
        ValueError: if `command` is no string, or a seed no whole number.
    """
    check_text("command", command)
    check_wholes("seeds", seeds)
    return {
        "command": command,
        "commit": _commit(),
        "device": describe_device(device),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seeds": list(seeds),
        "results": results,
    }


def portable_command(words: Sequence[str]) -> str:
    """A command line as a record may hold it: no path in it leads out of the working folder.

    Args:
        words: the program and its arguments; an absolute path is shortened to what lies below the
            working folder, or to its last part.

    Raises:
        ValueError: if `words` is no sequence of strings.
    """
    check_texts("words", words)
    return shlex.join(map(_shorten, words))


def write_record(path: str | Path, record: dict[str, Any]) -> None:
    """Write a record as JSON, whole or not at all.

    Raises:
        ValueError: if a required field is missing, a value is not what JSON can hold (NaN and
            infinity included), or a text in it names a path of this machine.
        OSError: if the file cannot be written; an old one stays.
    """
    check_path("path", path)
    check_kind("record", record, dict)
    missing = [name for name in REQUIRED if name not in record]
    if missing:
        raise ValueError(f"record must have the fields {REQUIRED}, got none of {missing}")
    for text in _texts(record):
        if MACHINE_PATH.search(text):
            raise ValueError(f"record must not hold a path of this machine, got {text!r}")
    try:
        written = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"record must be what JSON can hold, got {error}") from error
    write_atomically(path, f"{written}\n".encode())


def load_record(name: str) -> dict[str, Any]:
    """A recorded run of the book, from the installed package or from a checkout.

    Args:
        name: the record's name, such as `"grammar_lstm"`, with or without `.json`.

    Raises:
        FileNotFoundError: if there is no such record; the message lists those that there are.
        ValueError: if `name` is no string, or the file is not a record.
    """
    check_text("name", name)
    name = name.removesuffix(".json")
    found = {path.stem: path for folder in reversed(FOLDERS) for path in folder.glob("*.json")}
    if name not in found:
        raise FileNotFoundError(f"there is no record {name!r}; there are {sorted(found)}")
    record = parse_object(found[name].read_bytes(), f"the record {found[name]}", finite=True)
    missing = [field for field in REQUIRED if field not in record]
    if missing:
        raise ValueError(
            f"the record {found[name]} must have the fields {REQUIRED}, lacks {missing}"
        )
    return record


def _commit() -> str | None:
    """The checkout's commit, with `-dirty` if the library differs from it; None outside one."""
    git = ["git", "-C", str(PACKAGE)]
    try:
        if subprocess.run(
            [*git, "ls-files", "--error-unmatch", "__init__.py"], capture_output=True
        ).returncode:
            return None  # an installed copy, perhaps inside somebody else's repository
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)
        same = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "."], capture_output=True)
    except OSError:
        return None
    if head.returncode:
        return None
    return head.stdout.strip() + ("-dirty" if same.returncode else "")


def _shorten(argument: str) -> str:
    option, equals, value = argument.rpartition("=")
    try:
        path = Path(value).expanduser()
    except RuntimeError:  # "~x" where nobody is called x
        return argument
    if not path.is_absolute():
        return argument
    here = Path.cwd()
    short = path.relative_to(here) if path.is_relative_to(here) else Path(path.name)
    return f"{option}{equals}{short}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (str(key) for key in value)
        yield from (text for member in value.values() for text in _texts(member))
    elif isinstance(value, list | tuple):
        yield from (text for member in value for text in _texts(member))
