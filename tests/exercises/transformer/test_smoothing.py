"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch
from torch.nn import functional

from txlib.exercises import check
from txlib.exercises.transformer import EXERCISES


def in_two_parts(logits, targets, epsilon):
    log_p = logits.log_softmax(-1)
    right = log_p[torch.arange(len(targets)), targets]
    return -((1 - epsilon) * right + epsilon * log_p.mean(-1)).mean()


def by_distribution(logits, targets, epsilon):
    V = logits.shape[1]
    wanted = (1 - epsilon) * functional.one_hot(targets, V) + epsilon / V
    return -(wanted * logits.log_softmax(dim=-1)).sum() / len(targets)


def by_torch(logits, targets, epsilon):
    return functional.cross_entropy(logits, targets, label_smoothing=epsilon)


def against(make, reduce=lambda x: x.sum(-1).mean(), log=lambda x: x.log_softmax(-1)):
    def answer(logits, targets, epsilon):
        hot = functional.one_hot(targets, logits.shape[1]).double()
        return reduce(-make(hot, epsilon, logits.shape[1]) * log(logits))

    return answer


def right(hot, e, v):
    return (1 - e) * hot + e / v


def model_smoothed(logits, targets, epsilon):
    p = (1 - epsilon) * logits.softmax(-1) + epsilon / logits.shape[1]
    return functional.nll_loss(p.log(), targets)


def by_kl(logits, targets, epsilon):
    wanted = right(functional.one_hot(targets, logits.shape[1]).double(), epsilon, logits.shape[1])
    return functional.kl_div(logits.log_softmax(-1), wanted, reduction="batchmean")


WRONG = {
    "not-smoothed": [lambda logits, targets, e: functional.cross_entropy(logits, targets)],
    "over-the-others": [against(lambda hot, e, v: torch.where(hot > 0, 1 - e, e / (v - 1)))],
    "more-than-one": [against(lambda hot, e, v: hot + e / v)],
    "less-than-one": [lambda x, y, e: (1 - e) * functional.cross_entropy(x, y)],
    "not-divided": [
        against(lambda hot, e, v: (1 - e) * hot + e),
        against(lambda hot, e, v: torch.where(hot > 0, 1 - e, e)),
    ],
    "exchanged": [against(lambda hot, e, v: e * hot + (1 - e) / v)],
    "probabilities-mixed": [model_smoothed],
    "summed": [against(right, torch.sum)],
    "mean-over-all": [against(right, torch.mean)],
    "wrong-axis": [against(right, log=lambda x: x.log_softmax(0))],
    "log-forgotten": [
        against(right, log=lambda x: x),
        lambda x, y, e: by_torch(x.softmax(-1), y, e),
    ],
    "entropy-taken-away": [by_kl],
    "sign": [lambda x, y, e: -by_torch(x, y, e)],
}


@pytest.mark.parametrize("answer", [in_two_parts, by_distribution, by_torch])
def test_right_answers_pass(answer):
    verdict = check("smoothed_loss", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("smoothed_loss", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["smoothed_loss"].misconceptions}


def test_by_hand():
    logits = torch.tensor([[0.925, 0.025, 0.025, 0.025]]).log()  # sure as it is wanted to be
    least = EXERCISES["smoothed_loss"].reference(logits, torch.tensor([0]), 0.1)
    expected = -0.925 * math.log(0.925) - 0.075 * math.log(0.025)
    torch.testing.assert_close(least, torch.tensor(expected))


def test_one_loss_for_each_position_has_the_wrong_shape():
    verdict = check("smoothed_loss", against(right, lambda x: x.sum(-1)))
    assert verdict.diagnosis == "shape"
    assert "should have shape (); it has (3,)" in verdict.message


def test_a_number_is_no_tensor():
    verdict = check("smoothed_loss", lambda *inputs: by_torch(*inputs).item())
    assert verdict.diagnosis == "type"
