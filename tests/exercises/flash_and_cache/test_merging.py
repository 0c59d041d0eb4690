"""Answers as learners write them: all of the first list pass, each of the others is named."""

import functools
import math

import numpy as np
import pytest
import torch

from txlib.attention import scaled_dot_product_attention
from txlib.attention.online_softmax import OnlineSoftmax
from txlib.exercises import check
from txlib.exercises.flash_and_cache import EXERCISES


def by_factors(maximum, total, context):
    greatest = maximum.amax(dim=0).clamp(min=-1e300)
    factor = (maximum - greatest).exp()
    return (factor * context).sum(0) / (factor * total).sum(0).clamp(min=1e-9)


def by_logsumexp(maximum, total, context):
    log_weights = maximum + total.log()  # (P, T_q, 1)
    weights = torch.softmax(log_weights, dim=0).nan_to_num()
    return (weights * (context / total).nan_to_num()).sum(dim=0)


def by_pairs(maximum, total, context):
    def join(first, second):
        m = torch.maximum(first[0], second[0])
        safe = torch.where(m == -torch.inf, torch.zeros_like(m), m)
        a, b = (first[0] - safe).exp(), (second[0] - safe).exp()
        return m, a * first[1] + b * second[1], a * first[2] + b * second[2]

    _, below, above = functools.reduce(join, zip(maximum, total, context, strict=True))
    return torch.where(below > 0, above / below, torch.zeros_like(above))


def by_library(maximum, total, context):
    states = [
        OnlineSoftmax(maximum=m.clamp(min=torch.finfo(m.dtype).min), total=t, context=c)
        for m, t, c in zip(maximum, total, context, strict=True)
    ]
    return functools.reduce(OnlineSoftmax.merge, states).average()


def quotient(above, below, measure=lambda m: m.amax(0, keepdim=True)):
    def answer(m, total, context):
        f = torch.exp(m - measure(m))
        return above(f, total, context).sum(0) / below(f, total).sum(0)

    return answer


def fc(f, total, c):
    return f * c


def ft(f, total):
    return f * total


def strongest(m, total, context):
    best = m.argmax(dim=0)[None]  # (1, T_q, 1)
    chosen = context.gather(0, best.expand(-1, -1, context.shape[-1]))[0]
    return (chosen / total.gather(0, best)[0]).nan_to_num()


WRONG = {
    "even-average": [
        lambda m, total, c: (c / total).mean(0),
        lambda m, total, c: (c / total).nan_to_num().mean(0),
    ],
    "not-rescaled": [
        lambda m, total, c: c.sum(0) / total.sum(0),
        lambda m, total, c: (c.sum(0) / total.sum(0)).nan_to_num(),
    ],
    "total-not-rescaled": [quotient(fc, lambda f, total: total)],
    "context-not-rescaled": [quotient(lambda f, total, c: c, ft)],
    "by-maximum-alone": [
        lambda m, total, c: (m.softmax(dim=0) * (c / total).nan_to_num()).sum(0),
    ],
    "taken-for-an-average": [quotient(lambda f, total, c: f * total * c, ft)],
    "not-divided": [lambda m, total, c: (torch.exp(m - m.amax(0)) * c).sum(0)],
    "divided-early-and-late": [quotient(lambda f, total, c: f * (c / total).nan_to_num(), ft)],
    "factor-upside-down": [
        lambda m, total, c: quotient(fc, ft, lambda m: 2 * m - m.amax(0))(m, total, c),
    ],
    "strongest-part-only": [strongest],
    "maximum-over-queries": [quotient(fc, ft, lambda m: m.amax(1, keepdim=True))],
    "one-maximum-for-all": [quotient(fc, ft, lambda m: m.max())],
    "no-maximum": [
        quotient(fc, ft, lambda m: 0.0),
        lambda m, total, c: ((m.exp() * c).sum(0) / (m.exp() * total).sum(0)).nan_to_num(),
    ],
    "blind-query": [quotient(fc, ft)],
}


@pytest.mark.parametrize("answer", [by_factors, by_logsumexp, by_pairs, by_library])
def test_right_answers_pass(answer):
    verdict = check("merge_parts", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("merge_parts", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["merge_parts"].misconceptions}


def test_by_hand():
    maximum = torch.tensor([math.log(4), math.log(8)]).view(2, 1, 1)
    total = torch.tensor([1.5, 1.0]).view(2, 1, 1)
    context = torch.tensor([17.5, 21.0]).view(2, 1, 1)
    found = EXERCISES["merge_parts"].reference(maximum, total, context)
    torch.testing.assert_close(found, torch.tensor([[17.0]]))  # (7 * 2 + 14 * 4 + 21 * 8) / 14


def test_merged_parts_are_attention_over_all_keys():
    query, key, value = (torch.randn(n, 4) for n in (3, 11, 11))
    states = [
        OnlineSoftmax.empty((3, 4)).update(query @ key[part].mT / 2, value[part])
        for part in (slice(0, 2), slice(2, 7), slice(7, 11))
    ]
    parts = (
        torch.stack([getattr(s, name) for s in states]) for name in ("maximum", "total", "context")
    )
    whole = scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(EXERCISES["merge_parts"].reference(*parts), whole)


def test_arrays_and_wrong_shapes_are_told():
    verdict = check("merge_parts", lambda *parts: np.asarray(by_factors(*parts)))
    assert "should be a tensor of shape (3, 4)" in verdict.message
    verdict = check("merge_parts", lambda *parts: by_factors(*parts)[None])
    assert verdict.diagnosis == "shape"


def test_writing_into_the_parts_is_noticed():
    def answer(maximum, total, context):
        total *= (maximum - maximum.amax(0).clamp(min=-1e300)).exp()
        return context.sum(0) / total.sum(0)

    assert check("merge_parts", answer).diagnosis == "mutates"
