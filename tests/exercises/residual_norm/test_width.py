"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import numpy as np
import pytest

from txlib.exercises import check
from txlib.exercises.residual_norm import EXERCISES
from txlib.layers import FeedForward, GatedFeedForward


def formula(d_ff, multiple):
    return -(-2 * d_ff // (3 * multiple)) * multiple


def by_ceil(d_ff, multiple):
    return math.ceil(2 * d_ff / 3 / multiple) * multiple


def searched(d_ff, multiple):
    def count(layer):
        return sum(weight.numel() for weight in layer.parameters())

    plain = count(FeedForward(1, d_ff, bias=False))
    widths = range(multiple, d_ff + multiple, multiple)
    return np.int64(next(w for w in widths if count(GatedFeedForward(1, w)) >= plain))


def up(width, multiple):
    return math.ceil(width / multiple) * multiple


WRONG = {
    "gate-is-free": [lambda f, m: f, up],
    "gate-doubles": [lambda f, m: f // 2, lambda f, m: up(f / 2, m)],
    "ratio-inverted": [lambda f, m: up(1.5 * f, m), lambda f, m: 3 * f // 2],
    "a-third": [lambda f, m: up(f / 3, m), lambda f, m: up(8 * f / 3, m)],
    "not-rounded": [
        lambda f, m: 2 * f // 3,
        lambda f, m: math.ceil(2 * f / 3),
        lambda f, m: round(2 * f / 3),
    ],
    "rounds-down": [lambda f, m: 2 * f // 3 // m * m],
    "rounds-to-nearest": [lambda f, m: round(2 * f / 3 / m) * m],
    "one-too-many": [lambda f, m: (2 * f // (3 * m) + 1) * m],
    "truncated-first": [lambda f, m: up(int(2 * f / 3), m)],
    "multiplied": [lambda f, m: math.ceil(2 * f / 3 / m), lambda f, m: 2 * f // 3 * m],
}


@pytest.mark.parametrize("answer", [formula, by_ceil, searched])
def test_right_answers_pass(answer):
    verdict = check("gated_width", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("gated_width", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["gated_width"].misconceptions}


@pytest.mark.parametrize(
    ("d_model", "d_ff"), [(4096, 11008), (5120, 13824), (6656, 17920), (8192, 22016)]
)
def test_widths_of_llama(d_model, d_ff):
    assert EXERCISES["gated_width"].reference(4 * d_model, 256) == d_ff


def test_a_width_is_whole():
    verdict = check("gated_width", lambda d_ff, multiple: 2 * d_ff / 3)
    assert verdict.diagnosis == "type"
