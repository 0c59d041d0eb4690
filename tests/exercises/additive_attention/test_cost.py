"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.additive_attention import EXERCISES


def product(n, m, d):
    return n * m * d, n * m


def measured(n, m, d):
    query, key = torch.zeros(n, d), torch.zeros(m, d)
    return (query[:, None] + key).numel(), (query @ key.T).numel()


def scaled(by):
    return lambda n, m, d: (by * n * m * d, by * n * m)


WRONG = {
    "forgot-width": [lambda n, m, d: [m * n] * 2],
    "adds": [lambda n, m, d: (sum((n, m, d)), sum((n, m))), lambda n, m, d: (d + m * n, m * n)],
    "projections": [
        lambda n, m, d: (n * d + m * d, n * m),
        lambda n, m, d: (n * d + m * d, n + m),
        lambda n, m, d: (n * d + m * d, n * d + m * d),
    ],
    "square": [lambda n, m, d: (n**2 * d, n**2), lambda n, m, d: (m**2 * d, m**2)],
    "one-query": [lambda n, m, d: product(1, m, d)],
    "multiplications": [
        lambda n, m, d: (m * n * d, m * n * d),
        lambda n, m, d: (m * n * d, 2 * m * n * d),
    ],
    "total": [
        lambda n, m, d: (n * m * (d + 1), n * m),
        lambda n, m, d: (n * d + m * d + n * m * d, n * m),
        lambda n, m, d: (n * d + m * d + n * m * (d + 1), n * m),
    ],
    "bytes": [scaled(by=4), scaled(by=2), scaled(by=8)],
    "order": [lambda n, m, d: product(n, m, d)[::-1]],
}


@pytest.mark.parametrize("answer", [product, measured])
def test_right_answers_pass(answer):
    verdict = check("score_cost", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("score_cost", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["score_cost"].misconceptions}


def test_one_number_is_not_enough():
    verdict = check("score_cost", lambda n, m, d: n * m * d)
    assert verdict.diagnosis == "type"
    assert "(the additive count, the dot-product count) are expected" in verdict.message
