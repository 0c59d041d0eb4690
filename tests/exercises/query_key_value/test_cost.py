"""Answers as learners write them: all of the first list pass, each of the others is named."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from txlib.exercises import check
from txlib.exercises.query_key_value import EXERCISES


def formula(n, d):
    return 2 * n**2 * d, n**2


def shapes(n, d):
    scores = n * n * d
    context = n * d * n
    return [np.int64(scores + context), torch.zeros(n, n).numel()]


def counted_by_torch(n, d):
    query, key, value = torch.ones(3, n, d)
    with FlopCounterMode(display=False) as counter:
        scores = query @ key.T
        scores @ value
    return counter.get_total_flops() // 2, scores.numel()


WRONG = {
    "one-product": [lambda n, d: (n * d * n, n * n), lambda n, d: (n * n * d, n * d)],
    "flops": [
        lambda n, d: (2 * formula(n, d)[0], n * n),
        lambda n, d: (n * n * (2 * d - 1) + n * d * (2 * n - 1), n * n),
    ],
    "projections": [
        lambda n, d: (n * d * d, n * n),
        lambda n, d: (2 * n * d * d, n * d),
        lambda n, d: (2 * n * n * d + 3 * n * d**2, n * n),
    ],
    "pairs-only": [lambda n, d: (n * n, n * n), lambda n, d: (2 * n * n, 2 * n * n)],
    "linear": [lambda n, d: (2 * n * d, n), lambda n, d: (n * d, n * n)],
    "softmax-counted": [lambda n, d: (2 * n * n * d + n * n, n * n)],
    "triangle": [
        lambda n, d: (2 * d * n * (n + 1) // 2, n * (n + 1) // 2),
        lambda n, d: (2 * d * n * (n - 1), n * n),
    ],
    "returned-scores-first": [lambda n, d: formula(n, d)[::-1]],
    "vectors-for-scores": [lambda n, d: (2 * n * n * d, n * d)],
    "scores-miscounted": [
        lambda n, d: (2 * n * n * d, 4 * n * n),
        lambda n, d: (2 * n * n * d, n),
    ],
}


@pytest.mark.parametrize("answer", [formula, shapes, counted_by_torch])
def test_right_answers_pass(answer):
    verdict = check("attention_cost", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("attention_cost", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["attention_cost"].misconceptions}


def test_two_numbers_are_wanted():
    verdict = check("attention_cost", lambda n, d: 2 * n * n * d)
    assert verdict.diagnosis == "type"
    assert "2 results (the multiplications, the numbers in the score matrix)" in verdict.message


def test_a_count_is_whole():
    assert check("attention_cost", lambda n, d: (2.0 * n * n * d, n * n)).diagnosis == "type"
