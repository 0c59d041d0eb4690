"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as fused
from torch.nn.functional import softmax

from txlib.attention import scaled_dot_product_attention
from txlib.exercises import check
from txlib.exercises.multi_head import EXERCISES


def widened(query, key, value):
    group = query.shape[1] // key.shape[1]
    return key.repeat_interleave(group, dim=1), value.repeat_interleave(group, dim=1)


def readable(query, key, value, mask):
    key, value = widened(query, key, value)
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    return scores.masked_fill(~mask[:, None], -torch.inf).softmax(dim=-1) @ value


def by_groups(query, key, value, mask):
    query = query.unflatten(1, (key.shape[1], -1))  # (B, H_kv, H / H_kv, T_q, D)
    scores = torch.einsum("bghqd,bgkd->bghqk", query, key) / query.shape[-1] ** 0.5
    weights = torch.where(mask[:, None, None], scores, -1e9).softmax(-1)
    return torch.einsum("bghqk,bgkd->bghqd", weights, value).flatten(1, 2)


def by_index(query, key, value, mask):
    num_heads = query.shape[1]
    owner = torch.arange(num_heads) * key.shape[1] // num_heads
    return fused(query, key[:, owner], value[:, owner], attn_mask=mask[:, None])


def by_library(query, key, value, mask):
    return scaled_dot_product_attention(query, key, value, mask[:, None])


def repeated(query, key, value):
    group = query.shape[1] // key.shape[1]
    return key.repeat(1, group, 1, 1), value.repeat(1, group, 1, 1)


def by_turns(query, key, value, mask):
    query = query.unflatten(1, (-1, key.shape[1]))  # (B, H / H_kv, H_kv, T_q, D)
    scores = query @ key[:, None].mT / query.shape[-1] ** 0.5
    weights = scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(-1)
    return (weights @ value[:, None]).flatten(1, 2)


def with_mask(place, finish=lambda w: w):
    def answer(query, key, value, mask):
        key, value = widened(query, key, value)
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        return finish(place(scores, mask)) @ value

    return answer


def with_scale(scale):
    def answer(query, key, value, mask):
        wide, value = widened(query, key, value)
        scores = query @ wide.mT * scale(query, key)
        return softmax(torch.where(mask.unsqueeze(1), scores, -1e9), dim=-1) @ value

    return answer


def hidden(scores, mask, fill=-torch.inf):
    return scores.masked_fill(~mask.unsqueeze(1), fill)


WRONG = {
    "tiled": [
        lambda q, k, v, m: fused(q, *repeated(q, k, v), attn_mask=m[:, None]),
        lambda q, k, v, m: fused(
            q, repeated(q, k, v)[0], widened(q, k, v)[1], attn_mask=m[:, None]
        ),
        by_turns,
    ],
    "one-head-for-all": [
        lambda q, k, v, m: readable(q, k[:, :1], v[:, :1], m),
        lambda q, k, v, m: readable(q, k[:, -1:], v[:, -1:], m),
    ],
    "mean-head": [lambda q, k, v, m: readable(q, k.mean(1, True), v.mean(1, keepdim=True), m)],
    "mask-beside-heads": [
        with_mask(lambda s, m: s.masked_fill(~m, -torch.inf).softmax(-1)),
        with_mask(lambda s, m: s.masked_fill(~m.unsqueeze(2), -torch.inf).softmax(-1)),
        lambda q, k, v, m: fused(q, *widened(q, k, v), attn_mask=m),
    ],
    "mask-reversed": [
        lambda q, k, v, m: readable(q, k, v, ~m),
        with_mask(lambda s, m: s.masked_fill(m[:, None], -1e9).softmax(-1)),
    ],
    "mask-after-softmax": [with_mask(lambda s, m: s.softmax(-1).masked_fill(~m[:, None], 0))],
    "masked-with-zero": [with_mask(lambda s, m: (s * m[:, None]).softmax(dim=-1))],
    "ignores-mask": [lambda q, k, v, m: fused(q, *widened(q, k, v))],
    "wrong-axis": [
        with_mask(lambda s, m: hidden(s, m).softmax(1)),
        with_mask(lambda s, m: hidden(s, m).softmax(1), torch.nan_to_num),
        with_mask(lambda s, m: hidden(s, m).softmax(2)),
        with_mask(lambda s, m: hidden(s, m).softmax(dim=-2)),
        with_mask(lambda s, m: hidden(s, m, -1e9).softmax(dim=-2)),
        with_mask(lambda s, m: hidden(s, m, -1e9).softmax(dim=1)),
    ],
    "no-scale": [with_scale(lambda q, k: 1)],
    "scale-of-the-model": [with_scale(lambda q, k: (q.shape[1] * q.shape[3]) ** -0.5)],
    "wrong-scale": [
        with_scale(lambda q, k: 1 / q.shape[-1]),
        with_scale(lambda q, k: math.sqrt(q.shape[-1])),
        with_scale(lambda q, k: 1 / math.sqrt(k.shape[2])),
    ],
}


@pytest.mark.parametrize("answer", [readable, by_groups, by_index, by_library])
def test_right_answers_pass(answer):
    verdict = check("grouped_attention", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("grouped_attention", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["grouped_attention"].misconceptions}


def test_heads_that_were_not_shared_stop_at_the_learners_line():
    def answer(query, key, value, mask):
        return (query @ key.mT).softmax(-1) @ value

    verdict = check("grouped_attention", answer)
    assert verdict.diagnosis == "raises"
    assert "must match the size of tensor b (2)" in verdict.message
    assert "return (query @ key.mT).softmax(-1) @ value" in verdict.message
    assert verdict.hint.startswith("Take 4 heads of queries and 2 of keys.")


def test_heads_put_together_are_shown_as_a_shape():
    verdict = check(
        "grouped_attention", lambda q, k, v, m: readable(q, k, v, m).transpose(1, 2).flatten(2)
    )
    assert verdict.diagnosis == "shape"
    assert "the context should have shape (2, 4, 3, 6); it has (2, 3, 24)." in verdict.message
