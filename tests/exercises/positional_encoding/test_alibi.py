"""Answers as learners write them: all of the first list pass, each of the others is named."""

import numpy as np
import pytest
import torch

from txlib.exercises import check
from txlib.exercises.positional_encoding import EXERCISES
from txlib.positions import ALiBi, alibi_slopes


def by_comparison(num_queries, num_keys, slope):
    query = torch.arange(num_keys - num_queries, num_keys).unsqueeze(1)
    return -slope * torch.abs(query - torch.arange(num_keys))


def last_rows(num_queries, num_keys, slope):
    places = torch.arange(num_keys, dtype=torch.float32)
    return -(places[:, None] - places[None]).abs()[num_keys - num_queries :] * slope


def in_loops(num_queries, num_keys, slope):
    bias = torch.zeros(num_queries, num_keys)
    for i in range(num_queries):
        for j in range(num_keys):
            bias[i, j] = -slope * abs(num_keys - num_queries + i - j)
    return bias


def by_smaller_side(num_queries, num_keys, slope):
    signed = torch.arange(num_keys) - torch.arange(num_keys)[-num_queries:, None]
    return slope * torch.minimum(signed, -signed)


def signed(q, k):
    return torch.arange(k) - torch.arange(k - q, k)[:, None]


def early(q, k):
    return torch.arange(k) - torch.arange(q)[:, None]


WRONG = {
    "plus-sign": [lambda q, k, slope: slope * torch.abs(signed(q, k))],
    "upper-left": [lambda q, k, slope: -(slope * early(q, k).abs())],
    "upper-left-and-sign": [
        lambda q, k, slope: slope * (torch.arange(q)[:, None] - torch.arange(k)),
        lambda q, k, slope: early(q, k).abs() * slope,
    ],
    "past-rewarded": [lambda q, k, slope: slope * -signed(q, k)],
    "future-rewarded": [lambda q, k, slope: signed(q, k) * slope],
    "future-free": [
        lambda q, k, slope: slope * signed(q, k).clamp(max=0),
        lambda q, k, slope: torch.tril(-slope * signed(q, k).abs(), k - q),
    ],
    "hides-the-future": [
        lambda q, k, slope: (
            by_comparison(q, k, slope) + torch.full((q, k), -torch.inf).triu(k - q + 1)
        )
    ],
    "one-row-for-all": [
        lambda q, k, slope: slope * torch.arange(k).repeat(q, 1),
        lambda q, k, slope: -slope * torch.arange(k).expand(q, k),
        lambda q, k, slope: -slope * torch.arange(k - 1, -1, -1).expand(q, k),
    ],
    "factor": [lambda q, k, slope: torch.exp(-slope * signed(q, k).abs())],
    "slope-misused": [
        lambda q, k, slope: -signed(q, k).abs(),
        lambda q, k, slope: -signed(q, k).abs() / slope,
    ],
    "curved": [lambda q, k, slope: -slope * signed(q, k) ** 2],
    "off-by-one": [
        lambda q, k, slope: (
            -slope * (torch.arange(k - q + 1, k + 1)[:, None] - torch.arange(k)).abs()
        ),
        lambda q, k, slope: -slope * (1 + signed(q, k).abs()),
    ],
    "square": [
        lambda q, k, slope: -slope * signed(k, k).abs(),
        lambda q, k, slope: -slope * signed(q, q).abs(),
    ],
    "turned": [lambda q, k, slope: by_comparison(q, k, slope).T],
}


@pytest.mark.parametrize("answer", [by_comparison, last_rows, in_loops, by_smaller_side])
def test_right_answers_pass(answer):
    verdict = check("alibi", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("alibi", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["alibi"].misconceptions}


@pytest.mark.parametrize(("num_queries", "num_keys"), [(4, 4), (2, 5)])
def test_what_is_asked_is_one_head_of_the_library(num_queries, num_keys):
    query = torch.zeros(1, 8, num_queries, 3)
    for slope, bias in zip(alibi_slopes(8).tolist(), ALiBi(8)(query, num_keys), strict=True):
        torch.testing.assert_close(EXERCISES["alibi"].reference(num_queries, num_keys, slope), bias)


def test_numpy_is_no_tensor():
    verdict = check("alibi", lambda q, k, slope: np.zeros((q, k)))
    assert verdict.diagnosis == "type"
    assert "the bias should be a tensor of shape (4, 4); it is " in verdict.message
