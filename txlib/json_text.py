"""JSON from a file that may be anybody's: an object, or a refusal that names the file."""

import json
from typing import Any, NoReturn

SHOWN = 60  # characters of a bad text in a message


def parse_object(text: str | bytes, what: str, *, finite: bool = False) -> dict[str, Any]:
    """The JSON object in `text`.

    Args:
        text: of a file; bytes are read as UTF-8.
        what: begins the message, such as the path of the file.
        finite: whether NaN and infinity, which Python reads though JSON has neither, are refused.

    Raises:
        ValueError: if `text` is not JSON, is nested too deeply, or holds something else than an
            object.
    """
    beginning = text[:SHOWN]
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        found = json.loads(decoded, parse_constant=_refuse if finite else None)
    except RecursionError:
        raise ValueError(f"{what} must be JSON, got one nested too deeply: {beginning!r}") from None
    except (ValueError, TypeError) as error:
        raise ValueError(f"{what} must be JSON, got {beginning!r}: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{what} must be a JSON object, got {beginning!r}")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
