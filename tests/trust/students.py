"""Students' functions that go wrong in every way but by a misconception."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch


class Hostile:
    """Refuses every question."""

    def __repr__(self):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None

    def __index__(self):
        raise RuntimeError("no")

    def __len__(self):
        raise RuntimeError("no")


def _raises(error: BaseException) -> Callable[..., Any]:
    def answer(*arguments):
        raise error

    return answer


def _overwrites(*arguments):
    for x in arguments:
        if isinstance(x, torch.Tensor):
            x.fill_(1)
    return arguments[0]


def _empties(*arguments):
    for x in arguments:
        if isinstance(x, torch.Tensor):
            x.resize_(0)
        if isinstance(x, list | dict | set):
            x.clear()
    return arguments[0]


def _recurses(*arguments):
    return _recurses(*arguments)


def _own_tail(*arguments):
    tail = []
    tail.append(tail)
    return tail


def _grows(*arguments):
    def again():
        while True:
            yield arguments

    return again()


def _throws_dice(*arguments):
    return torch.rand(2, 3), random.random()


def _disturbs(*arguments):
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(7)
    torch.set_grad_enabled(False)


def _gives(value: Any) -> Callable[..., Any]:
    return lambda *arguments: value() if callable(value) else value


VALUES = (
    None, ..., True, 0, -1, 10**400, 2.5, float("nan"), float("inf"), 1j, "", "text", "\ud800",
    b"x",     (), [], {}, [[]], (None, None), {"a": 1}, Hostile, object,
    lambda: torch.tensor([]), lambda: torch.tensor(float("nan")), lambda: torch.ones(1, 1, 1, 1, 1),
    lambda: torch.ones(2, 3, dtype=torch.complex64), lambda: torch.ones(2, 3, dtype=torch.bool),
    lambda: torch.ones(2, 3, device="meta"), lambda: torch.ones(2, 3).to_sparse(),
    lambda: torch.ones(2, 3, requires_grad=True), lambda: torch.full((2, 3), float("nan")),
    lambda: torch.ones(2, 3).half(), lambda: torch.ones(2, 3).to_sparse_csr(),
    lambda: np.ones((2, 3)), lambda: (torch.ones(2), torch.ones(3)), lambda: [1, [2, [3]]],
    lambda: torch.nn.Parameter(torch.ones(2)), lambda: iter([1]), lambda: torch.float32,
)  # fmt: skip
ERRORS = (
    ValueError("\ud800" * 3), KeyError("k"), RuntimeError("x" * 10_000), ZeroDivisionError(),
    StopIteration(),
    AssertionError(), MemoryError(), RecursionError(), NotImplementedError("later"),
    UnicodeError("u"), SystemExit(3), GeneratorExit(), Exception(Hostile()),
)  # fmt: skip
STUDENTS: tuple[Callable[..., Any], ...] = (
    *map(_gives, VALUES),
    *map(_raises, ERRORS),
    lambda *arguments: arguments,
    lambda *arguments: arguments[0],
    lambda *arguments: arguments[-1],
    _overwrites,
    _empties,
    _recurses,
    _own_tail,
    _grows,
    _throws_dice,
    _disturbs,
)
NOT_FUNCTIONS = (
    None,
    3,
    "name",
    [],
    torch.ones(2),
    Hostile(),
    object(),
    {"a": 1},
    lambda: 1,
    print,
    type,
    int,
)
