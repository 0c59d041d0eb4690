"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch
from torch.nn.functional import softmax

from txlib.exercises import check
from txlib.exercises.query_key_value import EXERCISES


def scaled(query, key):
    return torch.bmm(query, key.transpose(1, 2)) / math.sqrt(query.shape[2])


def hide(scores, mask, value=float("-inf")):
    return torch.where(mask, scores, value)


def twice_filled(query, key, value, mask):
    weights = hide(scaled(query, key), mask).softmax(dim=-1)
    return weights.masked_fill(~mask, 0.0) @ value


def by_repair(query, key, value, mask):
    return torch.nan_to_num(softmax(hide(scaled(query, key), mask), dim=2)) @ value


def finite_then_masked(query, key, value, mask):
    return (hide(scaled(query, key), mask, -1e9).softmax(-1) * mask) @ value


def empty_rows_at_the_end(query, key, value, mask):
    context = hide(scaled(query, key), mask).softmax(-1) @ value
    return context.masked_fill(~mask.any(-1, keepdim=True), 0)


def in_loops(query, key, value, mask):
    context = torch.zeros(*query.shape[:2], value.shape[2], dtype=value.dtype)
    for b in range(len(query)):
        for i in range(query.shape[1]):
            seen = [j for j in range(key.shape[1]) if mask[b, i, j]]
            parts = [torch.exp(scaled(query, key)[b, i, j]) for j in seen]
            for j, part in zip(seen, parts, strict=True):
                context[b, i] += part / sum(parts) * value[b, j]
    return context


def renormalised(query, key, value, mask):
    weights = scaled(query, key).softmax(-1) * mask
    return weights / weights.sum(-1, keepdim=True) @ value


def with_scale(scale):
    def attend(q, k, v, mask):
        scores = q @ k.mT * scale(q, k, v)
        return softmax(hide(scores, mask), dim=-1).nan_to_num() @ v

    return attend


WRONG = {
    "mask-reversed": [
        lambda q, k, v, m: scaled(q, k).masked_fill(m, -torch.inf).softmax(-1) @ v,
        lambda q, k, v, m: twice_filled(q, k, v, ~m),
        lambda q, k, v, m: scaled(q, k).masked_fill(m, -1e9).softmax(-1) @ v,
        lambda q, k, v, m: scaled(q, k).softmax(-1).masked_fill(m, 0) @ v,
    ],
    "mask-after-softmax": [
        lambda q, k, v, m: scaled(q, k).softmax(-1).masked_fill(~m, 0.0) @ v,
        lambda q, k, v, m: torch.bmm(softmax(scaled(q, k), 2) * m, v),
    ],
    "masked-with-zero": [
        lambda q, k, v, m: softmax(scaled(q, k) * m, dim=-1) @ v,
        lambda q, k, v, m: scaled(q, k).masked_fill(~m, 0).softmax(-1) @ v,
    ],
    "ignores-mask": [lambda q, k, v, m: softmax(scaled(q, k), dim=-1) @ v],
    "wrong-axis": [
        lambda q, k, v, m: hide(scaled(q, k), m).softmax(dim=1) @ v,
        lambda q, k, v, m: hide(scaled(q, k), m).softmax(dim=1).nan_to_num() @ v,
        lambda q, k, v, m: hide(scaled(q, k), m).softmax(dim=0) @ v,
        lambda q, k, v, m: hide(scaled(q, k), m, -1e9).softmax(dim=-2) @ v,
    ],
    "no-scale": [
        lambda q, k, v, m: hide(q @ k.mT, m).softmax(-1) @ v,
        with_scale(lambda q, k, v: 1),
    ],
    "wrong-scale": [
        with_scale(lambda q, k, v: 1 / q.shape[-1]),
        with_scale(lambda q, k, v: math.sqrt(q.shape[-1])),
        with_scale(lambda q, k, v: 1 / math.sqrt(v.shape[-1])),
        with_scale(lambda q, k, v: 1 / math.sqrt(k.shape[1])),
    ],
    "keys-as-values": [
        lambda q, k, v, m: twice_filled(q, k, k, m),
        lambda q, k, v, m: hide(scaled(q, k), m).softmax(-1) @ k,
    ],
    "values-as-keys": [
        lambda q, k, v, m: twice_filled(q, v, v, m),
        lambda q, k, v, m: hide(q @ v.mT / math.sqrt(q.shape[-1]), m).softmax(-1) @ v,
    ],
    "nan-row": [
        lambda q, k, v, m: hide(scaled(q, k), m).softmax(-1) @ v,
        renormalised,
    ],
    "forbidden-mean": [
        lambda q, k, v, m: hide(scaled(q, k), m, -1e9).softmax(-1) @ v,
        lambda q, k, v, m: hide(scaled(q, k), m, torch.finfo(q.dtype).min).softmax(-1) @ v,
        lambda q, k, v, m: (scaled(q, k) + ~m * -1e9).softmax(-1) @ v,
    ],
}


@pytest.mark.parametrize(
    "answer", [twice_filled, by_repair, finite_then_masked, empty_rows_at_the_end, in_loops]
)
def test_right_answers_pass(answer):
    verdict = check("attend", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("attend", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["attend"].misconceptions}


def test_reversed_mask_in_words():
    verdict = check("attend", lambda q, k, v, mask: twice_filled(q, k, v, ~mask))
    assert "each query sees what it must not see" in verdict.message


def test_weights_instead_of_the_context_are_shown_as_a_shape():
    verdict = check("attend", lambda q, k, v, m: hide(scaled(q, k), m).softmax(-1))
    assert verdict.diagnosis == "shape"
    assert "the context should have shape (2, 3, 6); it has (2, 3, 4)." in verdict.message


def test_turning_the_mask_in_place_is_noticed():
    def in_place(query, key, value, mask):
        return (scaled(query, key).masked_fill(mask.logical_not_(), -1e9).softmax(-1)) @ value

    assert check("attend", in_place).diagnosis == "mutates"
