"""Ways to spoil one argument of a lawful call, by the kind of thing it is."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

Spoiled = tuple[str, Any]  # what was done, and the value now

JUNK = {"text": "3", "list": [1.0], "object": object(), "complex": 1j, "dict": {}}
NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def corruptions(kind: str, good: Any) -> Iterator[Spoiled]:
    """Everything that may be done to an argument.

    Args:
        kind: of the argument; with "?" at the end it may be None.
        good: a lawful value. Where it is None, only what needs none is done.

    Yields:
        The name of each corruption and the spoiled value.
    """
    kind, optional = kind.removesuffix("?"), kind.endswith("?")
    if not optional:
        yield "None", None
    if kind in TENSORS:
        yield from ((name, value) for name, value in JUNK.items())
        yield "number", 1
        if isinstance(good, Tensor):
            yield from TENSORS[kind](good)
        elif isinstance(good, tuple):  # one of several spoiled
            for name, value in TENSORS[kind](good[-1]):
                yield name, (*good[:-1], value)
            yield "one less", good[:-1]
            yield "one more", (*good, good[0])
        return
    for name, value in JUNK.items():
        if not (kind == "sequence" and name == "list"):
            yield name, value
    yield from NUMBERS.get(kind, lambda: ())()


def _of_any_tensor(good: Tensor) -> Iterator[Spoiled]:
    yield "listed", good.tolist()
    yield "array", good.detach().numpy()
    yield "meta", good.detach().to("meta")
    yield "rank + 1", good[None]
    yield "rank + 2", good[None, None]
    if good.ndim:
        yield "rank - 1", good.sum(dim=0).to(good.dtype)
        yield "rank 0", good.sum().to(good.dtype)
        yield "wider", torch.cat((good, good[..., :1]), dim=-1)
        yield "narrower", good[..., :-1]
        yield "no batch", good[:0]
    if good.ndim and len(good) > 2:
        yield "batch of 1", good[:1]
        yield "batch - 1", good[:-1]
    if good.ndim and len(good):
        yield "batch + 1", torch.cat((good, good[:1]))
    if good.ndim >= 3:
        yield "longer", torch.cat((good, good[..., :1, :]), dim=-2)
        yield "shorter", good[..., :-1, :]
        yield "no length", good[..., :0, :]
    if good.ndim >= 2 and good.shape[-1] != good.shape[-2]:
        yield "transposed", good.mT


def _floats(good: Tensor) -> Iterator[Spoiled]:
    yield from _of_any_tensor(good)
    for dtype in (torch.int64, torch.uint8, torch.bool, torch.complex64):
        yield str(dtype).removeprefix("torch."), good.detach().to(dtype)
    other = torch.float32 if good.dtype == torch.float64 else torch.float64
    yield "other float", good.detach().to(other)
    yield "half", good.detach().half()


def _mask(good: Tensor) -> Iterator[Spoiled]:
    yield from _of_any_tensor(good)
    yield "0/1 int", good.long()
    yield "0/1 bytes", good.to(torch.uint8)
    yield "0/1 float", good.float()
    yield "additive", torch.zeros(good.shape).masked_fill(~good, -torch.inf)


def _ids(good: Tensor) -> Iterator[Spoiled]:
    yield from _of_any_tensor(good)
    for dtype in (torch.float32, torch.bool, torch.complex64):
        yield str(dtype).removeprefix("torch."), good.to(dtype)
    if good.numel():
        yield "negative", torch.where(torch.arange(good.numel()).view(good.shape) == 0, -1, good)
        yield "huge", torch.where(torch.arange(good.numel()).view(good.shape) == 0, 10**6, good)


def _whole(*, least: int) -> Iterator[Spoiled]:
    yield from NOT_FINITE.items()
    yield from {"true": True, "fraction": 2.5, "whole float": 2.0, "tensor": torch.ones(2)}.items()
    yield from {str(number): number for number in range(least - 1, least - 3, -1)}.items()
    yield "far below", -(10**12)


def _number() -> Iterator[Spoiled]:
    yield from NOT_FINITE.items()
    yield from {"true": True, "tensor": torch.ones(2)}.items()


def _positive() -> Iterator[Spoiled]:
    yield from _number()
    yield from {"0": 0, "-0.0": -0.0, "negative": -1e-3, "far below": -1e30}.items()


def _share() -> Iterator[Spoiled]:
    yield from _number()
    yield from {"negative": -1e-9, "1.5": 1.5, "all": 1.0}.items()


def _flag() -> Iterator[Spoiled]:
    yield from {"1": 1, "0.0": 0.0, "tensor": torch.ones(2)}.items()


TENSORS = {"floats": _floats, "states": _floats, "mask": _mask, "ids": _ids}
NUMBERS = {
    "size": lambda: _whole(least=1),
    "count": lambda: _whole(least=0),
    "number": _number,
    "positive": _positive,
    "share": _share,
    "flag": _flag,
    "sequence": lambda: [
        ("number", 1),
        ("texts", ["a", "b"]),
        ("negative", [-1]),
        ("far", [10**9]),
    ],
    "choice": lambda: [("unknown", "no such"), ("number", 1), ("nan", math.nan)],
    "module": lambda: [("number", 1), ("class", torch.nn.Linear), ("tensor", torch.ones(2))],
    "callable": lambda: [("number", 1), ("tensor", torch.ones(2))],
}
