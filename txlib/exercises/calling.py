"""Call a learner's function so that it leaves nothing behind, and say in words how it fails."""

import copy
import random
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

ENDS = (Exception, SystemExit, GeneratorExit)  # Ctrl-C alone is the learner's own


@dataclass(frozen=True)
class Outcome:
    """One call: what went in, what came out or was raised, and whether the inputs survived."""

    inputs: tuple[Any, ...]
    value: Any = None
    error: BaseException | None = None
    intact: bool = True


def run(answer: Callable[..., Any], inputs: tuple[Any, ...]) -> Outcome:
    """Call `answer` with copies of the inputs, from the same random numbers each time."""
    given = copy.deepcopy(inputs)
    with _sheltered():
        try:
            value = _frozen(answer(*given))
        except ENDS as error:
            return Outcome(inputs, error=error)
    intact = all(_same(before, after) for before, after in zip(inputs, given, strict=True))
    return Outcome(inputs, value=value, intact=intact)


def describe_error(error: BaseException, answer: Callable[..., Any]) -> str:
    """Type, message and the learner's own line; nothing of ours, and no addresses."""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    words = re.sub(r"0x[0-9a-fA-F]+", "0x…", f"{type(error).__name__}: {_said(error)}".rstrip(": "))
    line = f" at the line `{frames[-1].line}`" if frames and frames[-1].line else ""
    return f"It stops with `{words}`{line}."


def _said(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it calls itself without end"  # how deep it came differs from call to call
    try:
        text = str(error).strip()
    except Exception:  # of an object that refuses to be shown
        return ""
    return (text.splitlines() or [""])[0][:300]


@contextmanager
def _sheltered() -> Iterator[None]:
    """The settings and random numbers of torch and Python, whatever is done to them inside."""
    dtype, gradients, dice = torch.get_default_dtype(), torch.is_grad_enabled(), random.getstate()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)  # the one that is put back afterwards
            random.seed(0)
            yield
    finally:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(gradients)
        random.setstate(dice)


def _frozen(value: Any) -> Any:
    """The result without its graph, and safe from what later calls write into it."""
    if isinstance(value, tuple | list):
        return tuple(_frozen(item) for item in value)
    return value.detach().clone() if isinstance(value, Tensor) else value


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, Tensor):
        return before.shape == after.shape and bool((before == after).all())
    return before == after
