"""Hold a learner's result against the right one and put the first difference into words."""

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from txlib.checks import shown

TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4}
LOOSE = 2e-2  # of half precision


@dataclass(frozen=True)
class Difference:
    """How two results differ: "type", "shape", "value" or "dtype", and the words for it."""

    kind: str
    words: str


def difference(expected: Any, got: Any, names: tuple[str, ...] = ()) -> Difference | None:
    """The first difference, or None if there is none.

    Args:
        expected: a tensor, a whole number, or a tuple of these.
        got: anything at all.
        names: what the results are called, one each; "result 0", "result 1", … by default.
    """
    count = len(expected) if isinstance(expected, tuple) else 1
    if len(names) != count:  # of results within results
        names = tuple(f"{names[0] if names else 'result'} {i}" for i in range(count))
    if isinstance(expected, tuple):
        if not isinstance(got, tuple | list) or len(got) != len(expected):
            wanted = f"{len(expected)} results ({', '.join(names)})"
            return Difference("type", f"{wanted} are expected; it gives {describe(got)}.")
        pairs = zip(expected, got, names, strict=True)
        found = (difference(e, g, (name,)) for e, g, name in pairs)
        return next((d for d in found if d is not None), None)
    if isinstance(expected, Tensor):
        return _tensor_difference(expected, got, names[0])
    return _count_difference(expected, got, names[0])


def describe(value: Any) -> str:
    """A value in a few words, the same on every run: no addresses."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, bool | int | float | str):
        return f"`{shown(value)}`"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return (
        f"`{value!r}`"
        if value is None or value is ...
        else f"a value of type `{type(value).__name__}`"
    )


def _tensor_difference(expected: Tensor, got: Any, name: str) -> Difference | None:
    if not isinstance(got, Tensor):
        words = (
            f"{name} should be a tensor of shape {tuple(expected.shape)}; it is {describe(got)}."
        )
        return Difference("type", words)
    odd = _oddity(got)
    if odd:
        return Difference("type", f"{name} should be a plain tensor of real numbers; it is {odd}.")
    if got.shape != expected.shape:
        shapes = f"{tuple(expected.shape)}; it has {tuple(got.shape)}"
        return Difference("shape", f"{name} should have shape {shapes}.")
    tolerance = TOLERANCE.get(got.dtype, LOOSE) if got.dtype.is_floating_point else 1e-6
    theirs, ours = got.detach().cpu().double(), expected.double()
    wrong = ~torch.isclose(theirs, ours, rtol=tolerance, atol=tolerance, equal_nan=True)
    if wrong.any():
        index = tuple(wrong.nonzero()[0].tolist())
        place = f"{name}[{', '.join(map(str, index))}]" if index else name
        values = f"{_short(ours[index])}; it is {_short(theirs[index])}"
        return Difference("value", f"{place} should be {values}.")
    if got.dtype != expected.dtype:
        types = f"{_bare(expected)}; it is {_bare(got)}"
        return Difference("dtype", f"the values are right, but {name} should be {types}.")
    return None


def _oddity(tensor: Tensor) -> str:
    """What kind of tensor cannot be compared number by number; empty for all others."""
    if tensor.is_meta:
        return "on the device `meta`, which holds no numbers"
    if tensor.layout is not torch.strided or tensor.is_nested:
        return "sparse or nested"
    if tensor.is_complex() or tensor.is_quantized:
        return "complex" if tensor.is_complex() else "quantized"
    return ""


def _count_difference(expected: int, got: Any, name: str) -> Difference | None:
    try:
        if isinstance(got, bool):
            raise TypeError
        count = operator.index(got)
    except Exception:  # whatever a learner's own type raises
        return Difference("type", f"{name} should be a whole number; it is {describe(got)}.")
    if count != expected:
        return Difference("value", f"{name} should be {expected}; it is {shown(count)}.")
    return None


def _short(value: Tensor) -> str:
    return f"{value.item():.4g}"


def _bare(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
