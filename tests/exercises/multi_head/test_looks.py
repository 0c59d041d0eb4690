"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.multi_head import EXERCISES
from txlib.metrics.heads import link_scores, offset_links


def by_diagonal(weights, offset):
    return weights.diagonal(offset, dim1=1, dim2=2).mean(dim=-1)


def by_mask(weights, offset):
    place = torch.arange(weights.shape[-1])
    counts = place[None] - place[:, None] == offset
    return weights[:, counts].mean(dim=-1)


def by_ones(weights, offset):
    t = weights.shape[-1]
    pattern = torch.diag(torch.ones(t - abs(offset), dtype=weights.dtype), offset)
    return (weights * pattern).sum(dim=(1, 2)) / pattern.sum()


def by_library(weights, offset):
    return link_scores([weights], [offset_links(weights.shape[-1], offset)])


def in_loops(weights, offset):
    scores = []
    for head in weights:
        t = len(head)
        found = [head[q, q + offset].item() for q in range(t) if 0 <= q + offset < t]
        scores.append(sum(found) / len(found))
    return torch.tensor(scores, dtype=weights.dtype)


def negative_index(weights, offset):
    t = weights.shape[-1]
    return sum(weights[:, q, q + offset] for q in range(t)) / t


def rolled(weights, offset):
    return weights.roll(-offset, -1).diagonal(dim1=1, dim2=2).mean(-1)


def queries(weights):
    return torch.arange(weights.shape[-1])


WRONG = {
    "divides-by-all": [
        lambda w, k: w.diagonal(k, 1, 2).sum(-1) / w.shape[-1],
        lambda w, k: w.diagonal(k, 1, 2).sum(-1) / w.sum((1, 2)),
    ],
    "wraps-round": [
        rolled,
        negative_index,
        lambda w, k: w[:, queries(w), (queries(w) + k) % w.shape[-1]].mean(-1),
    ],
    "clamped": [
        lambda w, k: w[:, queries(w), (queries(w) + k).clamp(0, w.shape[-1] - 1)].mean(-1),
    ],
    "other-way": [
        lambda w, k: by_diagonal(w, -k),
        lambda w, k: by_diagonal(w.mT, k),
        lambda w, k: w.mT.diagonal(k, 1, 2).sum(-1) / w.shape[-1],
    ],
    "off-by-one": [
        lambda w, k: by_diagonal(w, k - 1),
        lambda w, k: w.diagonal(k + 1, 1, 2).mean(-1),
    ],
    "ignores-offset": [
        lambda w, k: w.diagonal(dim1=1, dim2=2).mean(-1),
        lambda w, k: by_diagonal(w, -1),
    ],
    "heads-as-rows": [
        lambda w, k: w.diagonal(k).mean(dim=-1),
        lambda w, k: torch.diagonal(w, k).mean(0),
    ],
    "sum": [lambda w, k: w.diagonal(k, 1, 2).sum(-1)],
    "all-heads-at-once": [
        lambda w, k: w.diagonal(k, 1, 2).mean(),
        lambda w, k: w.diagonal(k, dim1=-2, dim2=-1).mean(dim=0),
    ],
    "one-a-query": [lambda w, k: w.diagonal(k, 1, 2)],
    "counts-wins": [
        lambda w, k: torch.eye(w.shape[-1]).double()[w.argmax(-1)].diagonal(k, 1, 2).mean(-1),
    ],
}


@pytest.mark.parametrize("answer", [by_diagonal, by_mask, by_ones, by_library, in_loops])
def test_right_answers_pass(answer):
    verdict = check("offset_scores", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("offset_scores", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["offset_scores"].misconceptions}


def test_heads_of_the_text():
    back = torch.eye(6).roll(-1, dims=1)  # each word looks one back, the first at the last
    even = torch.full((6, 6), 1 / 6)
    score = EXERCISES["offset_scores"].reference
    torch.testing.assert_close(score(torch.stack([back, even]), -1), torch.tensor([1, 1 / 6]))


def test_python_numbers_are_no_tensor():
    verdict = check("offset_scores", lambda w, k: tuple(by_diagonal(w, k).tolist()))
    assert verdict.diagnosis == "type"
    assert "the scores should be a tensor of shape (3,); it is a tuple of 3." in verdict.message
