"""Answers as learners write them: all of the first list pass, each of the others is named."""

import numpy as np
import pytest

from txlib.attention import MultiHeadAttention
from txlib.exercises import check
from txlib.exercises.multi_head import EXERCISES


def formula(d_model, num_heads, num_kv_heads):
    shared = d_model * num_kv_heads // num_heads
    return 2 * d_model * (d_model + shared), 2 * shared


def by_shapes(c, h, g):
    d = c // h
    shapes = (h * d, c), (g * d, c), (g * d, c), (c, h * d)
    return [np.int64(sum(rows * columns for rows, columns in shapes)), g * d + g * d]


def by_module(c, h, g):
    attention = MultiHeadAttention(c, h, num_kv_heads=g)
    kept = attention.k_proj.out_features + attention.v_proj.out_features
    return sum(p.numel() for p in attention.parameters()), kept


WRONG = {
    "all-heads-own-keys": [
        lambda c, h, g: (4 * c * c, 2 * c),
        lambda c, h, g: (4 * c**2, 2 * c // h * g),
    ],
    "head-reads-its-slice": [
        lambda c, h, g: (2 * h * (c // h) ** 2 + 2 * g * (c // h) ** 2, 2 * g * (c // h)),
        lambda c, h, g: (h * 4 * (c // h) ** 2, 2 * c),
    ],
    "more-heads-more-weights": [
        lambda c, h, g: (4 * c * c * h, 2 * c),
        lambda c, h, g: (h * formula(c, h, g)[0], 2 * c // h * g),
        lambda c, h, g: (c * c + h * c * c + 2 * g * c * c, 2 * g),
    ],
    "no-out-proj": [
        lambda c, h, g: (c * c + 2 * c * (c // h * g), 2 * c // h * g),
        lambda c, h, g: (3 * c * c, 2 * c),
    ],
    "keys-and-values-are-one": [lambda c, h, g: (2 * c * c + c * (c // h * g), c // h * g)],
    "queries-shared-too": [
        lambda c, h, g: (4 * c * (c // h) * g, 2 * (c // h) * g),
        lambda c, h, g: (c * c + 3 * c * (c // h) * g, 2 * (c // h) * g),
    ],
    "always-one-head": [lambda c, h, g: (2 * c * c + 2 * c * (c // h), 2 * (c // h))],
    "biases": [
        lambda c, h, g: (formula(c, h, g)[0] + 2 * c + 2 * (c // h) * g, 2 * (c // h) * g),
        lambda c, h, g: (formula(c, h, g)[0] + 4 * c, 2 * (c // h) * g),
    ],
    "swapped": [lambda c, h, g: formula(c, h, g)[::-1]],
    "keeps-all-heads": [lambda c, h, g: (formula(c, h, g)[0], 2 * c)],
    "keeps-half": [
        lambda c, h, g: (formula(c, h, g)[0], c // h * g),
        lambda c, h, g: (formula(c, h, g)[0], c),
    ],
    "keeps-too-little-or-much": [
        lambda c, h, g: (formula(c, h, g)[0], 2 * g),
        lambda c, h, g: (formula(c, h, g)[0], 2 * c // h),
        lambda c, h, g: (formula(c, h, g)[0], 4 * 2 * c // h * g),
        lambda c, h, g: (formula(c, h, g)[0], c + 2 * c // h * g),
    ],
}


@pytest.mark.parametrize("answer", [formula, by_shapes, by_module])
def test_right_answers_pass(answer):
    verdict = check("grouped_cost", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("grouped_cost", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["grouped_cost"].misconceptions}


def test_numbers_of_the_text():
    count = EXERCISES["grouped_cost"].reference
    assert count(512, 8, 8) == (1_048_576, 1024)
    assert count(512, 8, 2) == (655_360, 256)


def test_a_quotient_is_no_count():
    verdict = check("grouped_cost", lambda c, h, g: (2 * c * c + 2 * c * c / h * g, 2 * c / h * g))
    assert verdict.diagnosis == "type"
    assert "the weights should be a whole number" in verdict.message


def test_both_numbers_are_wanted():
    verdict = check("grouped_cost", lambda c, h, g: formula(c, h, g)[0])
    assert verdict.diagnosis == "type"
    assert "2 results (the weights, the numbers kept for a token)" in verdict.message
