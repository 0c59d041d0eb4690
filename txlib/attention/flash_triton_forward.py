"""FlashAttention's forward pass as a Triton kernel: Dao 2023 (FlashAttention-2), algorithm 1.

One program makes one tile of the context. It keeps its queries on the chip, streams the keys and
values past them tile by tile, and writes each result to slow memory once: the context, and one
float per query from which the backward pass gets every weight back.
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
    load_tile,
    locate,
    store_tile,
    visible_keys,
)
from txlib.attention.flash_triton_tiles import Tiles, choose, heads_in_cache


@triton.jit
def absorb(query, key, value, seen, peak, total, context, scale, MASKED: tl.constexpr):
    """One step of the online softmax: the old sums shrink to the new peak, the tile joins them."""
    scores = tl.dot(query, key.T)  # (TILE_Q, TILE_K), unscaled
    if MASKED:
        visible = tl.arange(0, key.shape[0])[None, :] < seen[:, None]
        scores = tl.where(visible, scores, float("-inf"))
    new_peak = tl.maximum(peak, tl.max(scores, 1) * scale)
    reference = new_peak
    if MASKED:
        reference = tl.where(new_peak == float("-inf"), 0.0, new_peak)  # -inf - -inf is NaN
    weights = tl.exp2(scores * scale - reference[:, None])  # scale holds log2(e)
    shrink = tl.exp2(peak - reference)
    total = total * shrink + tl.sum(weights, 1)
    context = tl.dot(weights.to(value.dtype), value, context * shrink[:, None])
    return new_peak, total, context


@triton.jit(do_not_specialize=["H", "H_kv", "T_q", "T_k", "num_heads", "heads_together"])
def forward_kernel(
    query_tiles,
    key_tiles,
    value_tiles,
    context_tiles,
    logsumexps,  # float32 (B, H, T_q), in base 2
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
    """One tile of queries of one head against all keys that they may see."""
    num_tiles = count_tiles(T_q, TILE_Q)
    tile, head = locate(num_tiles, num_heads, heads_together)
    if IS_CAUSAL:
        tile = num_tiles - 1 - tile  # the last queries see the most keys: begin with the long work
    batch, head = head // H, head % H
    kv_head = head // (H // H_kv)
    first = tile * TILE_Q
    rows = first + tl.arange(0, TILE_Q)

    num_keys = count_keys(key_lengths, batch, T_k)
    limits, unmasked, end = visible_keys(first, num_keys, T_q, T_k, IS_CAUSAL, TILE_Q, TILE_K)
    query = load_tile(query_tiles, batch, head, first, TILE_Q, HEAD_DIM)
    peak = tl.full([TILE_Q], float("-inf"), tl.float32)
    total = tl.full([TILE_Q], 0.0, tl.float32)
    context = tl.full([TILE_Q, HEAD_DIM], 0.0, tl.float32)
    for MASKED in tl.static_range(2):  # first the tiles of which every row sees all
        from_key, to_key = (unmasked, end) if MASKED else (0, unmasked)
        for start in tl.range(from_key, to_key, TILE_K):
            key = load_tile(key_tiles, batch, kv_head, start, TILE_K, HEAD_DIM)
            value = load_tile(value_tiles, batch, kv_head, start, TILE_K, HEAD_DIM)
            seen = limits - start
            peak, total, context = absorb(
                query, key, value, seen, peak, total, context, scale * LOG2_E, MASKED
            )

    blind = total == 0
    total = tl.where(blind, 1.0, total)
    store_tile(context_tiles, batch, head, first, context / total[:, None])
    # of a row that sees nothing exp2(score - inf) = 0, whatever the backward pass asks for
    logsumexp = tl.where(blind, float("inf"), peak + tl.log2(total))
    at = (batch * H + head).to(tl.int64) * T_q + rows
    tl.store(logsumexps + at, logsumexp, mask=rows < T_q)


def forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_lengths: Tensor | None,
    *,
    is_causal: bool,
    scale: float,
) -> tuple[Tensor, Tensor]:
    """Launch the kernel.

    Args:
        query: (B, H, T_q, D), as `tileable` returns it; so are the next two.
        key: (B, H_kv, T_k, D).
        value: (B, H_kv, T_k, D).
        key_lengths: int64 (B,), or None.
        is_causal: hide the future too.
        scale: above 0.

    Returns:
        The context, as `query`; and the logsumexp of the scaled scores in base 2, float32
        (B, H, T_q), infinite for a row that sees nothing.
    """
    B, H, T_q, D = query.shape
    _, H_kv, T_k, _ = key.shape
    context = torch.empty_like(query)
    logsumexps = torch.empty(B, H, T_q, dtype=torch.float32, device=query.device)
    heads_together = heads_in_cache(key, value) * (H // H_kv)

    def launch(tiles: Tiles) -> None:
        forward_kernel[(triton.cdiv(T_q, tiles.tile_q) * B * H,)](
            describe(query, tiles.tile_q),
            describe(key, tiles.tile_k),
            describe(value, tiles.tile_k),
            describe(context, tiles.tile_q),
            logsumexps,
            key_lengths,
            scale,
            H,
            H_kv,
            T_q,
            T_k,
            B * H,
            heads_together,
            IS_CAUSAL=is_causal,
            TILE_Q=tiles.tile_q,
            TILE_K=tiles.tile_k,
            HEAD_DIM=D,
            num_warps=tiles.num_warps,
            num_stages=tiles.num_stages,
        )

    launch(choose("forward", query, key, is_causal, launch))
    return context, logsumexps
