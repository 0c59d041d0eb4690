"""Answers as learners write them: all of the first list pass, each of the others is named."""

import numpy as np
import pytest
import torch

from txlib.exercises import check
from txlib.exercises.query_key_value import EXERCISES


def by_comparison(num_queries, num_keys):
    query = torch.arange(num_queries).unsqueeze(1) + num_keys - num_queries
    return query >= torch.arange(num_keys)


def by_triangle(num_queries, num_keys):
    ones = torch.ones(num_queries, num_keys, dtype=torch.bool)
    return ones.tril(diagonal=num_keys - num_queries)


def last_rows(num_queries, num_keys):
    return torch.ones(num_keys, num_keys).tril()[-num_queries:] == 1


def in_loops(num_queries, num_keys):
    before = num_keys - num_queries
    rows = [[j <= before + i for j in range(num_keys)] for i in range(num_queries)]
    return torch.tensor(rows)


def from_numpy(num_queries, num_keys):
    return torch.from_numpy(np.tri(num_queries, num_keys, num_keys - num_queries, dtype=bool))


WRONG = {
    "polarity": [
        lambda q, k: torch.ones(q, k, dtype=torch.bool).triu(k - q + 1),
        lambda q, k: torch.ones(q, k).triu(k - q + 1),
    ],
    "upper-triangle": [
        lambda q, k: torch.triu(torch.ones(q, k)),
        lambda q, k: torch.ones(q, k, dtype=torch.bool).triu(k - q),
    ],
    "blind-to-itself": [
        lambda q, k: torch.arange(k) < torch.arange(k - q, k)[:, None],
        lambda q, k: torch.ones(q, k).tril(k - q - 1),
    ],
    "one-ahead": [lambda q, k: torch.ones(q, k).tril(k - q + 1) == 1],
    "upper-left": [
        lambda q, k: torch.tril(torch.ones(q, k)),
        lambda q, k: torch.arange(k) <= torch.arange(q)[:, None],
    ],
    "upper-left-and-off-by-one": [
        lambda q, k: torch.triu(torch.ones(q, k), diagonal=1),
        lambda q, k: torch.arange(k) < torch.arange(q)[:, None],
        lambda q, k: torch.triu(torch.ones(q, k), diagonal=1).bool(),
    ],
    "square": [
        lambda q, k: torch.ones(k, k, dtype=torch.bool).tril(),
        lambda q, k: torch.tril(torch.ones(q, q)),
    ],
    "turned": [
        lambda q, k: by_triangle(q, k).T,
        lambda q, k: torch.ones(k, q).tril().bool(),
    ],
    "added-mask": [
        lambda q, k: torch.full((q, k), float("-inf")).triu(k - q + 1),
        lambda q, k: torch.triu(torch.full((q, k), float("-inf")), diagonal=1),
        lambda q, k: torch.zeros(q, k).masked_fill(~by_triangle(q, k), -1e9),
    ],
    "not-bool": [
        lambda q, k: torch.ones(q, k).tril(k - q),
        lambda q, k: by_triangle(q, k).int(),
        lambda q, k: torch.ones(q, k, dtype=torch.uint8).tril(k - q),
    ],
}


@pytest.mark.parametrize("answer", [by_comparison, by_triangle, last_rows, in_loops, from_numpy])
def test_right_answers_pass(answer):
    verdict = check("causal_mask", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("causal_mask", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["causal_mask"].misconceptions}


def test_a_table_of_python_bools_is_no_tensor():
    verdict = check("causal_mask", lambda q, k: by_triangle(q, k).tolist())
    assert verdict.diagnosis == "type"
    assert "the mask should be a tensor of shape (4, 4); it is " in verdict.message
