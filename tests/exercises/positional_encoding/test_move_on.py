"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.positional_encoding import EXERCISES
from txlib.positions import shift_matrix, sinusoidal_encoding


def speeds(C):
    return 10_000 ** (-torch.arange(0, C, 2) / C)


def by_pairs(code, distance):
    sine, cosine = code[0::2], code[1::2]
    turn = distance * speeds(len(code))
    moved = torch.stack(
        [sine * turn.cos() + cosine * turn.sin(), cosine * turn.cos() - sine * turn.sin()], dim=1
    )
    return moved.flatten()


def in_loops(code, distance):
    moved = torch.empty_like(code)
    for m in range(len(code) // 2):
        angle = distance / 10_000 ** (2 * m / len(code))
        s, c = code[2 * m], code[2 * m + 1]
        moved[2 * m] = s * math.cos(angle) + c * math.sin(angle)
        moved[2 * m + 1] = c * math.cos(angle) - s * math.sin(angle)
    return moved


def by_library(code, distance):
    return shift_matrix(distance, len(code)) @ code


def by_angle(code, distance):
    angles = torch.atan2(code[::2], code[1::2]) + distance * speeds(len(code))
    return torch.stack((angles.sin(), angles.cos()), dim=-1).view(-1)


def by_complex_numbers(code, distance):
    hands = torch.view_as_complex(code.view(-1, 2)) * torch.exp(-1j * distance * speeds(len(code)))
    return torch.view_as_real(hands).flatten()


def turned(first, second, angle, sign=1):
    """By default as RoPE turns, which for (sin, cos) is backwards."""
    cos, sin = angle.cos(), sign * angle.sin()
    return first * cos - second * sin, first * sin + second * cos


def interleaved(pair):
    return torch.stack(pair, dim=-1).flatten()


def with_speeds(frequencies, sign=-1):
    return lambda code, k: interleaved(
        turned(code[::2], code[1::2], k * frequencies(len(code)), sign)
    )


def rope_as_usual(code, distance):
    return with_speeds(speeds, sign=1)(code, distance)


def halves(code, distance):
    first, second = code.chunk(2)
    return torch.cat(turned(first, second, distance * speeds(len(code)), -1))


def joined_as_halves(code, distance):
    return torch.cat(turned(code[::2], code[1::2], distance * speeds(len(code)), -1))


def split_as_halves(code, distance):
    return interleaved(turned(*code.chunk(2), distance * speeds(len(code)), -1))


def in_place(code, distance):
    moved, angle = code.clone(), distance * speeds(len(code))
    moved[0::2] = moved[0::2] * angle.cos() + moved[1::2] * angle.sin()
    moved[1::2] = moved[1::2] * angle.cos() - moved[0::2] * angle.sin()
    return moved


def both_plus(code, distance):
    angle = distance * speeds(len(code))
    s, c = code[::2], code[1::2]
    return interleaved((s * angle.cos() + c * angle.sin(), c * angle.cos() + s * angle.sin()))


def code_of(place, C):
    return sinusoidal_encoding(1, C)[0] if place == 0 else by_library(code_of(0, C), place)


WRONG = {
    "backwards": [rope_as_usual, lambda code, k: by_library(code, -k)],
    "halves": [halves],
    "mixed-order": [joined_as_halves, split_as_halves],
    "one-speed": [with_speeds(lambda C: torch.ones(C // 2)), with_speeds(lambda C: torch.ones(1))],
    "wrong-speeds": [
        with_speeds(lambda C: 10_000 ** (-torch.arange(C // 2) / C)),
        with_speeds(lambda C: 10_000 ** (-torch.arange(C // 2) / C), sign=1),
        with_speeds(lambda C: 10_000 ** (-2 * torch.arange(0, C, 2) / C)),
    ],
    "fast-for-slow": [
        with_speeds(lambda C: 10_000 ** (torch.arange(0, C, 2) / C)),
        with_speeds(lambda C: speeds(C).flip(0)),
    ],
    "degrees": [with_speeds(lambda C: torch.deg2rad(speeds(C)))],
    "no-rotation": [both_plus],
    "overwritten": [in_place],
    "added": [
        lambda code, k: code + code_of(k, len(code)),
        lambda code, k: code + k,
    ],
    "from-the-start": [lambda code, k: code_of(k, len(code))],
    "rolled": [lambda code, k: torch.roll(code, k)],
}


@pytest.mark.parametrize("answer", [by_pairs, in_loops, by_library, by_angle, by_complex_numbers])
def test_right_answers_pass(answer):
    verdict = check("move_on", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("move_on", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["move_on"].misconceptions}


def test_what_is_asked_moves_every_place():
    code = sinusoidal_encoding(30, 12)
    for place in (0, 4, 19):
        torch.testing.assert_close(
            EXERCISES["move_on"].reference(code[place], 10), code[place + 10]
        )


def test_writing_into_the_given_code_is_told():
    def overwrites(code, distance):
        code[:] = by_pairs(code, distance)
        return code

    assert check("move_on", overwrites).diagnosis == "mutates"
