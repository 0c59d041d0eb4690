"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import numpy as np
import pytest
import torch

from txlib.exercises import check
from txlib.exercises.residual_norm import EXERCISES
from txlib.layers import rms_norm


def formula(num_blocks, norm_order):
    return 2 * num_blocks + 1 if norm_order == "pre" else 2 ** (2 * num_blocks)


def walked(num_blocks, norm_order):
    parts = 1
    for _ in range(num_blocks):
        for _ in ("attention", "feed-forward"):
            parts = parts + 1 if norm_order == "pre" else 2 * parts
    return np.int64(parts)


def orders(pre, post):
    return lambda num_blocks, norm_order: (pre if norm_order == "pre" else post)(num_blocks)


def rule(n):
    return 2 * n + 1


def halved(n):
    return 4**n


WRONG = {
    "one-sublayer": [
        orders(lambda n: n + 1, lambda n: 2**n),
        orders(lambda n: n + 1, halved),
        orders(rule, lambda n: 2**n),
    ],
    "input-forgotten": [orders(lambda n: 2 * n, halved), orders(lambda n: n, halved)],
    "orders-swapped": [orders(halved, rule), orders(lambda n: 2**n, lambda n: n + 1)],
    "never-divided": [lambda n, norm_order: rule(n), orders(rule, lambda n: n + 1)],
    "always-divided": [lambda n, norm_order: halved(n), orders(lambda n: 2**n, halved)],
    "sizes-added": [
        orders(lambda n: rule(n) ** 2, lambda n: 16**n),
        orders(rule, lambda n: 4 ** (2 * n)),
    ],
    "off-by-one-norm": [
        orders(lambda n: 2 * n + 2, halved),
        orders(rule, lambda n: 2 ** (2 * n + 1)),
        orders(rule, lambda n: 2 ** (2 * n - 1)),
    ],
    "halves-added": [orders(rule, lambda n: 2 * (2 * n)), orders(rule, lambda n: 2 * n)],
}


@pytest.mark.parametrize("answer", [formula, walked])
def test_right_answers_pass(answer):
    verdict = check("one_part_in", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("one_part_in", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["one_part_in"].misconceptions}


@pytest.mark.parametrize("norm_order", ["pre", "post"])
def test_measured_on_random_numbers(norm_order):
    random = torch.Generator().manual_seed(0)
    start = torch.randn(100_000, generator=random)
    stream = start
    for _ in range(2 * 2):
        stream = stream + torch.randn(100_000, generator=random)
        stream = rms_norm(stream) if norm_order == "post" else stream
    correlation = torch.corrcoef(torch.stack([start, stream]))[0, 1]
    expected = EXERCISES["one_part_in"].reference(2, norm_order)
    assert math.isclose(1 / correlation**2, expected, rel_tol=0.1)


def test_a_share_is_not_its_inverse():
    verdict = check("one_part_in", lambda n, norm_order: 1 / formula(n, norm_order))
    assert verdict.diagnosis == "type"
    assert "should be a whole number" in verdict.message


def test_one_result_whatever_the_order_is_constant():
    assert check("one_part_in", lambda n, norm_order: 2).diagnosis == "constant"
