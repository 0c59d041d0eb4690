"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.query_key_value import EXERCISES


def by_xlogy(weights):
    return -torch.xlogy(weights, weights).sum(-1)


def by_filling(weights):
    logs = weights.log().masked_fill(weights == 0, 0)
    return -(weights * logs).sum(dim=-1)


def by_repair(weights):
    return -torch.nan_to_num(weights * torch.log(weights)).sum(dim=2)


def by_tiny_epsilon(weights):
    return -(weights * (weights + 1e-12).log()).sum(-1)


def in_loops(weights):
    entropy = torch.zeros(weights.shape[:2], dtype=weights.dtype)
    for b, row in enumerate(weights):
        for t, distribution in enumerate(row):
            chosen = distribution[distribution > 0]
            entropy[b, t] = (chosen * (1 / chosen).log()).sum()
    return entropy


def by_distribution(weights):
    return torch.distributions.Categorical(probs=weights).entropy()


WRONG = {
    "nan-at-zero": [
        lambda w: -(w * torch.log(w)).sum(dim=-1),
        lambda w: torch.einsum("bqk,bqk->bq", w, -w.log()),
    ],
    "large-epsilon": [
        lambda w: -(w * torch.log(w + 1e-3)).sum(-1),
        lambda w: -((w + 1e-6) * torch.log(w + 1e-6)).sum(-1),
    ],
    "bits": [
        lambda w: -(w * torch.log2(w)).sum(-1),
        lambda w: by_xlogy(w) / torch.log(torch.tensor(2.0).double()),
    ],
    "base-10": [lambda w: -(w * w.log10()).nansum(-1)],
    "sign": [lambda w: (w * w.log()).sum(-1), lambda w: torch.xlogy(w, w).sum(-1)],
    "mean": [
        lambda w: -(w * w.log()).mean(-1),
        lambda w: by_xlogy(w) / w.shape[-1],
        lambda w: (w * w.log()).mean(-1),
    ],
    "all-rows-at-once": [
        lambda w: -(w * w.log()).sum(),
        lambda w: -(w[w > 0] * w[w > 0].log()).sum(),
        lambda w: by_xlogy(w).mean(),
        lambda w: by_xlogy(w).mean(1),
    ],
    "wrong-axis": [
        lambda w: -torch.xlogy(w, w).sum(1),
        lambda w: -(w * w.log()).sum(0),
        lambda w: -(w * w.log()).sum(-2),
    ],
    "unweighted": [lambda w: -torch.log(w).sum(-1), lambda w: (1 / w).log().mean(-1)],
    "softmax-again": [
        lambda w: by_xlogy(torch.softmax(w, dim=-1)),
        lambda w: torch.distributions.Categorical(logits=w).entropy(),
    ],
}


@pytest.mark.parametrize(
    "answer",
    [by_xlogy, by_filling, by_repair, by_tiny_epsilon, in_loops, by_distribution],
)
def test_right_answers_pass(answer):
    verdict = check("entropy", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("entropy", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["entropy"].misconceptions}


def test_kept_axis_is_shown_as_a_shape():
    verdict = check("entropy", lambda w: by_xlogy(w)[..., None])
    assert verdict.diagnosis == "shape"
    assert "the entropy should have shape (2, 3); it has (2, 3, 1)." in verdict.message


def test_filling_the_weights_in_place_is_noticed():
    def in_place(weights):
        weights[weights == 0] = 1
        return by_xlogy(weights)

    assert check("entropy", in_place).diagnosis == "mutates"
