"""Not collected: `test_flash_triton.py` runs this file in a process of its own.

Whether Triton compiles or interprets is asked at its import, once for a process: other tests of the
same worker are none of its business. Without TRITON_INTERPRET=1 it wants a GPU.
"""

import math
import warnings

import pytest
import torch

from txlib.attention import (
    flash_triton_access,
    flash_triton_forward,
    fused_attention,
    scaled_dot_product_attention,
)
from txlib.attention.flash_triton import flash_attention

ON_GPU = not flash_triton_access.INTERPRETED
DEVICE = "cuda" if ON_GPU else "cpu"
DTYPES = (torch.float16, torch.bfloat16) if ON_GPU else (torch.float16, torch.float32)
D = 32
CASES = {  # T_q, T_k, H, H_kv, is_causal, key_lengths
    "one query and one key": (1, 1, 2, 2, True, None),
    "decoding from a cache": (1, 65, 4, 2, True, None),
    "square, causal": (65, 65, 2, 1, True, None),
    "square": (33, 33, 2, 2, False, None),
    "newest queries": (32, 97, 4, 2, True, None),  # the last tile of keys holds one
    "more queries than keys": (65, 17, 4, 1, True, None),
    "unequal": (17, 33, 4, 1, False, None),
    "lengths": (17, 65, 1, 1, False, (0, 33, 65)),
    "lengths, causal": (34, 80, 2, 1, True, (80, 17, 40)),  # a mask cuts a tile's last corner
}

dtypes = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def tensors(T_q, T_k, H=2, H_kv=1, *, B=3, dtype=DTYPES[0], head_dim=D):
    sizes = ((H, T_q), (H_kv, T_k), (H_kv, T_k))
    return [torch.randn(B, *size, head_dim, device=DEVICE).to(dtype) for size in sizes]


def padding(key_lengths, T_k):
    if key_lengths is None:
        return None
    return torch.arange(T_k, device=DEVICE) < key_lengths[:, None, None, None]


def err_at_most_twice_as_much_as_the_formula(leaves, collect, *, key_lengths, is_causal):
    """Values and all gradients, each against float64."""
    mask = padding(key_lengths, leaves[1].shape[2])

    def mine(*qkv):
        return flash_attention(*qkv, key_lengths=key_lengths, is_causal=is_causal)

    def formula(*qkv):
        return scaled_dot_product_attention(*qkv, mask, is_causal=is_causal)

    exact = collect(formula, *(leaf.double() for leaf in leaves))
    for e, a, b in zip(exact, collect(mine, *leaves), collect(formula, *leaves), strict=True):
        assert a.dtype == leaves[0].dtype
        assert a.shape == e.shape
        assert (a - e).norm() <= 2 * (b - e).norm() + 4e-6  # of one key the formula errs nowhere


def test_by_hand():
    query, key, value = (torch.zeros(1, 1, 2, D, device=DEVICE) for _ in range(3))
    query[..., 0] = 2 * math.log(3)
    key[0, 0, 1, 0] = math.sqrt(D) / 2  # scores 0 and ln 3
    value[0, 0, :, 1] = torch.tensor([4.0, 8.0])
    out = flash_attention(*(x.half() for x in (query, key, value)), is_causal=True)
    torch.testing.assert_close(
        out[0, 0, :, 1].cpu(), torch.tensor([4.0, 7.0]).half(), rtol=2e-3, atol=0
    )
    assert out[..., [0, *range(2, D)]].eq(0).all()


@dtypes
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_values_and_gradients_are_those_of_the_formula(case, dtype, collect):
    T_q, T_k, H, H_kv, is_causal, key_lengths = case
    if key_lengths is not None:
        key_lengths = torch.tensor(key_lengths, device=DEVICE)
    leaves = tensors(T_q, T_k, H, H_kv, dtype=dtype, B=1 if key_lengths is None else 3)
    err_at_most_twice_as_much_as_the_formula(
        leaves, collect, key_lengths=key_lengths, is_causal=is_causal
    )


@dtypes
@pytest.mark.parametrize("heads_together", [1, 2, 3])
def test_older_gpus_address_the_same_tiles(dtype, heads_together, collect, monkeypatch):
    monkeypatch.setattr(flash_triton_access, "has_copy_engine", lambda _: False)
    monkeypatch.setattr(flash_triton_forward, "heads_in_cache", lambda *_: heads_together)
    lengths = torch.tensor([20, 17, 0], device=DEVICE)
    err_at_most_twice_as_much_as_the_formula(
        tensors(17, 33, 2, 1, dtype=dtype), collect, key_lengths=lengths, is_causal=True
    )


def test_wider_heads(collect):
    for head_dim in (64, 128):
        err_at_most_twice_as_much_as_the_formula(
            tensors(17, 33, B=1, head_dim=head_dim), collect, key_lengths=None, is_causal=True
        )


def test_rows_that_see_nothing_are_zero_and_differentiable():
    leaves = [leaf.requires_grad_() for leaf in tensors(33, 17)]
    lengths = torch.tensor([17, 0, 9], device=DEVICE)
    out = flash_attention(*leaves, key_lengths=lengths, is_causal=True)
    out.float().sum().backward()
    assert out[:, :, : 33 - 17].eq(0).all()
    assert out[1].eq(0).all()
    assert out[0, :, -1].ne(0).any()
    assert all(leaf.grad.isfinite().all() for leaf in leaves)
    assert all(leaf.grad[1].eq(0).all() for leaf in leaves)
    assert all(leaf.grad[2, :, 9:].eq(0).all() for leaf in leaves[1:])


def test_how_the_tensors_lie_makes_no_difference():
    plain = tensors(17, 33, 4, 2, B=2)
    expected = flash_attention(*plain, is_causal=True)

    def lain_as(change):
        moved = [change(x) for x in plain]
        before = [x.clone() for x in moved]
        out = flash_attention(*moved, is_causal=True)
        assert all(x.equal(old) for x, old in zip(moved, before, strict=True))
        assert out.equal(expected)
        return out

    out = lain_as(lambda x: x.transpose(1, 2).contiguous().transpose(1, 2))
    assert out.transpose(1, 2).is_contiguous()  # heads can be joined without a copy
    lain_as(lambda x: torch.stack((x, x), dim=-1)[..., 0])
    lain_as(lambda x: torch.cat((x, x[..., :1]), dim=-1)[..., :D])  # odd steps


def test_scale(collect):
    leaves = tensors(17, 33)
    mine = collect(lambda *qkv: flash_attention(*qkv, scale=0.3), *leaves)
    expected = collect(lambda *qkv: fused_attention(*qkv, scale=0.3), *leaves)
    torch.testing.assert_close(mine, expected, rtol=1e-2, atol=2e-2)


def test_large_scores_do_not_overflow():
    query, key, value = tensors(17, 33)
    out = flash_attention(query * 60, key * 60, value)
    assert out.isfinite().all()
    assert (out.abs() <= value.abs().amax(dim=(1, 2), keepdim=True) * 1.01).all()


def test_it_is_differentiated_once():
    leaves = [leaf.requires_grad_() for leaf in tensors(1, 1)]
    loss = flash_attention(*leaves).square().sum()
    (grad,) = torch.autograd.grad(loss, leaves[:1], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


def test_where_it_runs_it_is_silent(recwarn):
    flash_attention(*tensors(1, 3))
    assert not recwarn.list


@pytest.mark.skipif(not ON_GPU, reason="too slow for the interpreter")
@pytest.mark.parametrize("head_dim", [32, 64, 128])
@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize(
    ("T_q", "T_k"), [(1, 999), (127, 129), (1025, 1025), (2048, 2048), (300, 2500)]
)
@dtypes
def test_longer(T_q, T_k, is_causal, head_dim, dtype, collect):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for lengths in (None, torch.tensor([T_k, T_k // 2 + 1], device=DEVICE)):
            err_at_most_twice_as_much_as_the_formula(
                tensors(T_q, T_k, 4, 2, B=2, dtype=dtype, head_dim=head_dim),
                collect,
                key_lengths=lengths,
                is_causal=is_causal,
            )
