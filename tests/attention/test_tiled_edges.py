from functools import partial

import pytest
import torch
from torch.autograd import grad
from torch.utils._python_dispatch import TorchDispatchMode

from txlib.attention import padding_mask, scaled_dot_product_attention, tiled_attention

B, H, H_KV, T_Q, T_K, D, D_V = 2, 6, 3, 13, 17, 4, 5  # all different: a swapped axis cannot pass

causal = pytest.mark.parametrize("is_causal", [False, True])
attend = partial(tiled_attention, tile_q=4, tile_k=3)


def qkv(T_q=T_Q, T_k=T_K, batch=B, dtype=torch.float64):
    sizes = (H, T_q, D), (H_KV, T_k, D), (H_KV, T_k, D_V)
    return tuple(torch.randn(batch, *size, dtype=dtype).requires_grad_() for size in sizes)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_sentence_without_keys_is_zero_and_differentiable(dtype):
    leaves = qkv(dtype=dtype)
    out = attend(*leaves, key_lengths=torch.tensor([0, 5]))
    out.sum().backward()
    assert out.dtype == dtype
    assert out[0].eq(0).all()
    assert out[1].ne(0).all()
    for leaf in leaves:
        assert leaf.grad.dtype == dtype
        assert leaf.grad[0].eq(0).all()
        assert leaf.grad.isfinite().all()
    for leaf in leaves[1:]:
        assert leaf.grad[1, :, :5].ne(0).any()
        assert leaf.grad[1, :, 5:].eq(0).all()


def test_no_sentence_has_keys():
    leaves = qkv()
    out = attend(*leaves, key_lengths=torch.tensor([0, 0]))
    assert out.eq(0).all()
    assert all(x.eq(0).all() for x in grad(out.sum(), leaves))


def test_more_queries_than_keys_leave_the_first_ones_blind():
    leaves = qkv(T_K, T_Q)
    out = attend(*leaves, is_causal=True)
    blind = T_K - T_Q
    assert out[:, :, :blind].eq(0).all()
    torch.testing.assert_close(out[:, :, blind], leaves[2][:, :, 0].repeat_interleave(2, dim=1))
    query_grad, *others = grad(out.sum(), leaves)
    assert query_grad[:, :, :blind].eq(0).all()
    assert all(x.isfinite().all() for x in (query_grad, *others))


@causal
@pytest.mark.parametrize(("T_q", "T_k", "batch"), [(3, 0, 2), (0, 3, 2), (3, 3, 0)])
def test_nothing_to_look_at_and_nobody_to_look(T_q, T_k, batch, is_causal):
    leaves = qkv(T_q, T_k, batch)
    lengths = torch.full((batch,), T_k)
    out = attend(*leaves, is_causal=is_causal, key_lengths=lengths)
    torch.testing.assert_close(out, torch.zeros(batch, H, T_q, D_V).double())
    assert all(x.eq(0).all() for x in grad(out.sum(), leaves))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_keys_beyond_the_longest_are_not_even_read(dtype):
    query, key, value = (x.detach() for x in qkv())
    lengths = torch.tensor([5, 8], dtype=dtype)
    expected = attend(query, key, value, key_lengths=lengths)
    for x in (key, value):
        x[:, :, 8:] = torch.nan
    torch.testing.assert_close(attend(query, key, value, key_lengths=lengths), expected)


def test_scores_whose_exponential_is_no_number():
    query, key, value = qkv(dtype=torch.float32)
    out = attend(query * 1000, key, value)
    exact = scaled_dot_product_attention(query.double() * 1000, key.double(), value.double())
    torch.testing.assert_close(out.double(), exact, rtol=1e-3, atol=1e-3)
    assert all(x.isfinite().all() for x in grad(out.sum(), (query, key, value)))


def test_any_memory_layout():
    leaves = qkv()
    expected = attend(*leaves)
    turned = [x.transpose(1, 2).contiguous().transpose(1, 2) for x in leaves]
    assert not turned[0].is_contiguous()
    out = attend(*turned)
    torch.testing.assert_close(out, expected)
    weights = torch.randn(B, T_Q, H, D_V).double().transpose(1, 2)  # a gradient of another layout
    for a, b in zip(
        grad((out * weights).sum(), leaves), grad((expected * weights).sum(), leaves), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_the_same_numbers_every_time_and_inputs_as_they_were():
    leaves = qkv(dtype=torch.float32)
    lengths = torch.tensor([7, 13])
    kept = [x.detach().clone() for x in (*leaves, lengths)]

    def once():
        out = attend(*leaves, key_lengths=lengths, is_causal=True)
        return [out, *grad(out.square().sum(), leaves)]

    assert all(torch.equal(a, b) for a, b in zip(once(), once(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(kept, (*leaves, lengths), strict=True))


def test_only_one_input_wants_a_gradient():
    query, key, value = qkv()
    exact = grad(attend(query, key, value).sum(), key)[0]
    torch.testing.assert_close(
        grad(attend(query.detach(), key, value.detach()).sum(), key)[0], exact
    )


def test_autocast_leaves_the_statistics_alone():
    leaves = qkv(dtype=torch.float32)
    out = attend(*leaves)
    expected = [out, *grad(out.square().sum(), leaves)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = attend(*leaves)
        mine = [out, *grad(out.square().sum(), leaves)]
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b)


class _Largest(TorchDispatchMode):
    """The most numbers that any tensor had which an operation made or took."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        made = out if isinstance(out, tuple | list) else (out,)
        for x in (*args, *made):
            if isinstance(x, torch.Tensor):
                self.numbers = max(self.numbers, x.numel())
        return out


@causal
def test_nothing_is_ever_larger_than_the_inputs_or_a_tile(is_causal):
    T, heads = 256, 2
    leaves = [torch.randn(1, heads, T, 8).requires_grad_() for _ in range(3)]
    lengths = torch.tensor([T - 3])
    with _Largest() as largest:
        out = tiled_attention(
            *leaves, key_lengths=lengths, is_causal=is_causal, tile_q=32, tile_k=48
        )
        out.sum().backward()
    assert largest.numbers == heads * max(T * 8, 32 * 48)
    with _Largest() as largest:
        scaled_dot_product_attention(*leaves, is_causal=is_causal)
    assert largest.numbers == heads * T * T


def test_only_context_and_logsumexp_are_kept_for_the_backward_pass():
    leaves = qkv()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda x: x):
        out = attend(*leaves)
    inputs = {x.data_ptr() for x in (*leaves, out)}
    new = [x for x in kept if x.data_ptr() not in inputs]
    assert [tuple(x.shape) for x in new] == [(B, H, T_Q, 1)]


def test_scale_of_none_is_that_of_the_head():
    leaves = qkv()
    torch.testing.assert_close(attend(*leaves), attend(*leaves, scale=D**-0.5))


def test_values_of_the_default_tiles_reach_beyond_one_tile():
    query, key, value = (torch.randn(1, 1, T, 8) for T in (300, 700, 700))
    mask = padding_mask(torch.tensor([650]), 700)[:, None, None]
    torch.testing.assert_close(
        tiled_attention(query, key, value, key_lengths=torch.tensor([650])),
        scaled_dot_product_attention(query, key, value, mask),
    )


def test_second_derivatives_are_refused():
    leaves = qkv()
    loss = attend(*leaves).square().sum()
    with pytest.raises(RuntimeError, match=r"first derivatives only, got create_graph=True"):
        grad(loss, leaves[0], create_graph=True)


def replaced(**changes):
    arguments = dict(zip(("query", "key", "value"), qkv(), strict=True))
    return arguments | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"query": torch.zeros(B, T_Q, D)},
            r"query must have shape \(B, H, T, D\), got \(2, 13, 4\)",
        ),
        ({"key": torch.zeros(B, H_KV, T_K, D)}, "share a floating dtype, got torch.float64, torch"),
        ({"value": torch.zeros(B, H_KV, T_K, D_V).long()}, "share a floating dtype, got .*int64"),
        ({"key": torch.zeros(B, 4, T_K, D).double()}, "query's heads must be a multiple of key's"),
        ({"key": torch.zeros(B, H_KV, T_K, 3).double()}, "query and key must share D, got 4 and 3"),
        ({"value": torch.zeros(B, H_KV, 9, 5).double()}, "must share T_k, got 17 and 9"),
        ({"tile_q": 0}, "tile_q must be at least 1, got 0"),
        ({"tile_k": -1}, "tile_k must be at least 1, got -1"),
        ({"key_lengths": torch.zeros(3).long()}, r"shape \(B,\) = \(2,\), got \(3,\)"),
        ({"key_lengths": torch.zeros(B)}, "key_lengths must be integers, got torch.float32"),
        ({"key_lengths": torch.ones(B).bool()}, "key_lengths must be integers, got torch.bool"),
        ({"key_lengths": torch.tensor([3, 18])}, r"from 0 to T_k = 17, got \[3, 18\]"),
        ({"key_lengths": torch.tensor([-1, 3])}, r"from 0 to T_k = 17, got \[-1, 3\]"),
    ],
)
def test_what_does_not_fit(changes, message):
    with pytest.raises(ValueError, match=message):
        tiled_attention(**replaced(**changes))
