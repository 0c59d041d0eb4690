"""Pairs, speeds and rotations, right and wrong, for the exercises that turn something."""

from collections.abc import Callable

import torch
from torch import Tensor

Pair = tuple[Tensor, Tensor]
Speed = Callable[[int], Tensor]


def frequencies(width: int) -> Tensor:
    """Radians a place for each pair, float64 (width / 2,)."""
    return 10_000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)


def waves(places: Tensor, width: int) -> Tensor:
    """The codes of these places, float32 (T, width): sine and cosine by turns."""
    angles = places[:, None] * frequencies(width)
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2).float()


def neighbours(x: Tensor) -> Pair:
    """Features 2m and 2m + 1 as a pair."""
    return x[..., 0::2], x[..., 1::2]


def halves(x: Tensor) -> Pair:
    """Features f and f + width / 2 as a pair."""
    first, second = x.chunk(2, dim=-1)
    return first, second


def join_neighbours(a: Tensor, b: Tensor) -> Tensor:
    """Undo `neighbours`."""
    return torch.stack((a, b), dim=-1).flatten(-2)


def join_halves(a: Tensor, b: Tensor) -> Tensor:
    """Undo `halves`."""
    return torch.cat((a, b), dim=-1)


MIXED_ORDERS = ((neighbours, join_halves), (halves, join_neighbours))


def _powers(width: int, exponent: float) -> Tensor:
    """10 000 to multiples of `exponent`, one a pair."""
    return 10_000.0 ** (exponent * torch.arange(width // 2, dtype=torch.float64))


ONE_SPEED: tuple[Speed, ...] = (lambda width: torch.ones(width // 2),)
WRONG_SPEEDS: tuple[Speed, ...] = (
    lambda width: _powers(width, -1 / width),  # the pair's number for the feature's
    lambda width: _powers(width, -4 / width),
    lambda width: 1 / (torch.arange(width // 2) + 1),
    lambda width: 2.0 ** -torch.arange(width // 2),
)
FAST_FOR_SLOW: tuple[Speed, ...] = (
    lambda width: _powers(width, 2 / width),
    lambda width: _powers(width, 1 / width),
    lambda width: _powers(width, -2 / width).flip(0),
)
