"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.positional_encoding import EXERCISES
from txlib.positions import RotaryEmbedding, sinusoidal_encoding


def speeds(D):
    return 10_000 ** (-torch.arange(0, D, 2) / D)


def angles(x, offset):
    return (offset + torch.arange(len(x)))[:, None] * speeds(x.shape[1])


def turned(a, b, angle):
    return a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()


def by_slices(x, offset):
    result = torch.empty_like(x)
    result[:, 0::2], result[:, 1::2] = turned(x[:, 0::2], x[:, 1::2], angles(x, offset))
    return result


def by_stack(x, offset):
    a, b = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack(turned(a, b, angles(x, offset)), dim=-1).flatten(-2)


def in_loops(x, offset):
    T, D = x.shape
    result = torch.zeros(T, D)
    for t in range(T):
        for m in range(D // 2):
            angle = (offset + t) * 10_000 ** (-2 * m / D)
            a, b = x[t, 2 * m], x[t, 2 * m + 1]
            result[t, 2 * m] = a * math.cos(angle) - b * math.sin(angle)
            result[t, 2 * m + 1] = a * math.sin(angle) + b * math.cos(angle)
    return result


def by_library(x, offset):
    return RotaryEmbedding(x.shape[1], pairing="interleaved")(x, offset=offset)


def by_complex_numbers(x, offset):
    arrows = torch.view_as_complex(x.reshape(len(x), -1, 2)) * torch.exp(1j * angles(x, offset))
    return torch.view_as_real(arrows).flatten(1)


def by_quarter_turn(x, offset):
    angle = angles(x, offset).repeat_interleave(2, dim=-1)
    quarter = torch.stack((-x[:, 1::2], x[:, ::2]), dim=-1).flatten(-2)
    return x * angle.cos() + quarter * angle.sin()


def from_angles(make):
    """By slices, with these angles."""
    return lambda x, offset: torch.stack(
        turned(x[:, ::2], x[:, 1::2], make(x, offset)), dim=-1
    ).flatten(-2)


def with_speeds(make):
    return from_angles(
        lambda x, offset: torch.arange(offset, offset + len(x))[:, None] * make(x.shape[1])
    )


def halves_to_neighbours(x, offset):
    return torch.stack(turned(*x.chunk(2, dim=-1), angles(x, offset)), dim=-1).flatten(-2)


def neighbours_to_halves(x, offset):
    return torch.cat(turned(x[:, ::2], x[:, 1::2], angles(x, offset)), dim=-1)


def rotate_half(x):
    a, b = x.chunk(2, dim=-1)
    return torch.cat((-b, a), dim=-1)


def half_with_doubled_angles(x, offset):
    angle = angles(x, offset).repeat_interleave(2, dim=-1)
    return x * angle.cos() + rotate_half(x) * angle.sin()


def neighbours_with_repeated_angles(x, offset):
    angle = torch.cat([angles(x, offset)] * 2, dim=-1)
    quarter = torch.stack((-x[:, 1::2], x[:, ::2]), dim=-1).flatten(-2)
    return x * angle.cos() + quarter * angle.sin()


def angle_for_each_feature(x, offset):
    T, D = x.shape
    result = torch.zeros(T, D)
    for t in range(T):
        for f in range(D):
            angle = (offset + t) * 10_000 ** (-f / D)
            other = -x[t, f + 1] if f % 2 == 0 else x[t, f - 1]
            result[t, f] = x[t, f] * math.cos(angle) + other * math.sin(angle)
    return result


def overwritten(x, offset):
    x, angle = x.clone(), angles(x, offset)
    x[:, ::2] = x[:, ::2] * angle.cos() - x[:, 1::2] * angle.sin()
    x[:, 1::2] = x[:, ::2] * angle.sin() + x[:, 1::2] * angle.cos()
    return x


def no_minus(x, offset):
    angle = angles(x, offset)
    a, b = x[:, ::2], x[:, 1::2]
    pair = a * angle.cos() + b * angle.sin(), a * angle.sin() + b * angle.cos()
    return torch.stack(pair, dim=-1).flatten(-2)


WRONG = {
    "halves": [lambda x, offset: RotaryEmbedding(x.shape[1])(x, offset=offset)],
    "offset-ignored": [lambda x, offset: by_library(x, 0), lambda x, offset: by_slices(x, 1)],
    "starts-at-one": [lambda x, offset: by_library(x, offset + 1)],
    "one-place": [
        from_angles(lambda x, offset: offset * speeds(x.shape[1])),
        from_angles(lambda x, offset: len(x) * speeds(x.shape[1])),
    ],
    "backwards": [from_angles(lambda x, offset: -angles(x, offset))],
    "no-rotation": [no_minus],
    "overwritten": [overwritten],
    "mixed-order": [neighbours_to_halves, halves_to_neighbours],
    "mixed-angles": [half_with_doubled_angles, neighbours_with_repeated_angles],
    "angle-per-feature": [angle_for_each_feature],
    "one-speed": [with_speeds(lambda D: 1)],
    "wrong-speeds": [
        with_speeds(lambda D: 10_000 ** (-torch.arange(D // 2) / D)),
        with_speeds(lambda D: 1 / torch.arange(1, D // 2 + 1)),
    ],
    "fast-for-slow": [
        with_speeds(lambda D: 10_000 ** (torch.arange(0, D, 2) / D)),
        with_speeds(lambda D: 1 / 10_000 ** (-torch.arange(D // 2) / D)),
    ],
    "added": [
        lambda x, offset: x + sinusoidal_encoding(len(x), x.shape[1], offset=offset),
        lambda x, offset: x + sinusoidal_encoding(*x.shape),
    ],
}


@pytest.mark.parametrize(
    "answer", [by_slices, by_stack, in_loops, by_library, by_complex_numbers, by_quarter_turn]
)
def test_right_answers_pass(answer):
    verdict = check("rotate", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("rotate", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["rotate"].misconceptions}


def test_double_precision_is_told():
    verdict = check("rotate", lambda x, offset: by_slices(x.double(), offset))
    assert verdict.diagnosis == "dtype"
    assert "the values are right, but the rotated x should be float32" in verdict.message
