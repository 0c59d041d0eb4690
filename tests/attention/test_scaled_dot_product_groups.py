from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from txlib.attention import attention_weights, fused_attention, scaled_dot_product_attention

B, H, T_Q, T_K, D, D_V = 2, 6, 5, 7, 4, 9  # all different: a swapped axis cannot pass
PATHS = {"readable": scaled_dot_product_attention, "fused": fused_attention}

paths = pytest.mark.parametrize("attend", PATHS.values(), ids=PATHS)
causal = pytest.mark.parametrize("is_causal", [False, True])
groups = pytest.mark.parametrize("H_kv", [1, 2, 3, 6])


def qkv(H_kv, T_q=T_Q, T_k=T_K, D_v=D_V, dtype=torch.float64):
    sizes = (H, T_q, D), (H_kv, T_k, D), (H_kv, T_k, D_v)
    return tuple(torch.randn(B, *size, dtype=dtype) for size in sizes)


@paths
@causal
@groups
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("D_v", [D, D_V])
def test_equals_head_by_head_in_values_and_gradients(
    attend, is_causal, H_kv, masked, biased, D_v, collect
):
    mask = torch.rand(B, H, T_Q, T_K) > 0.3 if masked else None
    bias = torch.randn(H, T_Q, T_K).double() if biased else None

    def one_by_one(query, key, value):
        heads = []
        for h in range(H):
            shared = h // (H // H_kv)
            look = {"bias": None if bias is None else bias[h], "is_causal": is_causal}
            allowed = None if mask is None else mask[:, h]
            heads.append(attend(query[:, h], key[:, shared], value[:, shared], allowed, **look))
        return torch.stack(heads, dim=1)

    leaves = qkv(H_kv, D_v=D_v)
    mine = collect(partial(attend, mask=mask, bias=bias, is_causal=is_causal), *leaves)
    for a, b in zip(mine, collect(one_by_one, *leaves), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@groups
def test_weights_are_those_of_repeated_keys(H_kv):
    query, key, _ = qkv(H_kv)
    weights = attention_weights(query, key, is_causal=True)
    repeated = attention_weights(query, key.repeat_interleave(H // H_kv, dim=1), is_causal=True)
    assert weights.shape == (B, H, T_Q, T_K)
    torch.testing.assert_close(weights, repeated)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_readable_equals_fused_for_any_grouping(data, collect):
    torch.manual_seed(data.draw(st.integers(0, 99), label="seed"))
    H_kv, times, T_q, T_k, d, d_v = (data.draw(st.integers(1, 4)) for _ in range(6))
    lead = tuple(data.draw(st.lists(st.integers(1, 2), min_size=1, max_size=2), label="lead"))
    mask = data.draw(st.sampled_from([None, torch.rand(H_kv * times, T_q, T_k) > 0.4]))
    is_causal = data.draw(st.booleans(), label="is_causal")
    sizes = (H_kv * times, T_q, d), (H_kv, T_k, d), (H_kv, T_k, d_v)
    leaves = [torch.randn(*lead, *size).double() for size in sizes]
    readable, fused = (
        collect(partial(attend, mask=mask, is_causal=is_causal), *leaves)
        for attend in PATHS.values()
    )
    for a, b in zip(readable, fused, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@paths
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_row_with_no_allowed_key_is_zero_and_differentiable(attend, dtype):
    leaves = [leaf.requires_grad_() for leaf in qkv(2, dtype=dtype)]
    mask = torch.ones(B, H, T_Q, T_K).bool()
    mask[0, 4, 2], mask[1] = False, False
    out = attend(*leaves, mask)
    out.sum().backward()
    assert out.dtype == dtype
    assert out[0, 4, 2].eq(0).all()
    assert out[1].eq(0).all()
    assert out[0, 3, 2].ne(0).any()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)


@paths
@causal
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(
    attend, is_causal, dtype, collect, as_written
):
    T_q, T_k = 33, 65
    sizes = (H, T_q, 32), (2, T_k, 32), (2, T_k, 32)
    low = [torch.randn(B, *size).to(dtype) for size in sizes]
    allowed = torch.ones(T_q, T_k).tril(T_k - T_q).bool() if is_causal else None

    def formula(query, key, value):
        key, value = (x.repeat_interleave(H // 2, dim=1) for x in (key, value))
        return as_written(query @ key.mT / 32**0.5, value, allowed)

    exact = collect(formula, *[leaf.double() for leaf in low])
    mine, plain = collect(partial(attend, is_causal=is_causal), *low), collect(formula, *low)
    for e, a, b in zip(exact, mine, plain, strict=True):
        assert a.dtype == dtype
        assert (a - e).abs().max() <= 2 * (b - e).abs().max()


class Sizes(TorchDispatchMode):
    """How many numbers each tensor that is made holds."""

    def __init__(self):
        super().__init__()
        self.made = []

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        result = op(*args, **(kwargs or {}))
        fresh = not any(name in str(op) for name in ("view", "expand", "unsqueeze", "transpose"))
        for made in result if isinstance(result, tuple) else (result,):
            if fresh and isinstance(made, torch.Tensor):
                self.made.append(made.numel())
        return result


@paths
def test_shared_keys_are_not_copied(attend):
    T_k = 64  # one query over many keys, as in decoding: the keys are what is large
    leaves = qkv(2, T_q=1, T_k=T_k, D_v=D)
    with Sizes() as sizes:
        attend(*leaves)
    assert sizes.made
    assert max(sizes.made) < B * H * T_k * D


def test_the_kernel_is_told_of_groups_only_where_there_are_some(monkeypatch):
    told = []
    original = F.scaled_dot_product_attention

    def spy(*tensors, **options):
        told.append((tensors[1].shape[1], options["enable_gqa"]))
        return original(*tensors, **options)

    monkeypatch.setattr(F, "scaled_dot_product_attention", spy)
    for H_kv in (1, 3, 6):
        fused_attention(*qkv(H_kv))
    assert told == [(1, True), (3, True), (6, False)]


@paths
def test_dropout_zeroes_weights_and_keeps_their_mean(attend):
    query, key = torch.zeros(B, H, 400, D), torch.zeros(B, 3, T_K, D)  # all weights 1/7
    value = torch.eye(T_K).expand(B, 3, T_K, T_K)  # the context is the weights
    kept = attend(query, key, value, dropout=0.25)
    zero = kept.eq(0)
    assert zero.float().mean().item() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(kept[~zero], torch.full_like(kept[~zero], 1 / 7 / 0.75))
    assert attend(query, key, value).ne(0).all()


@paths
def test_bad_groups(attend):
    query, key, value = qkv(4)
    with pytest.raises(
        ValueError,
        match=r"query's heads must be a multiple of key's, got \(2, 6, 5, 4\) and \(2, 4",
    ):
        attend(query, key, value)
    query, key, value = qkv(3)
    with pytest.raises(ValueError, match="key and value must have as many heads, got 3 and 2"):
        attend(query, key, value[:, :2])
    with pytest.raises(ValueError, match=r"query's heads must be a multiple of key's"):
        attend(key, query, value)
    with pytest.raises(ValueError, match=r"share the dimensions before T, got .* and \(1, 3, 7, 4"):
        attend(query, key[:1], value[:1])
    with pytest.raises(ValueError, match=r"share the dimensions before T, got \(6, 5, 4\)"):
        attend(query[0], key[0], value[0])  # three dimensions: sentences, not heads
