"""How an attacked call may end: in the right answer, or in a refusal that says what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from txlib.attention import KVCache


def judge(
    call: Callable[..., Any],
    arguments: Mapping[str, Any],
    *,
    hostile: Sequence[str],
    right: Callable[[Any, Mapping[str, Any]], bool | None] | None = None,
    changes: Sequence[str] = (),
) -> Any:
    """Call, and see how it ends.

    Args:
        call: what is attacked, called with keywords.
        arguments: what it is given.
        hostile: names of the arguments that are wrong: a refusal must speak of one of them.
        right: whether a result is the right answer; None where only a refusal is right.
        changes: arguments that the call may change if it succeeds.

    Returns:
        What the call returned, or the exception by which it refused.

    Raises:
        AssertionError: if it ended in any other way; with the arguments.
    """
    before = {name: snapshot(value) for name, value in arguments.items()}
    told = ", ".join(f"{name}={told_of(value)}" for name, value in arguments.items())
    try:
        result = call(**arguments)
    except (ValueError, TypeError) as refusal:
        text, result, ending, changes = str(refusal), refusal, "refused", ()
        if "got" not in text or not any(name in text for name in hostile):
            raise AssertionError(f"refused without naming {hostile}: {text!r} for {told}") from None
    except Exception as error:
        raise AssertionError(f"ended in {type(error).__name__}: {error} for {told}") from error
    else:
        ending = "answered"
        if right is None:
            raise AssertionError(f"took {hostile}, and gave {told_of(result)} for {told}")
        if right(result, arguments) is False:
            raise AssertionError(f"a wrong answer: {told_of(result)} for {told}")
    for name, value in arguments.items():
        if name not in changes and not same(before[name], snapshot(value)):
            raise AssertionError(f"{name} was changed by a call that {ending}: {told}")
    return result


def finite(result: Any, arguments: Mapping[str, Any]) -> bool:
    """Every number of a result is one: what finite input must give."""
    return all(not x.is_floating_point() or bool(x.isfinite().all()) for x in tensors(result))


def tensors(value: Any) -> list[Tensor]:
    """The tensors in nested tuples, lists and dicts; those on no real device left out."""
    if isinstance(value, Tensor):
        return [] if value.is_meta else [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    return [x for part in value for x in tensors(part)] if isinstance(value, tuple | list) else []


def snapshot(value: Any) -> Any:
    """What a change would show in."""
    match value:
        case Tensor():
            return value.detach().clone()
        case np.ndarray():
            return value.copy()
        case nn.Module():
            return {name: snapshot(tensor) for name, tensor in value.state_dict().items()}
        case KVCache():
            return repr(value), *(snapshot(half) for half in value._halves)
        case dict():
            return {name: snapshot(part) for name, part in value.items()}
        case tuple() | list():
            return [snapshot(part) for part in value]
    return value


def same(one: Any, other: Any) -> bool:
    """Whether two snapshots are alike, bit by bit, a NaN like another."""
    match one:
        case Tensor():
            if one.is_meta or one.dtype != other.dtype or one.shape != other.shape:
                return one.is_meta and other.is_meta
            return bool(torch.equal(one.nan_to_num(7.5), other.nan_to_num(7.5)))
        case np.ndarray():
            return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        case dict():
            return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
        case tuple() | list():
            return len(one) == len(other) and all(map(same, one, other))
    return one is other or one == other or one != one


def told_of(value: Any) -> str:
    """A value in a message, short."""
    if isinstance(value, Tensor):
        few = "" if value.is_meta or value.numel() > 4 else f" {value.tolist()}"
        return f"{str(value.dtype).removeprefix('torch.')}{tuple(value.shape)}@{value.device}{few}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(told_of, value))})"
    text = type(value).__name__ if isinstance(value, nn.Module | KVCache) else repr(value)
    return text[:80]
