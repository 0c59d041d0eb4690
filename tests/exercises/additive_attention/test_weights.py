"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.attention.masked_softmax import masked_softmax as by_the_library
from txlib.exercises import check
from txlib.exercises.additive_attention import EXERCISES


def fill_twice(scores, mask):
    return scores.masked_fill(~mask, -torch.inf).softmax(dim=-1).masked_fill(~mask, 0.0)


def by_where(scores, mask):
    weights = torch.where(mask, scores, -torch.inf).softmax(dim=-1)
    return torch.where(mask, weights, 0.0)


def nan_to_zero(scores, mask):
    scores = scores.clone()
    scores[~mask] = float("-inf")
    return torch.nan_to_num(torch.softmax(scores, dim=2))


def large_and_blanked(scores, mask):
    return scores.masked_fill(~mask, -1e9).softmax(-1) * mask


def shares(scores, mask):
    exponentials = (scores - scores.amax(-1, keepdim=True)).exp() * mask
    return exponentials / exponentials.sum(-1, keepdim=True).clamp_min(1e-30)


def minus_infinity(scores, mask):
    return torch.where(mask, scores, -torch.inf)


WRONG = {
    "ignores-mask": [lambda s, m: s.exp() / s.exp().sum(-1, keepdim=True)],
    "mask-reversed": [
        lambda s, m: fill_twice(s, ~m),
        lambda s, m: minus_infinity(s, ~m).softmax(-1),
        lambda s, m: s.masked_fill(m, -torch.inf).softmax(-1) * ~m,
        lambda s, m: torch.where(m, minus_infinity(s, ~m).softmax(-1), 0.0),
        lambda s, m: s.masked_fill(m, torch.finfo(s.dtype).min).softmax(-1),
    ],
    "after-softmax": [
        lambda s, m: s.softmax(-1).masked_fill(~m, 0),
        lambda s, m: torch.where(m, s.softmax(-1), 0.0),
    ],
    "zero-scores": [
        lambda s, m: (s * m).softmax(-1),
        lambda s, m: (s * m).softmax(-1) * m,
        lambda s, m: s.masked_fill(~m, 1e-9).softmax(-1),
    ],
    "nan-rows": [
        lambda s, m: minus_infinity(s, m).softmax(-1),
        lambda s, m: (s.exp() * m) / (s.exp() * m).sum(-1, keepdim=True),
        lambda s, m: (s.softmax(-1) * m) / (s.softmax(-1) * m).sum(-1, keepdim=True),
        lambda s, m: (s + m.log()).softmax(-1),
    ],
    "uniform-rows": [
        lambda s, m: s.masked_fill(~m, torch.finfo(s.dtype).min).softmax(-1),
        lambda s, m: torch.where(m, s, -1e9).softmax(-1),
        lambda s, m: (s + (m.double() - 1) * 1e9).softmax(-1),
    ],
    "zero-times-infinity": [lambda s, m: torch.softmax(s + (1 - m.double()) * float("-inf"), -1)],
    "over-queries": [
        lambda s, m: minus_infinity(s, m).softmax(-2),
        lambda s, m: minus_infinity(s, m).softmax(-2).masked_fill(~m, 0),
    ],
    "not-divided": [lambda s, m: minus_infinity(s, m).exp()],
}


@pytest.mark.parametrize(
    "answer", [fill_twice, by_where, nan_to_zero, large_and_blanked, shares, by_the_library]
)
def test_right_answers_pass(answer):
    verdict = check("masked_softmax", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("masked_softmax", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["masked_softmax"].misconceptions}


def test_filling_the_callers_scores_is_noticed():
    def in_place(scores, mask):
        scores[~mask] = -torch.inf
        return scores.softmax(-1).nan_to_num()

    assert check("masked_softmax", in_place).diagnosis == "mutates"


def test_inputs_hold_what_the_messages_speak_of():
    masks = [mask for _, mask in EXERCISES["masked_softmax"].cases()]
    assert any((~mask).all(-1).any() for mask in masks), "a row that may attend nowhere"
    assert any(mask.all() for mask in masks), "nothing masked at all"
    assert any(mask.any(-1).all() and not mask.all() for mask in masks), "masked, no row empty"
