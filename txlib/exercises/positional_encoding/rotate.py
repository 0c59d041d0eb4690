"""`rotate`: RoPE with neighbours as pairs, from any place on."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception
from txlib.exercises.positional_encoding.turning import (
    FAST_FOR_SLOW,
    MIXED_ORDERS,
    ONE_SPEED,
    WRONG_SPEEDS,
    Pair,
    Speed,
    frequencies,
    halves,
    join_halves,
    join_neighbours,
    neighbours,
    waves,
)

Rotate = Callable[[Tensor, int], Tensor]
Places = Callable[[int, int], Tensor]


def _cases() -> list[tuple[Tensor, int]]:
    """(T, D, offset): one row as in decoding, D both a multiple of 4 and not.

    D = 4 keeps even the fastest wrong arrow exact in float32.
    """
    random = torch.Generator().manual_seed(2021)
    sizes = ((5, 8, 0), (3, 6, 10), (1, 4, 7), (4, 10, 2))
    return [(torch.randn(t, d, generator=random), offset) for t, d, offset in sizes]


def _reference(x: Tensor, offset: int) -> Tensor:
    """By complex numbers: an arrow times one of length 1."""
    arrows = torch.view_as_complex(x.double().reshape(len(x), -1, 2))  # (T, D/2)
    angles = _in_a_row(len(x), offset)[:, None] * frequencies(x.shape[1])
    turned = arrows * torch.polar(torch.ones_like(angles), angles)
    return torch.view_as_real(turned).flatten(-2).float()


def _in_a_row(length: int, offset: int) -> Tensor:
    return torch.arange(offset, offset + length)


def _turned(a: Tensor, b: Tensor, angle: Tensor) -> Pair:
    return a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()


def _turns(
    speed: Speed = frequencies,
    *,
    places: Places = _in_a_row,
    turn: Callable[[Tensor, Tensor, Tensor], Pair] = _turned,
    split: Callable[[Tensor], Pair] = neighbours,
    join: Callable[[Tensor, Tensor], Tensor] = join_neighbours,
) -> Rotate:
    """An answer that turns these pairs by these places times these speeds."""

    def rotate(x: Tensor, offset: int) -> Tensor:
        angles = places(len(x), offset)[:, None] * speed(x.shape[1]).float()
        return join(*turn(*split(x), angles))

    return rotate


def _by_feature(angles_of: Callable[[Tensor, int], Tensor], *, by_halves: bool = False) -> Rotate:
    """An answer that has an angle for each feature: x cos + (x turned by 90°) sin."""
    split, join = (halves, join_halves) if by_halves else (neighbours, join_neighbours)

    def rotate(x: Tensor, offset: int) -> Tensor:
        angles = angles_of(_in_a_row(len(x), offset), x.shape[1]).float()  # (T, D)
        a, b = split(x)
        return x * angles.cos() + join(-b, a) * angles.sin()

    return rotate


def _repeated(places: Tensor, width: int) -> Tensor:
    return places[:, None] * frequencies(width).repeat(2)


def _doubled(places: Tensor, width: int) -> Tensor:
    return places[:, None] * frequencies(width).repeat_interleave(2)


def _own(places: Tensor, width: int) -> Tensor:
    return places[:, None] * 10_000.0 ** (-torch.arange(width, dtype=torch.float64) / width)


ROTATE = Exercise(
    name="rotate",
    chapter=4,
    parameters=("x", "offset"),
    outputs=("the rotated x",),
    reference=_reference,
    cases=_cases,
    hint="Try one row with D = 2 at place 1: (1, 0) becomes (cos 1, sin 1), about (0.54, 0.84)."
    " Then ask what changes for the next place, and for the next pair.",
    misconceptions=(
        Misconception(
            name="halves",
            answers=(_turns(split=halves, join=join_halves),),
            message="This is the other convention: feature f turns with feature f + D/2, as in the"
            " chapter's loop. Weights trained with neighbours would get other scores.",
            hint="Here features 0 and 1 are an arrow, and 2 and 3. Which slice takes every second"
            " feature?",
        ),
        Misconception(
            name="offset-ignored",
            answers=(
                _turns(places=lambda length, offset: torch.arange(length)),
                _turns(places=lambda length, offset: torch.arange(1, length + 1)),
            ),
            message="The places always begin at the same number, whatever `offset` says: a word"
            " that is decoded alone would be turned as if it were the first.",
            hint="Row 0 stands at place `offset`. Where does row t stand?",
        ),
        Misconception(
            name="starts-at-one",
            answers=(_turns(places=lambda length, offset: _in_a_row(length, offset) + 1),),
            message="Every row is one place too far on. As long as queries and keys do the same no"
            " score changes, but nothing fits a cache of keys that counts from 0.",
            hint="The first word of a text stands at place 0 and is not turned at all.",
        ),
        Misconception(
            name="one-place",
            answers=(
                _turns(places=lambda length, offset: torch.full((length,), offset)),
                _turns(places=lambda length, offset: torch.full((length,), offset + length - 1)),
                _turns(places=lambda length, offset: torch.full((length,), length)),
            ),
            message="All rows are turned alike, as if all words stood at one place; then every"
            " score is what it was before.",
            hint="Each row is a word, and the next word stands one place further on.",
        ),
        Misconception(
            name="backwards",
            answers=(_turns(turn=lambda a, b, angle: _turned(a, b, -angle)),),
            message="The arrows turn the other way, from the second feature to the first. Scores"
            " would agree if all code did so; they do not with weights from elsewhere.",
            hint="At place 1 the arrow (1, 0) should get a positive second feature.",
        ),
        Misconception(
            name="no-rotation",
            answers=(
                _turns(turn=lambda a, b, w: (a * w.cos() + b * w.sin(), a * w.sin() + b * w.cos())),
                _turns(turn=lambda a, b, w: (a * w.cos() - b * w.sin(), b * w.cos() - a * w.sin())),
            ),
            message="Both new features have the same sign between their terms. That stretches an"
            " arrow instead of turning it.",
            hint="A rotation keeps every length: compare `x.norm(dim=-1)` before and after.",
        ),
        Misconception(
            name="overwritten",
            answers=(
                _turns(
                    turn=lambda a, b, w: (
                        _turned(a, b, w)[0],
                        _turned(a, b, w)[0] * w.sin() + b * w.cos(),
                    )
                ),
            ),
            message="The first feature of each arrow is right; the second is made from the new"
            " first one instead of the old.",
            hint="Keep both old features until both new ones are computed.",
        ),
        Misconception(
            name="mixed-order",
            answers=tuple(_turns(split=split, join=join) for split, join in MIXED_ORDERS),
            message="The features are taken apart by one convention and put together by the other:"
            " right numbers, wrong columns.",
            hint="At place 0 nothing turns, so row 0 with offset 0 should come back as it was. To"
            " join neighbours again, `stack` and `flatten` do what `cat` does for halves.",
        ),
        Misconception(
            name="mixed-angles",
            answers=(_by_feature(_repeated), _by_feature(_doubled, by_halves=True)),
            message="The pairs follow one convention and the angles the other, so that the two"
            " features of an arrow are turned by different angles.",
            hint="Write the frequency over each feature. For neighbours it should read ω0, ω0, ω1,"
            " ω1, …",
        ),
        Misconception(
            name="angle-per-feature",
            answers=(_by_feature(_own), _by_feature(_own, by_halves=True)),
            message="Each feature has a frequency of its own, D of them. An arrow is two features"
            " and has one angle, so there are D/2.",
            hint="`torch.arange(0, D, 2)` has one entry for each arrow.",
        ),
        Misconception(
            name="one-speed",
            answers=tuple(map(_turns, ONE_SPEED)),
            message="All arrows turn by the same angle, that of the first; each later one should be"
            " slower.",
            hint="By what angle does arrow m turn in one place?",
        ),
        Misconception(
            name="wrong-speeds",
            answers=tuple(map(_turns, WRONG_SPEEDS)),
            message="The first arrow turns as it should, the others at speeds that are not those of"
            " the encoding.",
            hint="The exponent of arrow m is -2m/D: for D = 8 it runs 0, -1/4, -1/2, -3/4.",
        ),
        Misconception(
            name="fast-for-slow",
            answers=tuple(map(_turns, FAST_FOR_SLOW)),
            applies=lambda x, offset: x.shape[1] == 4,
            message="The arrows get faster from pair to pair; they should get slower, down to"
            " almost one ten-thousandth of the first.",
            hint="Which power of 10 000 belongs to the first arrow, and which to the last?",
        ),
        Misconception(
            name="added",
            answers=(
                lambda x, offset: x + waves(_in_a_row(len(x), offset), x.shape[1]),
                lambda x, offset: x + waves(torch.arange(len(x)), x.shape[1]),
            ),
            message="The waves are added to the words, as in the first half of the chapter. RoPE"
            " adds nothing: it turns.",
            hint="Each vector should keep its length. What does adding do to it?",
        ),
    ),
)
