"""What an attack on a callable needs to know: a lawful call, and what each argument is."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from corruptions import corruptions
from hypothesis import settings
from hypothesis import strategies as st
from judge import finite, judge
from torch import Tensor

ONE_TENSOR = frozenset({"batch of 1", "batch - 1", "batch + 1", "no batch", "longer", "shorter"})
ONE_TENSOR |= {"no length"}
WORDS = 11  # in a vocabulary


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Lengths and widths of one case; those that must not be mixed up differ."""

    B: int
    T_q: int
    T_k: int
    H_kv: int
    groups: int
    D: int
    seed: int

    @property
    def H(self) -> int:
        return self.H_kv * self.groups

    @property
    def C(self) -> int:
        return self.H * self.D

    @property
    def M(self) -> int:
        return self.C + 3

    def floats(self, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.randn(shape, generator=self._generator(shape)).to(dtype)

    def mask(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self._generator(shape)) < 0.6

    def ids(self, *shape: int, below: int = WORDS) -> Tensor:
        return torch.randint(below, shape, generator=self._generator(shape))

    def _generator(self, shape: tuple[int, ...]) -> torch.Generator:
        return torch.Generator().manual_seed(self.seed + sum(shape))


sizes = st.builds(
    Sizes,
    B=st.sampled_from([3, 1]),  # not 2, whose spoiled batch of 1 may be broadcast by right
    T_q=st.integers(3, 4),
    T_k=st.integers(5, 7),
    H_kv=st.sampled_from([2, 1]),
    groups=st.sampled_from([2, 1]),
    D=st.sampled_from([2, 4]),
    seed=st.integers(0, 999),
)


LONG = os.environ.get("TXLIB_TRUST") == "long"
rounds = settings(max_examples=5 if LONG else 1, derandomize=True, database=None, deadline=None)


@dataclass(frozen=True, kw_only=True)
class Target:
    """One public callable.

    Attributes:
        name: as it is imported, with a method behind a dot.
        make: from sizes to something to call and lawful keyword arguments.
        kinds: of the arguments that are attacked; see `corruptions`.
        allows: corruptions that leave a lawful call, by argument; what they give must be finite.
        right: the judge of an answer.
        changes: arguments that a call which succeeds may change.
        also: names that a refusal may speak of beside the argument's own.
    """

    name: str
    make: Callable[[Sizes], tuple[Callable[..., Any], dict[str, Any]]]
    kinds: Mapping[str, str]
    allows: Mapping[str, frozenset[str]] = field(default_factory=dict)
    right: Callable[[Any, Mapping[str, Any]], bool | None] = finite
    changes: Sequence[str] = ()
    also: Sequence[str] = ()

    def attack(self, s: Sizes) -> tuple[int, list[str]]:
        """The lawful call, then every corruption of every argument.

        Returns:
            How many cases were tried, and what went wrong in each that failed.
        """
        torch.manual_seed(s.seed)
        call, lawful = self.make(s)
        judge(call, lawful, hostile=(), right=self.right, changes=self.changes)
        tried, failures = 1, []
        for name, kind in self.kinds.items():
            for spoiled, value in corruptions(kind, lawful.get(name)):
                right = self.right if spoiled in self.allows.get(name, ()) else None
                tried += 1
                try:
                    ending = judge(
                        call,
                        lawful | {name: value},
                        hostile=(name, *self.also),
                        right=right,
                        changes=self.changes,
                    )
                except AssertionError as failure:
                    failures.append(f"{self.name}, {name} {spoiled}: {failure}")
                    ending = None
                if self.changes and not isinstance(ending, Exception):
                    call, lawful = self.make(s)
        return tried, failures


def constructor(
    kind: type, arguments: Callable[[Sizes], dict[str, Any]], **fixed: Any
) -> Callable[[Sizes], tuple[Callable[..., Any], dict[str, Any]]]:
    """For `Target.make`: a class, and what it is made from."""
    return lambda s: (kind, arguments(s) | fixed)


def method(
    new: Callable[[Sizes], Any], name: str, arguments: Callable[[Sizes, Any], dict[str, Any]]
) -> Callable[[Sizes], tuple[Callable[..., Any], dict[str, Any]]]:
    """For `Target.make`: a method of a new object, and its arguments."""

    def make(s: Sizes) -> tuple[Callable[..., Any], dict[str, Any]]:
        owner = new(s)

        def call(**given: Any) -> Any:
            with torch.no_grad():
                return getattr(owner, name)(**given)

        return call, arguments(s, owner)

    return make
