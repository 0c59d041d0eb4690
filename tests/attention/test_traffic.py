import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from txlib.attention import (
    Traffic,
    count_traffic,
    fast_memory_needed,
    pick_tiles,
    scaled_dot_product_attention,
    standard_attention,
    tiled_attention,
)
from txlib.attention.traffic import load, store

B, H, H_KV, T_Q, T_K, D, D_V = 2, 6, 3, 16, 24, 4, 5  # all different: a swapped axis cannot pass


def qkv(T_q=T_Q, T_k=T_K, heads=H, kv_heads=H_KV, batch=B, dtype=torch.float32, d=D, d_v=D_V):
    sizes = (heads, T_q, d), (kv_heads, T_k, d), (kv_heads, T_k, d_v)
    return tuple(torch.randn(batch, *size).to(dtype).requires_grad_() for size in sizes)


def slope(xs, ys):
    """Of the straight line through the points, on paper where both axes are logarithmic."""
    x, y = (torch.tensor(values, dtype=torch.float64).log() for values in (xs, ys))
    x = x - x.mean()
    return float((x * y).sum() / (x * x).sum())


def test_loads_and_stores_by_hand():
    numbers = torch.arange(6.0).view(2, 3)
    with count_traffic() as traffic:
        assert load(numbers) is numbers
        load(numbers[:1].half())
        assert store(numbers) is numbers
    assert traffic == Traffic(read=9, written=6, bytes_read=6 * 4 + 3 * 2, bytes_written=24)
    assert (traffic.total, traffic.total_bytes) == (15, 54)
    load(numbers)
    assert traffic.total == 15


def test_two_queries_and_three_keys_by_hand():
    query, key, value = qkv(2, 3, heads=1, kv_heads=1, batch=1, d=4, d_v=4)
    with count_traffic() as traffic, torch.no_grad():
        tiled_attention(query, key, value, tile_q=1, tile_k=1)
    assert traffic.read == 2 * 4 + 2 * (3 * 4 + 3 * 4)  # each query meets all keys and values
    assert traffic.written == 2 * 4 + 2  # context and logsumexp


@pytest.mark.parametrize(("tile_q", "tile_k"), [(4, 8), (8, 3), (16, 24), (1, 1)])
def test_forward_equals_the_closed_form(tile_q, tile_k):
    with count_traffic() as traffic:
        tiled_attention(*qkv(), tile_q=tile_q, tile_k=tile_k)
    keys_and_values = B * H_KV * T_K * (D + D_V)  # for all heads of a group at once
    assert traffic.read == B * H * T_Q * D + T_Q // tile_q * keys_and_values
    assert traffic.written == B * H * T_Q * (D_V + 1)
    assert traffic.total_bytes == 4 * traffic.total


@pytest.mark.parametrize(("tile_q", "tile_k"), [(4, 8), (8, 3), (16, 24), (1, 1)])
def test_backward_equals_the_closed_form(tile_q, tile_k):
    out = tiled_attention(*qkv(), tile_q=tile_q, tile_k=tile_k)
    with count_traffic() as traffic:
        out.sum().backward()
    queries, keys, each = B * H * T_Q, B * H_KV * T_K, T_K // tile_k
    products = queries * 2 * D_V  # of the gradient of the context with the context
    inside = queries * (D + D_V + 2 + D)  # query, its context's gradient, two numbers, the sum
    assert traffic.read == products + keys * (D + D_V) + each * inside
    assert traffic.written == queries * (1 + D) + each * queries * D + keys * (D + D_V)


def test_causal_skips_what_nobody_sees():
    T, tile = 32, 4
    with count_traffic() as traffic:
        tiled_attention(*qkv(T, T), is_causal=True, tile_q=tile, tile_k=tile)
    meetings = sum(range(1, T // tile + 1))  # of tiles, on the diagonal and below
    assert traffic.read == B * H * T * D + meetings * B * H_KV * tile * (D + D_V)


def test_key_lengths_bound_what_is_read():
    with count_traffic() as traffic:
        tiled_attention(*qkv(), key_lengths=torch.tensor([5, 10]), tile_q=8, tile_k=4)
    assert traffic.read == B * H * T_Q * D + T_Q // 8 * B * H_KV * 10 * (D + D_V)


def test_bytes_are_those_of_slow_memory():
    with count_traffic() as traffic:
        tiled_attention(*qkv(dtype=torch.bfloat16))
    assert traffic.bytes_read == 2 * traffic.read
    assert traffic.bytes_written == B * H * T_Q * (2 * D_V + 4)  # logsumexp is float32


def test_standard_attention_equals_the_closed_form():
    with count_traffic() as traffic:
        standard_attention(*qkv())
    pairs = B * H * T_Q * T_K
    assert traffic.read == B * H * T_Q * D + B * H_KV * T_K * (D + D_V) + 2 * pairs
    assert traffic.written == 2 * pairs + B * H * T_Q * D_V


@pytest.mark.parametrize("is_causal", [False, True])
@pytest.mark.parametrize("scale", [None, 0.3])
def test_standard_attention_is_attention(is_causal, scale, collect):
    leaves = [leaf.double() for leaf in qkv(T_K, T_Q)]
    options = {"is_causal": is_causal, "scale": scale}
    mine = collect(lambda *x: standard_attention(*x, **options), *leaves)
    theirs = collect(lambda *x: scaled_dot_product_attention(*x, **options), *leaves)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b)


def test_traffic_falls_as_one_over_fast_memory():
    n, d = 512, 16
    leaves = [torch.randn(1, 1, n, d) for _ in range(3)]
    budgets, moved = [500 * 2**i for i in range(5)], []
    for budget in budgets:
        tile_q, tile_k = pick_tiles(budget, d)
        with count_traffic() as traffic:
            tiled_attention(*leaves, tile_q=tile_q, tile_k=tile_k)
        moved.append(traffic.total - n * (2 * d + 1))  # less query, context, logsumexp: once each
        assert 4 * n**2 * d**2 / budget <= moved[-1] <= 12 * n**2 * d**2 / budget
    assert -1.1 < slope(budgets, moved) < -0.9


def test_traffic_grows_with_the_square_of_the_length_whoever_attends():
    lengths, tiled, standard = [64, 128, 256, 512], [], []
    for n in lengths:
        leaves = [torch.randn(1, 1, n, 8) for _ in range(3)]
        with count_traffic() as traffic:
            tiled_attention(*leaves, tile_q=16, tile_k=16)
        tiled.append(traffic.total)
        with count_traffic() as traffic:
            standard_attention(*leaves)
        standard.append(traffic.total)
    assert 1.7 < slope(lengths, tiled) < 2  # not O(n d): only the extra memory is
    assert 1.9 < slope(lengths, standard) < 2
    assert standard[-1] > 3 * tiled[-1]


def test_counts_may_be_nested_and_end_after_an_error():
    numbers = torch.zeros(3)
    with count_traffic() as outer:
        load(numbers)
        with count_traffic() as inner:
            store(numbers)
        load(numbers)
    assert (outer.read, outer.written, inner.read, inner.written) == (6, 3, 0, 3)

    with pytest.raises(KeyError), count_traffic() as failed:
        raise KeyError
    load(numbers)
    assert failed.total == 0


def test_fast_memory_by_hand():
    query, context, statistics, key, value, scores = 3 * 4, 3 * 4, 3 * 2, 5 * 4, 5 * 4, 3 * 5
    needed = query + context + statistics + key + value + scores
    assert fast_memory_needed(3, 5, 4) == needed


@settings(max_examples=200, deadline=None)
@given(head_dim=st.integers(1, 256), room=st.integers(0, 10**6))
def test_picked_tiles_fill_the_memory_and_do_not_exceed_it(head_dim, room):
    budget = fast_memory_needed(1, 1, head_dim) + room
    tile_q, tile_k = pick_tiles(budget, head_dim)
    assert fast_memory_needed(tile_q, tile_k, head_dim) <= budget
    assert fast_memory_needed(tile_q + 1, tile_k, head_dim) > budget
    assert tile_k <= head_dim
    if tile_k < head_dim:
        assert tile_k <= tile_q
        assert fast_memory_needed(tile_k + 1, tile_k + 1, head_dim) > budget


def test_tiles_of_large_memories_do_not_lose_a_number_to_rounding():
    tile_q, tile_k = pick_tiles(2**62, 64)
    assert tile_k == 64
    assert tile_q == (2**62 - 128 * 64) // (130 + 64)
    assert math.isclose(fast_memory_needed(tile_q, tile_k, 64), 2**62)


@pytest.mark.parametrize("name", ["tile_q", "tile_k", "head_dim"])
def test_sizes_below_one(name):
    sizes = {"tile_q": 2, "tile_k": 3, "head_dim": 4} | {name: 0}
    with pytest.raises(ValueError, match=rf"^{name} must be at least 1, got 0$"):
        fast_memory_needed(**sizes)


def test_no_room_for_one_query_and_one_key():
    least = fast_memory_needed(1, 1, 8)
    assert pick_tiles(least, 8) == (1, 1)
    with pytest.raises(ValueError, match=rf"fast_memory must be at least {least}, got {least - 1}"):
        pick_tiles(least - 1, 8)
    with pytest.raises(ValueError, match="head_dim must be at least 1, got 0"):
        pick_tiles(100, 0)


def test_standard_attention_refuses_what_does_not_fit():
    query, key, value = qkv()
    with pytest.raises(ValueError, match="must share T_k, got 24 and 9"):
        standard_attention(query, key, value[:, :, :9])
