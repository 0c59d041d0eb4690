"""What an argument may be: hostile and lawful values, and the rule that tells them apart."""

import math
import numbers
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

JUNK: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: True,
    lambda: False,
    lambda: "3",
    lambda: "",
    lambda: "\ud800\x00é",
    lambda: b"bytes",
    lambda: 2.5,
    lambda: 2.0,
    lambda: math.nan,
    lambda: math.inf,
    lambda: -math.inf,
    lambda: -1,
    lambda: 0,
    lambda: 1j,
    lambda: Decimal("0.5"),
    list,
    dict,
    set,
    lambda: [1],
    lambda: ["a"],
    lambda: [[1.0, 2.0], [3.0]],
    lambda: {"a": 1},
    lambda: (x for x in (1, 2)),
    object,
    lambda: np.float64(0.5),
    lambda: np.int64(2),
    lambda: np.array([1, 2]),
    lambda: np.array(["a"]),
    lambda: torch.tensor(1),
    lambda: torch.zeros(0),
    lambda: torch.zeros(2, 3),
    lambda: torch.full((1, 2, 3), math.nan),
)


@dataclass(frozen=True)
class Kind:
    """Values to try for an argument, lawful and not, and the rule that tells them apart.

    Attributes:
        values: a strategy.
        lawful: whether the documentation allows a value; None where both answers are right.
    """

    values: st.SearchStrategy
    lawful: Callable[[Any], bool | None]

    def __or__(self, other: "Kind") -> "Kind":
        """What is lawful for either."""

        def lawful(value: Any) -> bool | None:
            verdicts = {self.lawful(value), other.lawful(value)}
            return True if True in verdicts else None if None in verdicts else False

        return Kind(self.values | other.values, lawful)


def junk() -> st.SearchStrategy:
    """Things that are hardly ever what was asked for; no two calls share one."""
    return st.sampled_from(JUNK).map(lambda make: make())


def is_whole(value: Any, least: int | None = None, most: int | None = None) -> bool:
    """Whether it is a whole number in the range."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        return False
    return (least is None or value >= least) and (most is None or value <= most)


def is_number(value: Any) -> bool:
    """Whether it is a real number that is finite."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return real and math.isfinite(value)


def whole(least: int | None = None, most: int | None = None, *, upto: int = 6) -> Kind:
    """Whole numbers; lawful ones are tried up to `upto` above the least."""
    low = -3 if least is None else least
    near = st.integers(low - 3, low + upto if most is None else min(most + 3, low + upto))
    far = st.sampled_from([-(10**30)] + ([] if most is None else [10**30, most, most + 1]))
    far = far if least is not None else st.nothing()
    return Kind(junk() | near | far, lambda v: is_whole(v, least, most))


def number(lawful: Callable[[float], bool], *, upto: float = 3.0) -> Kind:
    """Real numbers for which a rule holds."""
    values = junk() | st.floats(-upto, upto) | st.sampled_from([1e-300, -1e300, 1.0, 0.0, -0.0])
    return Kind(values, lambda v: is_number(v) and bool(lawful(v)))


def flag() -> Kind:
    """True and False."""
    return Kind(junk(), lambda v: isinstance(v, (bool, np.bool_)))


def nothing() -> Kind:
    """None."""
    return Kind(st.none(), lambda v: v is None)


def either(kind: Kind) -> Kind:
    """The same values, of which each may be answered or refused."""
    return Kind(kind.values, lambda v: None)


def any_text(most: int = 20) -> st.SearchStrategy[str]:
    """Any text at all: right to left, combining, emoji, NUL, lone surrogates, very long."""
    odd = (
        "",
        " ",
        "\x00",
        "\ud800",
        "e\u0301",
        "שלום",
        "👩‍👩‍👧",
        "<img onerror=x>",
        "a" * 10_000,
        "\u202e",
    )
    every = st.text(st.characters(), max_size=most) | st.text(
        st.characters(categories=("Cs", "Ll", "Mn", "So", "Zs", "Cc")), max_size=most
    )
    return every | st.sampled_from(odd)


def text(lawful: Callable[[str], bool | None] = lambda v: True) -> Kind:
    """Strings for which a rule holds."""
    return Kind(junk() | any_text(), lambda v: lawful(v) if isinstance(v, str) else False)


def one_of(*choices: Any) -> Kind:
    """One of some strings or numbers."""

    def lawful(value: Any) -> bool:
        return any(type(value) is type(choice) and value == choice for choice in choices)

    return Kind(junk() | st.sampled_from(choices) | any_text(5), lawful)


def not_callable() -> Kind:
    """What cannot be called; what can is the good value, which stays."""
    return Kind(junk(), lambda v: callable(v))


def made(lawful: Callable[[Any], bool | None], *values: Callable[[], Any]) -> Kind:
    """Some values made for the purpose, among junk."""
    return Kind(junk() | st.sampled_from(values).map(lambda make: make()), lawful)


def tensor(
    shape: tuple[int, ...],
    lawful: Callable[[torch.Tensor], bool | None] = lambda v: True,
    *,
    of: Callable[[tuple[int, ...]], torch.Tensor] = torch.rand,
    dtypes: Sequence[torch.dtype] = (torch.float32, torch.float64),
) -> Kind:
    """Tensors of one shape and some dtypes; others have an axis more, less, empty or of 1."""
    shapes = {shape, (*shape, 2), (1, *shape), shape[1:], shape[:-1], (0, *shape[1:])}
    shapes |= {(*shape[:-1], 0), (*shape[:-1], 1), (1, *shape[1:]), (*shape[:-1], shape[-1] + 1)}
    every = (torch.float32, torch.float64, torch.int64, torch.bool, torch.complex64, torch.float16)
    fitting = st.tuples(st.sampled_from(sorted(shapes)) | st.just(shape), st.sampled_from(every))
    values = fitting.map(lambda drawn: (of(drawn[0]) if drawn[0] else of((1,))[0]).to(drawn[1]))
    spoiled = st.sampled_from([math.nan, math.inf, -math.inf, -7.0]).map(
        lambda x: torch.cat((of(shape).flatten()[1:].double(), torch.tensor([x]))).view(shape)
    )
    spoiled = spoiled if torch.float64 in dtypes or torch.float32 in dtypes else st.nothing()

    def holds(value: Any) -> bool | None:
        fits = isinstance(value, torch.Tensor) and value.dtype in dtypes
        return lawful(value) if fits and value.shape == shape else False

    return Kind(junk() | values | spoiled.map(lambda x: x.to(dtypes[0])), holds)
