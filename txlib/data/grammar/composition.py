"""Exact lengths: the ways to share a number of words among the parts of a phrase."""

from functools import cache
from itertools import product

Sizes = tuple[int, ...]


@cache
def compositions(total: int, slots: tuple[Sizes, ...]) -> tuple[Sizes, ...]:
    """Every way to give each slot one of its sizes so that the sizes add up to `total`."""
    return tuple(sizes for sizes in product(*slots) if sum(sizes) == total)
