"""A sentence while it is being written: English left to right, and a memory of what was used."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")
SKEW = 3.0  # 1 would draw all words alike


class Draft:
    """The English tokens so far, and the chance that decides what comes next.

    Every function that writes a phrase appends its English here and returns its French: a list of
    (word, English positions), in French order. So the alignment is known by construction, and
    neither language is ever searched for the words of the other.

    Attributes:
        rng: the only source of chance.
        english: the English tokens so far.
        referents: (position of the pronoun, position of its noun) of each "it" of "because it".
        explained: whether the sentence has given a reason already; it gives one at most.
    """

    def __init__(self, rng: Random):
        self.rng = rng
        self.english: list[str] = []
        self.referents: list[tuple[int, int]] = []
        self.explained = False
        self._used: set[object] = set()

    def say(self, *words: str) -> tuple[int, ...]:
        """Appends `words` to the English and returns their positions."""
        start = len(self.english)
        self.english.extend(words)
        return tuple(range(start, len(self.english)))

    def pick(self, options: Sequence[T]) -> T:
        """One of `options`, early ones more often, preferably one not used in this sentence yet.

        Words are as unequal here as in any language: a few are everywhere, most are rare
        (Zipf 1949). The tables list the frequent ones first.
        """
        return self._unused(options, self._early)

    def pick_evenly(self, options: Sequence[T]) -> T:
        """One of `options`, all alike, preferably one not used in this sentence yet."""
        return self._unused(options, self.rng.choice)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability

    def _unused(self, options: Sequence[T], draw: Callable[[Sequence[T]], T]) -> T:
        choice = draw(options)
        if choice in self._used:
            choice = draw([o for o in options if o not in self._used] or options)
        self._used.add(choice)
        return choice

    def _early(self, options: Sequence[T]) -> T:
        return options[int(len(options) * self.rng.random() ** SKEW)]
