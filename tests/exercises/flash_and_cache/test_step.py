"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention as fused

from txlib.attention import KVCache
from txlib.exercises import check
from txlib.exercises.flash_and_cache import EXERCISES


def put(cache, new, at):
    cache = cache.clone()
    cache[torch.arange(len(at)), :, at] = new
    return cache


def readable(query, keys, values, new_key, new_value, lengths):
    keys, values = put(keys, new_key, lengths), put(values, new_value, lengths)
    scores = torch.einsum("bhd,bhsd->bhs", query, keys) / math.sqrt(query.shape[-1])
    seen = torch.arange(keys.shape[2]) <= lengths[:, None]
    weights = scores.masked_fill(~seen[:, None], -torch.inf).softmax(dim=-1)
    return torch.einsum("bhs,bhsd->bhd", weights, values), keys, values


def by_where(query, keys, values, new_key, new_value, lengths):
    slot = torch.arange(keys.shape[2])
    here = (slot == lengths[:, None])[:, None, :, None]  # (B, 1, S, 1)
    keys = torch.where(here, new_key[:, :, None], keys)
    values = torch.where(here, new_value[:, :, None], values)
    seen = (slot <= lengths[:, None])[:, None, None]
    return [fused(query[:, :, None], keys, values, attn_mask=seen)[:, :, 0], keys, values]


def by_rows(query, keys, values, new_key, new_value, lengths):
    keys, values = keys.clone(), values.clone()
    rows = []
    for b, n in enumerate(lengths):
        keys[b, :, n] = new_key[b]
        values[b, :, n] = new_value[b]
        own = query[b, :, None], keys[b, :, : n + 1], values[b, :, : n + 1]
        rows.append(fused(*own)[:, 0])
    return torch.stack(rows), keys, values


def stepping(seen=None, at=lambda n: n, weigh=None, scale=lambda q, k: math.sqrt(q.shape[-1])):
    def answer(query, keys, values, new_key, new_value, lengths):
        keys, values = put(keys, new_key, at(lengths)), put(values, new_value, at(lengths))
        scores = (query[:, :, None] @ keys.mT)[:, :, 0] / scale(query, keys)
        slot = torch.arange(keys.shape[2])
        mask = (seen or (lambda slot, n: slot <= n))(slot, lengths[:, None])[:, None]
        hidden = weigh or (lambda s, m: s.masked_fill(~m, -torch.inf).softmax(-1))
        weights = hidden(scores, mask.expand_as(scores))
        return (weights[:, :, None] @ values)[:, :, 0], keys, values

    return answer


def everywhere(query, keys, values, new_key, new_value, lengths):
    keys, values = keys.clone(), values.clone()
    keys[:, :, lengths] = new_key[:, :, None]
    values[:, :, lengths] = new_value[:, :, None]
    seen = torch.arange(keys.shape[2]) <= lengths[:, None]
    context = fused(query[:, :, None], keys, values, attn_mask=seen[:, None, None])
    return context[:, :, 0], keys, values


def hung_on(query, keys, values, new_key, new_value, lengths):
    context = readable(query, keys, values, new_key, new_value, lengths)[0]
    keys = torch.cat([keys, new_key.unsqueeze(2)], 2)
    return context, keys, torch.cat([values, new_value.unsqueeze(2)], 2)


def unwritten(query, keys, values, new_key, new_value, lengths):
    seen = torch.arange(keys.shape[2]) <= lengths[:, None]
    return (
        fused(query[:, :, None], keys, values, attn_mask=seen[:, None, None])[:, :, 0],
        keys,
        values,
    )


def value_unwritten(query, keys, values, new_key, new_value, lengths):
    return unwritten(query, put(keys, new_key, lengths), values, new_key, new_value, lengths)


WRONG = {
    "own-key-not-seen": [stepping(lambda slot, n: slot < n)],
    "one-slot-too-many": [stepping(lambda slot, n: slot <= n + 1)],
    "all-slots-seen": [
        stepping(lambda slot, n: slot > -1 + 0 * n),
        stepping(weigh=lambda s, m: (s * m).softmax(-1)),
    ],
    "one-length-for-all": [
        stepping(lambda slot, n: slot <= n.max() + 0 * n),
        stepping(lambda slot, n: slot <= n[0] + 0 * n),
        stepping(lambda slot, n: slot <= n.max() + 0 * n, at=lambda n: n.max() + 0 * n),
    ],
    "one-slot-for-all": [
        stepping(at=lambda n: n.max() + 0 * n),
        stepping(at=lambda n: n[0] + 0 * n),
    ],
    "rows-times-slots": [everywhere],
    "written-one-off": [stepping(at=lambda n: n - 1), stepping(at=lambda n: n + 1)],
    "appended": [hung_on],
    "not-written": [unwritten, value_unwritten],
    "scale": [
        stepping(scale=lambda q, k: 1),
        stepping(scale=lambda q, k: q.shape[-1]),
        stepping(scale=lambda q, k: math.sqrt(k.shape[2])),
    ],
    "mask": [
        stepping(weigh=lambda s, m: s.masked_fill(m, -1e9).softmax(-1) * (~m).any(-1, True)),
        stepping(weigh=lambda s, m: s.softmax(-1).masked_fill(~m, 0.0)),
    ],
    "softmax-over-heads": [
        stepping(weigh=lambda s, m: s.masked_fill(~m, -torch.inf).softmax(dim=1)),
        stepping(weigh=lambda s, m: s.masked_fill(~m, -torch.inf).softmax(dim=1).nan_to_num()),
    ],
}


@pytest.mark.parametrize("answer", [readable, by_where, by_rows])
def test_right_answers_pass(answer):
    verdict = check("decode_step", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("decode_step", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["decode_step"].misconceptions}


def test_by_hand():
    query = torch.ones(1, 1, 1)
    keys = torch.tensor([0.0, 9.0]).view(1, 1, 2, 1)
    values = torch.tensor([4.0, 9.0]).view(1, 1, 2, 1)
    new_key = torch.tensor(math.log(3)).view(1, 1, 1)
    found = EXERCISES["decode_step"].reference(
        query, keys, values, new_key, torch.full((1, 1, 1), 8.0), torch.tensor([1])
    )
    torch.testing.assert_close(found[0], torch.full((1, 1, 1), 7.0))  # (1 * 4 + 3 * 8) / 4
    assert found[2].flatten().tolist() == [4, 8]


def test_what_is_asked_is_what_the_librarys_cache_keeps():
    B, H, S, D = 3, 2, 6, 4
    keys, values = torch.randn(2, B, H, S, D)
    lengths = torch.tensor([2, 5, 1])
    new_key, new_value, query = torch.randn(3, B, H, D)
    _, kept_keys, kept_values = EXERCISES["decode_step"].reference(
        query, keys, values, new_key, new_value, lengths
    )
    cache = KVCache(B, H, D, max_len=S)
    cache.append(keys[:, :, :5], values[:, :, :5])
    cache.rollback(lengths)
    seen_keys, seen_values, *_ = cache.append(new_key[:, :, None], new_value[:, :, None])
    for b, n in enumerate(lengths.tolist()):
        assert torch.equal(seen_keys[b, :, : n + 1], kept_keys[b, :, : n + 1])
        assert torch.equal(seen_values[b, :, : n + 1], kept_values[b, :, : n + 1])


def test_writing_into_the_callers_cache_is_noticed():
    def answer(query, keys, values, new_key, new_value, lengths):
        keys[torch.arange(len(keys)), :, lengths] = new_key
        return readable(query, keys, values, new_key, new_value, lengths)

    assert check("decode_step", answer).diagnosis == "mutates"


def test_all_three_are_wanted():
    verdict = check("decode_step", lambda *inputs: readable(*inputs)[0])
    assert verdict.diagnosis == "type"
    assert "3 results (the context, keys, values) are expected" in verdict.message
