"""The gradients of keys and values as a Triton kernel: Dao 2023, algorithm 2, the loop over keys.

The weights are made anew, tile by tile, from the scores and each row's logsumexp. One program owns
one tile of keys and values and streams every query past it that sees them, also those of all the
heads that share the tile; so it writes each gradient once, and no two programs add to one number.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from txlib.attention.flash_triton_access import (
    LOG2_E,
    count_keys,
    count_tiles,
    describe,
    load_rows,
    load_tile,
    locate,
    store_tile,
)
from txlib.attention.flash_triton_tiles import Tiles, choose, heads_in_cache


@triton.jit
def add_to_key_grads(
    key, value, query, context_grad, logsumexp, delta, ahead, key_grad, value_grad, scale,
    MASKED: tl.constexpr,
):  # fmt: skip
    """What one tile of queries contributes to the gradients of one tile of keys and values.

    Everything stands transposed, (TILE_K, TILE_Q): so weights and gradients of scores go from
    registers into the next product as they are. `ahead` is how many keys row 0 of the queries
    stands before the tile's first key.
    """
    weights = tl.exp2(tl.dot(key, query.T) * scale - logsumexp[None, :])
    if MASKED:
        distance = tl.arange(0, query.shape[0])[None, :] - tl.arange(0, key.shape[0])[:, None]
        weights = tl.where(distance >= ahead, weights, 0.0)
    value_grad = tl.dot(weights.to(query.dtype), context_grad, value_grad)
    weights_grad = tl.dot(value, context_grad.T)
    scores_grad = weights * (weights_grad - delta[None, :])
    key_grad = tl.dot(scores_grad.to(query.dtype), query, key_grad)
    return key_grad, value_grad


@triton.jit(do_not_specialize=["H", "H_kv", "T_q", "T_k", "num_heads", "heads_together"])
def key_grad_kernel(
    query_tiles,
    key_tiles,
    value_tiles,
    context_grad_tiles,
    key_grad_tiles,
    value_grad_tiles,
    logsumexps,  # float32 (B, H, T_q), in base 2
    deltas,  # float32 (B, H, T_q)
    key_lengths,  # int64 (B,), or None
    scale,
    H,
    H_kv,
    T_q,
    T_k,
    num_heads,
    heads_together,
    IS_CAUSAL: tl.constexpr,
    TILE_Q: tl.constexpr,
    TILE_K: tl.constexpr,
    HEAD_DIM: tl.constexpr,
):
    """One tile of keys and values of one head, against all queries of its group that see it."""
    tile, head = locate(count_tiles(T_k, TILE_K), num_heads, heads_together)
    batch, kv_head = head // H_kv, head % H_kv
    first = tile * TILE_K
    num_keys = count_keys(key_lengths, batch, T_k)
    ahead = first - (T_k - T_q)  # query i sees key first + j if i - j >= ahead
    begin, unmasked, end = 0, 0, T_q
    if IS_CAUSAL:
        begin = max(ahead, 0) // TILE_Q * TILE_Q
        unmasked = count_tiles(max(ahead + TILE_K - 1, 0), TILE_Q) * TILE_Q
    if first >= num_keys:
        end = 0

    key = load_tile(key_tiles, batch, kv_head, first, TILE_K, HEAD_DIM)
    value = load_tile(value_tiles, batch, kv_head, first, TILE_K, HEAD_DIM)
    key_grad = tl.full([TILE_K, HEAD_DIM], 0.0, tl.float32)
    value_grad = tl.full([TILE_K, HEAD_DIM], 0.0, tl.float32)
    for member in tl.range(0, H // H_kv):  # of the heads that share this tile
        head = kv_head * (H // H_kv) + member
        at = (batch * H + head).to(tl.int64) * T_q
        for MASKED in tl.static_range(2 if IS_CAUSAL else 1):
            from_query, to_query = (begin, min(unmasked, end)) if MASKED else (unmasked, end)
            for start in tl.range(from_query, to_query, TILE_Q):
                query = load_tile(query_tiles, batch, head, start, TILE_Q, HEAD_DIM)
                context_grad = load_tile(context_grad_tiles, batch, head, start, TILE_Q, HEAD_DIM)
                logsumexp = load_rows(logsumexps + at, start, T_q, float("inf"), TILE_Q)
                delta = load_rows(deltas + at, start, T_q, 0.0, TILE_Q)
                key_grad, value_grad = add_to_key_grads(
                    key, value, query, context_grad, logsumexp, delta, ahead - start,
                    key_grad, value_grad, scale * LOG2_E, MASKED,
                )  # fmt: skip
    if key_lengths is not None:
        real = (first + tl.arange(0, TILE_K) < num_keys)[:, None]
        key_grad = tl.where(real, key_grad, 0.0)
        value_grad = tl.where(real, value_grad, 0.0)
    store_tile(key_grad_tiles, batch, kv_head, first, key_grad * scale)
    store_tile(value_grad_tiles, batch, kv_head, first, value_grad)


def key_grads(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    context_grad: Tensor,
    logsumexps: Tensor,
    deltas: Tensor,
    key_lengths: Tensor | None,
    *,
    is_causal: bool,
    scale: float,
) -> tuple[Tensor, Tensor]:
    """Launch the kernel.

    Args:
        query: (B, H, T_q, D), as `tileable` returns it; so are the next three.
        key: (B, H_kv, T_k, D).
        value: (B, H_kv, T_k, D).
        context_grad: (B, H, T_q, D), what the loss makes of the context.
        logsumexps: float32 (B, H, T_q), from `forward`.
        deltas: float32 (B, H, T_q), from `row_deltas`.
        key_lengths: integers (B,), or None.
        is_causal: hide the future too.
        scale: above 0.

    Returns:
        The gradients of `key` and of `value`.
    """
    B, H, T_q, D = query.shape
    _, H_kv, T_k, _ = key.shape
    key_grad, value_grad = torch.empty_like(key), torch.empty_like(value)
    heads_together = max(heads_in_cache(query, context_grad) // (H // H_kv), 1)

    def launch(tiles: Tiles) -> None:
        key_grad_kernel[(triton.cdiv(T_k, tiles.tile_k) * B * H_kv,)](
            describe(query, tiles.tile_q),
            describe(key, tiles.tile_k),
            describe(value, tiles.tile_k),
            describe(context_grad, tiles.tile_q),
            describe(key_grad, tiles.tile_k),
            describe(value_grad, tiles.tile_k),
            logsumexps,
            deltas,
            key_lengths,
            scale,
            H,
            H_kv,
            T_q,
            T_k,
            B * H_kv,
            heads_together,
            IS_CAUSAL=is_causal,
            TILE_Q=tiles.tile_q,
            TILE_K=tiles.tile_k,
            HEAD_DIM=D,
            num_warps=tiles.num_warps,
            num_stages=tiles.num_stages,
        )

    launch(choose("key_grad", query, key, is_causal, launch))
    return key_grad, value_grad
