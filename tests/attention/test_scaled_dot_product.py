import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from txlib.attention import (
    attention_weights,
    fused_attention,
    padding_mask,
    scaled_dot_product_attention,
)

B, H, T_Q, T_K, D, D_V = 2, 3, 5, 7, 4, 6  # all different: a swapped axis cannot pass
PATHS = {"readable": scaled_dot_product_attention, "fused": fused_attention}
MASKS = ["none", "padding", "each", "shared", "keys", "queries", "blind rows", "blind"]
LENGTHS = [(T_Q, T_K), (T_K, T_Q), (T_Q, T_Q), (1, T_K), (T_Q, 1)]

paths = pytest.mark.parametrize("attend", PATHS.values(), ids=PATHS)
lengths = pytest.mark.parametrize(("T_q", "T_k"), LENGTHS)
masks = pytest.mark.parametrize("kind", MASKS)
causal = pytest.mark.parametrize("is_causal", [False, True])


def qkv(T_q=T_Q, T_k=T_K, D_v=D_V, dtype=torch.float64):
    return tuple(torch.randn(B, *size, dtype=dtype) for size in ((T_q, D), (T_k, D), (T_k, D_v)))


def what_is_allowed(mask, is_causal, T_q, T_k):
    """Position by position, from the definitions."""
    given = torch.ones(B, T_q, T_k) if mask is None else mask.expand(B, T_q, T_k)
    return torch.tensor(
        [
            [
                [bool(given[b, i, j]) and (not is_causal or j <= i + T_k - T_q) for j in range(T_k)]
                for i in range(T_q)
            ]
            for b in range(B)
        ]
    )


def test_weights_by_hand():
    query = torch.tensor([[2 * math.log(3), 0.0, 0.0, 0.0]])
    key = torch.eye(4)[[1, 0]]  # scores 0 and ln 3 once divided by sqrt(4)
    torch.testing.assert_close(attention_weights(query, key), torch.tensor([[0.25, 0.75]]))
    weights = attention_weights(query, key, scale=1.0)
    torch.testing.assert_close(weights, torch.tensor([[0.1, 0.9]]))


@paths
def test_context_by_hand(attend):
    query = torch.tensor([[0.0, 0.0, 0.0, 0.0], [2 * math.log(3), 0.0, 0.0, 0.0]])
    key, value = torch.eye(4)[[1, 0]], torch.tensor([[4.0, 0.0], [0.0, 8.0]])
    expected = torch.tensor([[2.0, 4.0], [1.0, 6.0]])
    torch.testing.assert_close(attend(query, key, value), expected)
    expected = torch.tensor([[4.0, 0.0], [1.0, 6.0]])
    torch.testing.assert_close(attend(query, key, value, is_causal=True), expected)


@causal
@masks
@pytest.mark.parametrize(("T_q", "T_k"), LENGTHS[:2])
def test_both_paths_equal_plain_loops_in_values_and_gradients(
    is_causal, kind, T_q, T_k, collect, by_loops, new_mask
):
    mask = new_mask(kind, B, T_q, T_k)
    allowed = what_is_allowed(mask, is_causal, T_q, T_k)

    def loops(query, key, value):
        contexts = []
        for q, k, v, a in zip(query, key, value, allowed, strict=True):
            scores = [torch.stack([(x * y).sum() / 2 for y in k]) for x in q]  # 2 is sqrt(4)
            scores = torch.stack(scores)
            contexts.append(by_loops(scores, v, a))
        return torch.stack(contexts)

    leaves = qkv(T_q, T_k)
    expected = collect(loops, *leaves)
    for attend in PATHS.values():
        mine = collect(partial(attend, mask=mask, is_causal=is_causal), *leaves)
        for a, b in zip(mine, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@causal
@masks
@lengths
@pytest.mark.parametrize("D_v", [D, D_V])
def test_both_paths_equal_the_math_backend_in_values_and_gradients(
    is_causal, kind, T_q, T_k, D_v, collect, new_mask
):
    mask = new_mask(kind, B, T_q, T_k)
    allowed = torch.ones(B, T_q, T_k, dtype=torch.bool) if mask is None else mask
    if is_causal:
        allowed = allowed & torch.ones(T_q, T_k, dtype=torch.bool).tril(T_k - T_q)
    sees = allowed.any(dim=-1, keepdim=True)

    def reference(query, key, value):  # blind rows look everywhere, and count for nothing
        with sdpa_kernel(SDPBackend.MATH):
            context = F.scaled_dot_product_attention(query, key, value, allowed | ~sees, scale=0.3)
        return torch.where(sees, context, 0.0)

    leaves = qkv(T_q, T_k, D_v)
    expected = collect(reference, *leaves)
    for attend in PATHS.values():
        mine = collect(partial(attend, mask=mask, is_causal=is_causal, scale=0.3), *leaves)
        for a, b in zip(mine, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@paths
@pytest.mark.parametrize("kind", ["none", "padding"])
def test_equals_one_head_of_torch_with_identity_projections(attend, kind, collect, new_mask):
    reference = nn.MultiheadAttention(D, 1, bias=False, batch_first=True).double()
    with torch.no_grad():
        reference.in_proj_weight.copy_(torch.eye(D).repeat(3, 1))
        reference.out_proj.weight.copy_(torch.eye(D))
    mask, leaves = new_mask(kind, B, T_Q, T_K), qkv(D_v=D)
    hidden = None if mask is None else ~mask[:, 0]  # there, True = may not attend
    mine = collect(partial(attend, mask=mask), *leaves)
    theirs = collect(lambda *x: reference(*x, key_padding_mask=hidden)[0], *leaves)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    weights = reference(*leaves, key_padding_mask=hidden)[1]
    torch.testing.assert_close(attention_weights(*leaves[:2], mask), weights)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_readable_equals_fused_for_any_shape_and_mask(data, collect):
    torch.manual_seed(data.draw(st.integers(0, 99), label="seed"))
    sizes = st.integers(1, 5)
    lead = tuple(data.draw(st.lists(st.integers(1, 3), max_size=3), label="lead"))
    T_q, T_k, d, d_v = (data.draw(sizes) for _ in range(4))
    shape = (*lead, T_q, T_k)
    shape = tuple(data.draw(st.sampled_from([1, size])) for size in shape)
    shape = shape[data.draw(st.integers(0, len(shape))) :]
    mask = data.draw(st.sampled_from([None, torch.rand(shape) > 0.4]), label="mask")
    is_causal = data.draw(st.booleans(), label="is_causal")
    leaves = [torch.randn(*lead, *size).double() for size in ((T_q, d), (T_k, d), (T_k, d_v))]
    readable, fused = (
        collect(partial(attend, mask=mask, is_causal=is_causal), *leaves)
        for attend in PATHS.values()
    )
    assert fused[0].shape == (*lead, T_q, d_v)
    for a, b in zip(readable, fused, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@causal
@masks
@lengths
def test_rows_of_weights_sum_to_one_or_to_nothing(is_causal, kind, T_q, T_k, new_mask):
    query, key, _ = qkv(T_q, T_k)
    mask = new_mask(kind, B, T_q, T_k)
    allowed = what_is_allowed(mask, is_causal, T_q, T_k)
    weights = attention_weights(query, key, mask, is_causal=is_causal)
    assert weights[allowed].gt(0).all()
    assert weights[~allowed].eq(0).all()
    torch.testing.assert_close(weights.sum(dim=-1), allowed.any(dim=-1).double())


@paths
@lengths
def test_nobody_sees_the_future(attend, T_q, T_k):
    query, key, value = qkv(T_q, T_k)
    before = attend(query, key, value, is_causal=True)
    for j in range(T_k):
        other_key, other_value = key.clone(), value.clone()
        other_key[:, j] += 1.0
        other_value[:, j] += 1.0
        after = attend(query, other_key, other_value, is_causal=True)
        first = max(j - (T_k - T_q), 0)  # the first query that may look at j
        torch.testing.assert_close(after[:, :first], before[:, :first], rtol=0, atol=1e-12)
        assert (after[:, first:] - before[:, first:]).abs().amax(dim=(0, 2)).gt(1e-6).all()


@paths
def test_queries_know_no_order_and_neither_do_keys(attend, new_mask):
    query, key, value = qkv()
    mask = new_mask("each", B, T_Q, T_K)
    context = attend(query, key, value, mask)
    order = torch.randperm(T_Q)
    shuffled = attend(query[:, order], key, value, mask[:, order])
    torch.testing.assert_close(shuffled, context[:, order])
    order = torch.randperm(T_K)
    shuffled = attend(query, key[:, order], value[:, order], mask[..., order])
    torch.testing.assert_close(shuffled, context)


@paths
def test_scale_is_one_over_the_root_and_zero_averages(attend):
    query, key, value = qkv()
    context = attend(query, key, value)
    torch.testing.assert_close(attend(query, key, value, scale=0.5), context)
    assert not torch.allclose(attend(query, key, value, scale=1.0), context)
    mean = value.mean(dim=1, keepdim=True).expand_as(context)
    torch.testing.assert_close(attend(query, key, value, scale=0.0), mean)


@paths
def test_what_stands_at_masked_positions_does_not_matter(attend, new_mask):
    query, key, value = qkv()
    mask = new_mask("padding", B, T_Q, T_K)
    expected = attend(query, key, value, mask)
    padding = ~mask[:, 0]
    key[padding], value[padding] = 50.0, -1e6
    torch.testing.assert_close(attend(query, key, value, mask), expected)


@paths
def test_a_batch_of_mixed_lengths_is_its_sentences_one_by_one(attend):
    query, key, value = qkv()
    lengths = torch.tensor([4, T_K])
    context = attend(query, key, value, padding_mask(lengths)[:, None])
    for row, n in enumerate(lengths):
        alone = attend(query[row], key[row, :n], value[row, :n])
        torch.testing.assert_close(context[row], alone)


@paths
def test_newest_query_alone_equals_the_last_row(attend):
    query, key, value = qkv(T_K, T_K)
    whole = attend(query, key, value, is_causal=True)
    newest = attend(query[:, -1:], key, value, is_causal=True)
    torch.testing.assert_close(newest, whole[:, -1:])
    torch.testing.assert_close(attend(query[:, -3:], key, value, is_causal=True), whole[:, -3:])


@paths
def test_gradcheck(attend):
    leaves = [leaf.requires_grad_() for leaf in qkv(4, 3)]
    mask = torch.rand(B, 4, 3) > 0.3
    mask[0, 2] = False
    run = partial(attend, mask=mask, is_causal=True)
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)
