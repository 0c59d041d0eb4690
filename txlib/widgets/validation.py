"""Checks that widgets make of their arguments before a browser sees them."""

import numbers
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from txlib.checks import shown


def check_string(name: str, value: object) -> str:
    """`value`, if it is text that a page can hold; it may be blank.

    Raises:
        ValueError: if it is no string, or has a surrogate with no partner: half of a character,
            which no file in UTF-8 can hold. Python leaves such halves where it decodes bytes with
            `errors="surrogateescape"`.
    """
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string, got {value!r}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} must be whole characters, got a lone surrogate in {value!r:.80}")
    return value


def check_text(name: str, value: object) -> str:
    """`value`, if it is text that says something.

    Raises:
        ValueError: if it is no string, blank, or holds half of a character.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} must be a string that is not blank, got {value!r}")
    return check_string(name, value)


def check_texts(name: str, values: Sequence[str], *, least: int, most: int) -> list[str]:
    """`values` as a list of `least` to `most` strings, none of them blank.

    Raises:
        ValueError: if it is a single string, too short, too long, or holds something else.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ValueError(f"{name} must be a sequence of strings, got {values!r}")
    if not least <= len(values) <= most:
        raise ValueError(f"{name} must hold {least} to {most} strings, got {len(values)}")
    return [check_text(f"{name}[{i}]", value) for i, value in enumerate(values)]


def check_choice(name: str, value: Any, allowed: Sequence[Any]) -> Any:
    """`value`, if it is among the words or numbers that are `allowed`; a bool is none of them.

    Raises:
        ValueError: if it is not.
    """
    known = isinstance(value, str | numbers.Real) and not isinstance(value, bool)
    if not known or value not in allowed:
        raise ValueError(f"{name} must be one of {allowed}, got {shown(value)}")
    return value


def check_names_of(
    name: str, values: Any, allowed: Collection[str], noun: str = "names"
) -> list[str]:
    """`values` as a list of some of the names that are `allowed`.

    Raises:
        ValueError: if they are a single string or nothing to go through, or another is among them.
    """
    several = isinstance(values, Collection) and not isinstance(values, str | bytes)
    if (
        not several
        or getattr(values, "ndim", 1) == 0
        or not all(isinstance(v, str) and v in allowed for v in values)
    ):
        raise ValueError(f"{name} must hold {noun} of {allowed}, got {shown(values)}")
    return list(values)


def check_integer(name: str, value: object, *, least: int, most: int) -> int:
    """`value`, if it is a whole number from `least` to `most`.

    Raises:
        ValueError: if it is not, or is a bool.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}, got {value!r}")
    return int(value)


def check_number(name: str, value: object, *, least: float, most: float) -> float:
    """`value`, if it is a finite number from `least` to `most`.

    Raises:
        ValueError: if it is not, or is a bool.
    """
    number = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}, got {value!r}")
    if not least <= number <= most:
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}, got {number!r}")
    return float(number)


def check_numbers(name: str, values: object, *, least: int, most: int, limit: float) -> list[float]:
    """`values` as a list of `least` to `most` floats, none of them beyond ± `limit`.

    Raises:
        ValueError: if it is no sequence (list, tuple, one-axis array or tensor), too short or too
            long, or holds something else.
    """
    listed = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(listed, (str, bytes)) or not isinstance(listed, Sequence):
        raise ValueError(f"{name} must be a sequence of numbers, got {values!r}")
    if not least <= len(listed) <= most:
        count = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"{name} must hold {count} numbers, got {len(listed)}")
    return [
        check_number(f"{name}[{i}]", value, least=-limit, most=limit)
        for i, value in enumerate(listed)
    ]


def check_array(name: str, values: object, axes: Sequence[str]) -> np.ndarray:
    """`values` as a C-contiguous float32 array with one axis for each name in `axes`.

    Its `tobytes()` is what a `traitlets.Bytes` trait sends and `kit.floats` reads in the browser.

    Args:
        name: the argument's name, for the message.
        values: array, tensor (of any device, with or without gradient) or nested sequence.
        axes: what each axis counts, such as ("layers", "heads", "queries", "keys").

    Returns:
        float32, len(axes) axes, none of them empty, all values finite.

    Raises:
        ValueError: if an axis is missing, extra or empty, or a value is not finite.
    """
    if hasattr(values, "detach"):
        values = values.detach().float().cpu().numpy()
    try:
        array = np.asarray(values)
        array = (
            np.ascontiguousarray(array, dtype=np.float32) if array.dtype.kind in "buif" else None
        )
    except (TypeError, ValueError):
        array = None
    if array is None:
        raise ValueError(f"{name} must be {' x '.join(axes)} of numbers, got {shown(values)}")
    if array.ndim != len(axes) or 0 in array.shape:
        rule = " x ".join(axes)
        raise ValueError(f"{name} must be {rule}, none empty, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
    return array
