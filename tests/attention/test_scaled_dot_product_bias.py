import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from txlib.attention import attention_weights, fused_attention, scaled_dot_product_attention

B, H, T_Q, T_K, D, D_V = 2, 3, 5, 7, 4, 6  # all different: a swapped axis cannot pass
PATHS = {"readable": scaled_dot_product_attention, "fused": fused_attention}
BIASES = [(B, H, T_Q, T_K), (H, T_Q, T_K), (H, 1, T_K), (T_Q, 1), (T_K,), ()]

paths = pytest.mark.parametrize("attend", PATHS.values(), ids=PATHS)
causal = pytest.mark.parametrize("is_causal", [False, True])


def qkv(T_q=T_Q, T_k=T_K, D_v=D_V, dtype=torch.float64):
    return tuple(torch.randn(B, H, *size, dtype=dtype) for size in ((T_q, D), (T_k, D), (T_k, D_v)))


@paths
def test_by_hand(attend):
    query, key = torch.zeros(1, 4), torch.eye(4)[:2]
    bias = torch.tensor([math.log(3), 0.0])
    torch.testing.assert_close(
        attention_weights(query, key, bias=bias), torch.tensor([[0.75, 0.25]])
    )
    value = torch.tensor([[4.0], [8.0]])
    torch.testing.assert_close(attend(query, key, value, bias=bias), torch.tensor([[5.0]]))
    hidden = torch.tensor([False, True])
    torch.testing.assert_close(attend(query, key, value, hidden, bias=bias), torch.tensor([[8.0]]))


@paths
def test_it_is_added_after_the_scale(attend):
    query, key, value = qkv()
    bias = torch.randn(H, T_Q, T_K).double()
    context = attend(query, key, value, bias=bias, scale=0.1)
    expected = (query @ key.mT * 0.1 + bias).softmax(dim=-1) @ value
    torch.testing.assert_close(context, expected)


@paths
@causal
@pytest.mark.parametrize("shape", BIASES, ids=str)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("D_v", [D, D_V])
def test_equals_the_formula_in_values_and_gradients(attend, is_causal, shape, masked, D_v, collect):
    mask = torch.rand(B, 1, T_Q, T_K) > 0.4 if masked else None
    allowed = torch.ones(B, 1, T_Q, T_K).bool() if mask is None else mask.clone()
    if is_causal:
        allowed &= torch.ones(T_Q, T_K).tril(T_K - T_Q).bool()
    sees = allowed.any(dim=-1, keepdim=True)

    def formula(query, key, value, bias):
        scores = query @ key.mT / math.sqrt(D) + bias
        weights = scores.masked_fill(~(allowed | ~sees), -torch.inf).softmax(dim=-1)
        return torch.where(sees, weights @ value, 0.0)

    leaves = [*qkv(D_v=D_v), torch.randn(shape).double()]

    def run(query, key, value, bias):
        return attend(query, key, value, mask, bias=bias, is_causal=is_causal)

    for a, b in zip(collect(run, *leaves), collect(formula, *leaves), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_readable_equals_fused_for_any_shape_of_mask_and_bias(data, collect):
    torch.manual_seed(data.draw(st.integers(0, 99), label="seed"))
    lead = tuple(data.draw(st.lists(st.integers(1, 3), max_size=3), label="lead"))
    T_q, T_k, d = (data.draw(st.integers(1, 5)) for _ in range(3))
    full = (*lead, T_q, T_k)

    def smaller():
        shape = tuple(data.draw(st.sampled_from([1, size])) for size in full)
        return shape[data.draw(st.integers(0, len(shape))) :]

    mask = data.draw(st.sampled_from([None, torch.rand(smaller()) > 0.4]), label="mask")
    is_causal = data.draw(st.booleans(), label="is_causal")
    leaves = [torch.randn(*lead, *size).double() for size in ((T_q, d), (T_k, d), (T_k, d))]
    leaves.append(torch.randn(smaller()).double())

    def run(attend, query, key, value, bias):
        return attend(query, key, value, mask, bias=bias, is_causal=is_causal)

    readable, fused = (collect(partial(run, attend), *leaves) for attend in PATHS.values())
    for a, b in zip(readable, fused, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@paths
@causal
def test_one_number_for_all_keys_changes_nothing_and_zero_neither(attend, is_causal):
    leaves = qkv()
    plain = attend(*leaves, is_causal=is_causal)
    for bias in (torch.zeros(T_Q, T_K), torch.full((T_Q, 1), 3.0)):
        biased = attend(*leaves, bias=bias.double(), is_causal=is_causal)
        torch.testing.assert_close(biased, plain)


@paths
def test_a_large_bias_points_at_its_key(attend):
    query, key, value = qkv()
    bias = torch.zeros(T_Q, T_K).double()
    target = torch.tensor([3, 0, 6, 2, 4])
    bias[range(T_Q), target] = 200.0
    torch.testing.assert_close(attend(query, key, value, bias=bias), value[:, :, target])


@paths
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("bias_dtype", [torch.float32, torch.float16])
def test_row_with_no_allowed_key_is_zero_and_differentiable(attend, dtype, bias_dtype):
    leaves = [leaf.requires_grad_() for leaf in qkv(dtype=dtype)]
    bias = torch.randn(H, T_Q, T_K, dtype=bias_dtype).requires_grad_()
    mask = torch.ones(B, 1, T_Q, T_K).bool()
    mask[:, :, 2], mask[1] = False, False
    out = attend(*leaves, mask, bias=bias)
    out.sum().backward()
    assert out.dtype == dtype
    assert bias.grad.dtype == bias_dtype
    assert out[:, :, 2].eq(0).all()
    assert out[1].eq(0).all()
    assert out[0, :, 0].ne(0).any()
    assert all(leaf.grad.isfinite().all() for leaf in (*leaves, bias))
    assert bias.grad[:, 2].eq(0).all()
    assert bias.grad[:, 0].ne(0).any()


def test_blind_rows_do_not_rest_on_what_the_kernel_makes_of_them(monkeypatch):
    def kernel(query, key, value, attn_mask=None, **_):
        return (query @ key.mT + attn_mask).softmax(dim=-1) @ value  # NaN where all is -inf

    monkeypatch.setattr(F, "scaled_dot_product_attention", kernel)
    leaves = [leaf.requires_grad_() for leaf in (*qkv(), torch.randn(H, T_Q, T_K).double())]
    mask = torch.ones(T_Q, T_K).bool()
    mask[2] = False
    out = fused_attention(*leaves[:3], mask, bias=leaves[3])
    out.sum().backward()
    assert out[:, :, 2].eq(0).all()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)


@paths
@causal
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("D_v", [32, 24])
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(
    attend, is_causal, dtype, D_v, collect, as_written
):
    T_q, T_k = 33, 65
    low = [torch.randn(B, H, *size) for size in ((T_q, 32), (T_k, 32), (T_k, D_v))]
    low = [leaf.to(dtype) for leaf in (*low, torch.randn(H, T_q, T_k))]
    allowed = torch.ones(T_q, T_k).tril(T_k - T_q).bool() if is_causal else None

    def formula(query, key, value, bias):
        return as_written(query @ key.mT / 32**0.5 + bias, value, allowed)

    def run(query, key, value, bias):
        return attend(query, key, value, bias=bias, is_causal=is_causal)

    exact = collect(formula, *[leaf.double() for leaf in low])
    for e, a, b in zip(exact, collect(run, *low), collect(formula, *low), strict=True):
        assert a.dtype == dtype
        assert (a - e).abs().max() <= 2 * (b - e).abs().max()


def test_mask_and_bias_reach_the_kernel_as_one_in_the_querys_dtype(monkeypatch):
    given = []
    original = F.scaled_dot_product_attention

    def spy(query, key, value, attn_mask=None, **options):
        given.append((attn_mask, options["is_causal"]))
        return original(query, key, value, attn_mask, **options)

    monkeypatch.setattr(F, "scaled_dot_product_attention", spy)
    leaves, bias = qkv(T_K, T_K, dtype=torch.bfloat16), torch.randn(H, T_K, T_K)
    fused_attention(*leaves, bias=bias)
    fused_attention(*leaves, bias=bias, is_causal=True)
    (plain, _), (joined, is_causal) = given
    assert torch.equal(plain[0], bias.bfloat16())
    assert not is_causal
    future = torch.ones(T_K, T_K).triu(1).bool()
    assert torch.equal(joined[0], bias.bfloat16().masked_fill(future, -torch.inf))


@paths
def test_the_arguments_stay_as_they_were(attend):
    arguments = [*qkv(), torch.rand(T_Q, T_K) > 0.5, torch.randn(H, T_Q, T_K)]
    before = [argument.clone() for argument in arguments]
    attend(*arguments[:4], bias=arguments[4], is_causal=True)
    assert all(torch.equal(a, b) for a, b in zip(arguments, before, strict=True))


@paths
def test_gradcheck(attend):
    leaves = [leaf.requires_grad_() for leaf in (*qkv(3, 2), torch.randn(H, 3, 2).double())]
    mask = torch.tensor([[True, False], [False, False], [True, True]])
    run = lambda q, k, v, bias: attend(q, k, v, mask, bias=bias)  # noqa: E731
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)


@paths
@causal
def test_bad_biases(attend, is_causal):
    run = partial(attend, *qkv(), is_causal=is_causal)
    with pytest.raises(ValueError, match=r"bias must be floating point.* got torch.bool"):
        run(bias=torch.ones(T_Q, T_K).bool())
    with pytest.raises(ValueError, match=r"bias must broadcast .* = \(2, 3, 5, 7\), got \(7, 5\)"):
        run(bias=torch.zeros(T_K, T_Q))
    with pytest.raises(ValueError, match=r"bias must broadcast .* got \(1, 2, 3, 5, 7\)"):
        run(bias=torch.zeros(1, B, H, T_Q, T_K))
