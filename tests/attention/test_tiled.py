import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from txlib.attention import padding_mask, scaled_dot_product_attention, tiled_attention

B, H, T_Q, T_K, D, D_V = 2, 6, 13, 17, 4, 5  # all different: a swapped axis cannot pass
TILES = [(1, 1), (16, 33), (33, 16), (64, 64), (500, 500)]
SIZES = [(1, 1), (1, 129), (7, 17), (113, 113), (129, 257), (257, 129)]

causal = pytest.mark.parametrize("is_causal", [False, True])
groups = pytest.mark.parametrize("H_kv", [1, 2, 3, 6])


def qkv(T_q=T_Q, T_k=T_K, H_kv=3, heads=H, dtype=torch.float64):
    sizes = (heads, T_q, D), (H_kv, T_k, D), (H_kv, T_k, D_V)
    return tuple(torch.randn(B, *size, dtype=dtype) for size in sizes)


def reference(query, key, value, *, key_lengths=None, is_causal=False, scale=None):
    mask = None if key_lengths is None else padding_mask(key_lengths, key.shape[2])[:, None, None]
    return scaled_dot_product_attention(query, key, value, mask, is_causal=is_causal, scale=scale)


def assert_same(mine, theirs, atol=1e-10):
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=atol)


@pytest.mark.parametrize("tile_k", [1, 2, 3])
def test_three_keys_by_hand(tile_k):
    query = torch.tensor([[[[2 * math.log(3), 0.0, 0.0, 0.0]]]], requires_grad=True)
    key = torch.eye(4)[[1, 0, 2]][None, None].requires_grad_()  # scores 0, ln 3, 0
    value = torch.tensor([[[[1.0], [2.0], [6.0]]]], requires_grad=True)
    out = tiled_attention(query, key, value, tile_k=tile_k)
    torch.testing.assert_close(out.item(), (1 + 3 * 2 + 6) / 5)
    out.backward()
    torch.testing.assert_close(value.grad.flatten(), torch.tensor([0.2, 0.6, 0.2]))
    scores_grad = torch.tensor([0.2, 0.6, 0.2]) * (torch.tensor([1.0, 2.0, 6.0]) - 2.6)
    torch.testing.assert_close(query.grad.flatten()[[1, 0, 2]], scores_grad / 2)
    torch.testing.assert_close(key.grad[0, 0, :, 0], scores_grad * math.log(3))


@causal
@pytest.mark.parametrize("tiles", TILES)
@pytest.mark.parametrize(("T_q", "T_k"), SIZES)
def test_equals_the_readable_path_in_values_and_gradients(T_q, T_k, tiles, is_causal, collect):
    if T_q * T_k > 1_000 and 1 in tiles:
        tiles = (16, 15)  # one by one it is the smaller sizes' turn
    leaves = qkv(T_q, T_k, heads=2, H_kv=1)
    attend = partial(tiled_attention, is_causal=is_causal, tile_q=tiles[0], tile_k=tiles[1])
    assert_same(collect(attend, *leaves), collect(partial(reference, is_causal=is_causal), *leaves))


@causal
@groups
@pytest.mark.parametrize("lengths", [None, (0, 9), (11, 16), (17, 17)])
def test_key_lengths_and_groups(H_kv, lengths, is_causal, collect):
    options = {"is_causal": is_causal, "key_lengths": lengths and torch.tensor(lengths)}
    leaves = qkv(H_kv=H_kv)
    attend = partial(tiled_attention, tile_q=4, tile_k=5, **options)
    assert_same(collect(attend, *leaves), collect(partial(reference, **options), *leaves))


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_shape_any_tiles(data, collect):
    torch.manual_seed(data.draw(st.integers(0, 99), label="seed"))
    T_q, T_k = (data.draw(st.integers(0, 12), label=name) for name in ("T_q", "T_k"))
    tile_q, tile_k = (data.draw(st.integers(1, 14), label=name) for name in ("tile_q", "tile_k"))
    H_kv, times = (data.draw(st.integers(1, 3), label=name) for name in ("H_kv", "times"))
    lengths = data.draw(st.lists(st.integers(0, T_k), min_size=B, max_size=B), label="lengths")
    options = {
        "is_causal": data.draw(st.booleans(), label="is_causal"),
        "key_lengths": data.draw(st.sampled_from([None, torch.tensor(lengths)])),
        "scale": data.draw(st.sampled_from([None, 0.3, -2.0]), label="scale"),
    }
    leaves = qkv(T_q, T_k, H_kv, heads=H_kv * times)
    attend = partial(tiled_attention, tile_q=tile_q, tile_k=tile_k, **options)
    assert_same(collect(attend, *leaves), collect(partial(reference, **options), *leaves))


@causal
@pytest.mark.parametrize("lengths", [None, (3, 0)])
def test_gradients_by_finite_differences(is_causal, lengths):
    leaves = [leaf.requires_grad_() for leaf in qkv(T_q=3, T_k=5, H_kv=1, heads=2)]
    key_lengths = lengths and torch.tensor(lengths)
    options = {"is_causal": is_causal, "key_lengths": key_lengths, "tile_q": 2, "tile_k": 2}
    torch.autograd.gradcheck(partial(tiled_attention, **options), leaves)


def flash_rule(mine, plain, exact):
    """At most twice the error of the formula in the same precision, both against float64."""
    for a, b, e in zip(mine, plain, exact, strict=True):
        assert a.dtype == b.dtype
        assert (a - e).abs().max() <= 2 * (b - e).abs().max()


@causal
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("T_q", "T_k"), [(17, 129), (57, 57), (65, 33)])
def test_errs_at_most_twice_as_much_as_the_formula(dtype, T_q, T_k, is_causal, collect, as_written):
    sizes = (4, T_q, 32), (2, T_k, 32), (2, T_k, 24)
    leaves = [torch.randn(B, *size).to(dtype) for size in sizes]
    mask = torch.ones(T_q, T_k, dtype=torch.bool).tril(T_k - T_q) if is_causal else None

    def formula(query, key, value):
        key, value = (x.repeat_interleave(2, dim=1) for x in (key, value))
        context = as_written(query @ key.mT / math.sqrt(32), value, mask)
        return context if mask is None else context.where(mask.any(-1, keepdim=True), 0.0)

    attend = partial(tiled_attention, is_causal=is_causal, tile_q=16, tile_k=33)
    exact = collect(partial(reference, is_causal=is_causal), *(leaf.double() for leaf in leaves))
    if T_q > T_k and is_causal:  # the formula's own gradient is NaN where nothing is seen
        flash_rule([attend(*leaves)], [formula(*leaves)], exact[:1])
    else:
        flash_rule(collect(attend, *leaves), collect(formula, *leaves), exact)


@pytest.mark.parametrize("tiles", [(1, 1), (7, 3), (64, 64)])
def test_changing_the_future_changes_nothing(tiles):
    query, key, value = qkv(T_q=17)
    attend = partial(tiled_attention, is_causal=True, tile_q=tiles[0], tile_k=tiles[1])
    before = attend(query, key, value)
    for t in (0, 6, 15):
        other = [x.clone() for x in (key, value)]
        for x in other:
            x[:, :, t + 1 :] *= -100
        assert torch.equal(attend(query, *other)[:, :, : t + 1], before[:, :, : t + 1])
