"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.additive_attention import EXERCISES


def product(weights, memory):
    return weights @ memory


def batched(weights, memory):
    return torch.bmm(weights, memory)


def in_loops(weights, memory):
    context = memory.new_zeros(*weights.shape[:2], memory.shape[2])
    for b in range(len(weights)):
        for i in range(weights.shape[1]):
            for j in range(weights.shape[2]):
                context[b, i] += weights[b, i, j] * memory[b, j]
    return context


def broadcast(weights, memory):
    return (weights.unsqueeze(-1) * memory.unsqueeze(1)).sum(dim=2)


def one_hot(weights):
    return torch.nn.functional.one_hot(weights.argmax(-1), weights.shape[-1]).to(weights)


def stacked(combine):
    """Every query's weighted rows, (T_k, K), go through `combine`."""
    return lambda weights, memory: torch.stack(
        [
            torch.stack([combine(row[:, None] * rows) for row in table])
            for table, rows in zip(weights, memory, strict=True)
        ]
    )


WRONG = {
    "transposed": [lambda w, m: torch.bmm(w.transpose(1, 2), m)],
    "mean": [lambda w, m: w @ m / w.shape[-1], stacked(lambda rows: rows.mean(0))],
    "unweighted": [
        lambda w, m: torch.stack([m.mean(1)] * w.shape[1], dim=1),
        lambda w, m: torch.full_like(w, 1 / w.shape[-1]) @ m,
    ],
    "hardest": [lambda w, m: one_hot(w) @ m],
    "largest-product": [stacked(lambda rows: rows.max(0).values)],
    "elementwise": [stacked(lambda rows: rows), lambda w, m: torch.mul(w, m)],
    "wrong-axis": [lambda w, m: torch.einsum("bij,bjf->bjf", w, m)],
    "normalised-again": [
        lambda w, m: torch.softmax(w, dim=2) @ m,
        lambda w, m: w / w.sum(2, keepdim=True) @ m,
        lambda w, m: (w @ m) / w.sum(2, keepdim=True),
    ],
}


@pytest.mark.parametrize("answer", [product, batched, in_loops, broadcast])
def test_right_answers_pass(answer):
    verdict = check("look_back", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("look_back", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["look_back"].misconceptions}


def test_weights_are_distributions_or_zero():
    for weights, _ in EXERCISES["look_back"].cases():
        sums = weights.sum(-1)
        torch.testing.assert_close(sums, sums.round())
        assert set(sums.round().unique().tolist()) == {0.0, 1.0}
        assert (weights.gt(0).sum(-1) > 1).any(), "an average of several"
