"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.query_key_value import EXERCISES


def in_one_line(query, key):
    return query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))


def in_loops(query, key):
    scores = query.new_empty(len(query), query.shape[1], key.shape[1])
    for b, i, j in torch.cartesian_prod(*map(torch.arange, scores.shape)).tolist():
        scores[b, i, j] = (query[b, i] * key[b, j]).sum() / query.shape[2] ** 0.5
    return scores


def by_broadcast(query, key):
    return (query.unsqueeze(2) * key.unsqueeze(1)).sum(-1) * query.shape[-1] ** -0.5


def both_sides(query, key):
    root = query.shape[-1] ** 0.25
    return torch.bmm(query / root, (key / root).mT)


def viewed(query, key):
    b, t, d = key.shape
    return torch.matmul(query, key.contiguous().view(b, d, t)) / math.sqrt(d)


def fully_reversed(query, key):
    return query @ torch.permute(key, (2, 1, 0)) / math.sqrt(key.shape[-1])


WRONG = {
    "no-scale": [lambda q, k: torch.bmm(q, k.mT)],
    "divides-by-width": [
        lambda q, k: q @ k.mT / k.shape[2],
        lambda q, k: (q / q.shape[-1] ** 0.5) @ (k / k.shape[-1] ** 0.5).mT,
    ],
    "multiplies": [lambda q, k: torch.bmm(q, k.mT) * math.sqrt(k.shape[-1])],
    "scales-by-length": [
        lambda q, k: q @ k.mT / math.sqrt(k.size(1)),
        lambda q, k: q @ k.mT / math.sqrt(q.size(1)),
        lambda q, k: q @ k.mT / math.sqrt(k.mT.size(-1)),
        lambda q, k: q @ k.mT / math.sqrt(q.size(0)),
    ],
    "view-for-transpose": [
        viewed,
        lambda q, k: q @ k.reshape(k.shape[0], k.shape[2], -1) / math.sqrt(q.shape[-1]),
        lambda q, k: torch.bmm(q, k.reshape(len(k), -1, k.shape[1])),
    ],
    "reverses-all-axes": [fully_reversed, lambda q, k: q @ k.transpose(0, 2)],
    "turned": [
        lambda q, k: k @ q.mT / math.sqrt(q.shape[-1]),
        lambda q, k: torch.einsum("bqd,bkd->bkq", q, k),
    ],
    "softmax-too": [lambda q, k: torch.softmax(in_one_line(q, k), dim=-1)],
}


@pytest.mark.parametrize("answer", [in_one_line, in_loops, by_broadcast, both_sides])
def test_right_answers_pass(answer):
    verdict = check("scaled_scores", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("scaled_scores", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["scaled_scores"].misconceptions}


def test_forgotten_scale_in_words():
    assert "the scale is forgotten" in repr(check("scaled_scores", lambda q, k: q @ k.mT))


def test_forgotten_transpose_stops_with_the_line():
    verdict = check("scaled_scores", lambda query, key: query @ key)
    assert verdict.diagnosis == "raises"
    assert "It stops with `RuntimeError: " in verdict.message


def test_scaling_in_place_is_noticed():
    def in_place(query, key):
        query /= query.shape[-1] ** 0.5
        return query @ key.mT

    assert check("scaled_scores", in_place).diagnosis == "mutates"
