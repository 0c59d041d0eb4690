"""`move_on`: the code of an unknown place turned into that of a place further on."""

import math
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

MoveOn = Callable[[Tensor, int], Tensor]
Turn = Callable[[Tensor, Tensor, Tensor], Pair]


def _cases() -> list[tuple[Tensor, int]]:
    """(place, C, distance): forwards and back, C both a multiple of 4 and not.

    C = 4 keeps even the fastest wrong hand exact in float32.
    """
    sizes = ((3, 8, 1), (40, 6, 5), (17, 4, -4), (9, 10, 12))
    return [(waves(torch.tensor([place]), width)[0], step) for place, width, step in sizes]


def _reference(code: Tensor, distance: int) -> Tensor:
    """By complex numbers: cos + i sin of a place, times that of the distance."""
    exact = code.double()
    hands = torch.complex(exact[1::2], exact[0::2])  # (C/2)
    angles = distance * frequencies(len(code))
    moved = hands * torch.polar(torch.ones_like(angles), angles)
    return torch.stack((moved.imag, moved.real), dim=-1).flatten().float()


def _onwards(a: Tensor, b: Tensor, angle: Tensor) -> Pair:
    """A hand as (sin, cos), moved on."""
    return a * angle.cos() + b * angle.sin(), b * angle.cos() - a * angle.sin()


def _back(a: Tensor, b: Tensor, angle: Tensor) -> Pair:
    return _onwards(a, b, -angle)


def _turns(
    speed: Speed = frequencies,
    turn: Turn = _onwards,
    split: Callable[[Tensor], Pair] = neighbours,
    join: Callable[[Tensor, Tensor], Tensor] = join_neighbours,
) -> MoveOn:
    """An answer that turns these pairs by the distance times these speeds."""

    def move_on(code: Tensor, distance: int) -> Tensor:
        a, b = split(code)
        return join(*turn(a, b, distance * speed(len(code)).float()))

    return move_on


def _both_ways(speed: Speed = frequencies, **order: Callable) -> tuple[MoveOn, MoveOn]:
    return _turns(speed, **order), _turns(speed, _back, **order)


def _of_distance(code: Tensor, distance: int) -> Tensor:
    return waves(torch.tensor([distance]), len(code))[0]


MOVE_ON = Exercise(
    name="move_on",
    chapter=4,
    parameters=("code", "distance"),
    outputs=("the code",),
    reference=_reference,
    cases=_cases,
    hint="Take two features alone, (sin p, cos p), and write down the addition rules of sine and"
    " cosine for p + distance. Each further pair is the same with an angle of its own.",
    misconceptions=(
        Misconception(
            name="backwards",
            answers=(_turns(turn=_back),),
            message="It comes out at the place that lies `distance` before, not after: the hands"
            " turn the wrong way.",
            hint="The usual formula for turning (x, y) has the cosine first. Which of the two comes"
            " first in a pair of this code?",
        ),
        Misconception(
            name="halves",
            answers=_both_ways(split=halves, join=join_halves),
            message="The pairs are taken from the two halves of the code, feature f and f + C/2."
            " Those two belong to different hands.",
            hint="In this code a hand's sine and cosine are neighbours.",
        ),
        Misconception(
            name="mixed-order",
            answers=tuple(
                answer for s, j in MIXED_ORDERS for answer in _both_ways(split=s, join=j)
            ),
            message="The features are taken apart in one order and put together in another: in"
            " neighbours here, in halves there.",
            hint="With a distance of 0 the code should come back as it was. Does it?",
        ),
        Misconception(
            name="one-speed",
            answers=tuple(a for speed in ONE_SPEED for a in _both_ways(speed)),
            message="All hands turn by the same angle. That is right for the first of them only;"
            " each later one is slower.",
            hint="Each pair has a frequency. By what angle does pair m turn in one place?",
        ),
        Misconception(
            name="wrong-speeds",
            answers=tuple(a for speed in WRONG_SPEEDS for a in _both_ways(speed)),
            message="The first hand turns as it should, the others at speeds that are not those of"
            " the encoding.",
            hint="The exponent of pair m is -2m/C: for C = 8 it runs 0, -1/4, -1/2, -3/4.",
        ),
        Misconception(
            name="fast-for-slow",
            answers=tuple(a for speed in FAST_FOR_SLOW for a in _both_ways(speed)),
            applies=lambda code, distance: len(code) == 4,
            message="The hands get faster from pair to pair; they should get slower, down to almost"
            " one ten-thousandth of the first.",
            hint="The first pair is the fastest. Which power of 10 000 belongs to it, and which to"
            " the last?",
        ),
        Misconception(
            name="degrees",
            answers=_both_ways(lambda width: frequencies(width) * math.pi / 180),
            message="The angles are read as degrees, and every hand turns too little.",
            hint="`torch.sin` takes radians, and so do the frequencies.",
        ),
        Misconception(
            name="no-rotation",
            answers=(
                _turns(turn=lambda a, b, w: (a * w.cos() + b * w.sin(), b * w.cos() + a * w.sin())),
                _turns(turn=lambda a, b, w: (a * w.cos() - b * w.sin(), b * w.cos() - a * w.sin())),
            ),
            message="Both new features have the same sign between their terms. That stretches a"
            " hand instead of turning it.",
            hint="Sine squared plus cosine squared should still be 1 for each pair.",
        ),
        Misconception(
            name="overwritten",
            answers=(
                _turns(
                    turn=lambda a, b, w: (
                        _onwards(a, b, w)[0],
                        b * w.cos() - _onwards(a, b, w)[0] * w.sin(),
                    )
                ),
                _turns(
                    turn=lambda a, b, w: (
                        a * w.cos() + _onwards(a, b, w)[1] * w.sin(),
                        _onwards(a, b, w)[1],
                    )
                ),
            ),
            message="One of the two features is right; the other is made from the new value of the"
            " first instead of its old one.",
            hint="Keep both old features until both new ones are computed.",
        ),
        Misconception(
            name="added",
            answers=(
                lambda code, distance: code + _of_distance(code, distance),
                lambda code, distance: code + distance,
            ),
            message="Something is added to the code. Places add up, but their sines do not: the sum"
            " is the code of no place.",
            hint="To move a hand on is to turn it, not to lengthen it.",
        ),
        Misconception(
            name="from-the-start",
            answers=(_of_distance,),
            message="This is the code of the place `distance` itself, as if you had started at"
            " place 0; what you were given is not used.",
            hint="The place you start from is in the code, though nobody tells you its number.",
        ),
        Misconception(
            name="rolled",
            answers=(
                lambda code, distance: code.roll(distance),
                lambda code, distance: code.roll(-distance),
                lambda code, distance: code.roll(2 * distance),
            ),
            message="The features change their places within the vector; each should keep its place"
            " and change its value.",
            hint="Feature 0 of the new code is the sine of the fastest hand, as in the old one.",
        ),
    ),
)
