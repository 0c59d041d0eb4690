"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.transformer import EXERCISES
from txlib.training.schedules import inverse_square_root, paper_rate


def as_in_the_paper(steps, d_model, warmup_steps):
    return d_model**-0.5 * torch.minimum(steps**-0.5, steps * warmup_steps**-1.5)


def by_where(steps, d_model, warmup_steps):
    climb = steps / (warmup_steps * math.sqrt(warmup_steps))
    return torch.where(steps <= warmup_steps, climb, 1 / steps.sqrt()) / math.sqrt(d_model)


def one_by_one(steps, d_model, warmup_steps):
    def rate(s):
        return d_model**-0.5 * min(s**-0.5, s * warmup_steps**-1.5)

    return torch.tensor([rate(s) for s in steps.tolist()], dtype=steps.dtype)


def by_the_library(steps, d_model, warmup_steps):
    peak = paper_rate(d_model, warmup_steps)
    factors = [inverse_square_root(int(s) - 1, warmup_steps=warmup_steps) for s in steps]
    return peak * torch.tensor(factors, dtype=torch.float64)


def joined(join):
    return lambda s, c, w: c**-0.5 * join(s**-0.5, s * w**-1.5)


def climbing(exponent):
    return lambda s, c, w: c**-0.5 * torch.minimum(s**-0.5, s * w**exponent)


WRONG = {
    "greater-of-the-two": [joined(torch.maximum)],
    "width-forgotten": [lambda s, c, w: c**0.5 * as_in_the_paper(s, c, w)],
    "width-upside-down": [lambda s, c, w: c * as_in_the_paper(s, c, w)],
    "width-without-root": [lambda s, c, w: c**-0.5 * as_in_the_paper(s, c, w)],
    "counted-from-0": [
        lambda s, c, w: as_in_the_paper(s - 1, c, w),
        lambda s, c, w: as_in_the_paper(s + 1, c, w),
    ],
    "stays-at-the-peak": [
        lambda s, c, w: c**-0.5 * torch.minimum(torch.ones_like(s) * w**-0.5, s * w**-1.5),
    ],
    "climbs-for-ever": [joined(lambda fall, climb: climb)],
    "no-warm-up": [joined(lambda fall, climb: fall)],
    "wrong-slope": [climbing(-0.5), climbing(-1)],
    "another-fall": [lambda s, c, w: c**-0.5 * torch.minimum(1 / s, s * w**-1.5)],
    "grows-with-the-root": [lambda s, c, w: c**-0.5 * torch.minimum(s**0.5, s * w**-1.5)],
    "share-of-the-peak": [lambda s, c, w: torch.minimum(s / w, (w / s) ** 0.5)],
}


@pytest.mark.parametrize("answer", [as_in_the_paper, by_where, one_by_one, by_the_library])
def test_right_answers_pass(answer):
    verdict = check("learning_rate", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("learning_rate", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["learning_rate"].misconceptions}


def test_by_hand():
    rates = EXERCISES["learning_rate"].reference(torch.tensor([1.0, 4, 16]), 16, 4)
    torch.testing.assert_close(rates, torch.tensor([1 / 32, 1 / 8, 1 / 16]))


def test_pythons_min_gets_the_hint():
    def with_min(steps, d_model, warmup_steps):
        return d_model**-0.5 * min(steps**-0.5, steps * warmup_steps**-1.5)

    verdict = check("learning_rate", with_min)
    assert verdict.diagnosis == "raises"
    assert "`torch.minimum` can" in verdict.hint


def test_a_list_is_no_tensor():
    verdict = check("learning_rate", lambda s, c, w: one_by_one(s, c, w).tolist())
    assert "should be a tensor of shape (6,)" in verdict.message
