"""What an argument must be: the checks that all rooms share, with one wording of the refusal.

Each refusal is a `ValueError` that names the rule, the argument and what was received. A thing of
the wrong kind is refused like one out of range, before it can become a wrong number further on:
True for 1, "3" for 3, a list for a tensor.
"""

from __future__ import annotations

import numbers
from collections.abc import Collection, Sequence
from typing import Any

LONGEST = 100  # characters of a received value in a message


def check_whole(
    name: str, value: Any, *, least: int | None = None, most: int | None = None
) -> None:
    """Refuse what is no whole number, or lies outside `least` ... `most`; a bool is none.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    if type(value) is not int and (
        not isinstance(value, numbers.Integral) or isinstance(value, bool)
    ):
        raise ValueError(f"{name} must be a whole number, got {shown(value)}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}, got {shown(value)}")
    if most is not None and value > most:
        raise ValueError(f"{name} must be at most {most}, got {shown(value)}")


def check_number(name: str, value: Any) -> None:
    """Refuse what is no real number; a bool is none, NaN and infinity are for the caller's range.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number, got {shown(value)}")


def check_flag(name: str, value: Any) -> None:
    """Refuse what is neither True nor False: "no" would count as True.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    if not isinstance(value, bool) and type(value).__name__ not in ("bool", "bool_"):
        raise ValueError(f"{name} must be True or False, got {shown(value)}")


def check_text(name: str, value: Any) -> None:
    """Refuse what is no string.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string, got {shown(value)}")


def check_one_of(name: str, value: Any, allowed: Collection[Any]) -> None:
    """Refuse what is not among the choices, whatever its type.

    Raises:
        ValueError: with the choices, the argument and the value.
    """
    kinds = {type(choice) for choice in allowed}
    if type(value) not in kinds or value not in allowed:
        raise ValueError(f"{name} must be one of {tuple(allowed)}, got {shown(value)}")


def check_sequence(name: str, value: Any, of: str = "values") -> None:
    """Refuse what is no list, tuple or the like; a string is one thing, not many.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise ValueError(f"{name} must be a sequence of {of}, got {shown(value)}")


def check_kind(name: str, value: Any, *kinds: type) -> None:
    """Refuse what is no instance of one of these classes.

    Raises:
        ValueError: with the classes, the argument and the value.
    """
    if not isinstance(value, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise ValueError(f"{name} must be of type {wanted}, got {shown(value)}")


def check_callable(name: str, value: Any) -> None:
    """Refuse what cannot be called.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    if not callable(value):
        raise ValueError(f"{name} must be callable, got {shown(value)}")


def check_tensor(name: str, value: Any) -> None:
    """Refuse what is no tensor.

    Raises:
        ValueError: with the rule, the argument and the value.
    """
    import torch

    if not isinstance(value, torch.Tensor):
        raise ValueError(f"{name} must be a tensor, got {shown(value)}")


def check_ids(name: str, value: Any, *axes: str) -> None:
    """Refuse what is no integer tensor with these axes, such as "B", "T".

    Raises:
        ValueError: with the rule, the argument, its dtype and shape.
    """
    check_tensor(name, value)
    import torch

    if value.ndim != len(axes) or value.dtype not in (torch.int64, torch.int32):
        wanted = f"({', '.join(axes)}{',' * (len(axes) == 1)})"
        raise ValueError(
            f"{name} must be integers {wanted}, got {value.dtype} of {tuple(value.shape)}"
        )


def shown(value: Any) -> str:
    """A received value in about 100 characters: its repr, or what an array is made of."""
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    try:
        if dtype is not None and len(shape):
            kind = str(dtype).removeprefix("torch.")
            place = f" on {value.device}" if hasattr(value, "is_leaf") else ""
            return f"{kind} {tuple(shape)}{place}"
        text = repr(value)
    except Exception:  # what refuses to be shown is named by its type
        text = f"one of type {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
