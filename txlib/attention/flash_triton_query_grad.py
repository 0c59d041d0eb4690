"""The gradient of the queries as Triton kernels: Dao 2023, section 3.1.2.

The paper adds to it atomically while it loops over the keys. Here a kernel of its own walks as the
forward pass does. That makes seven products of tiles in the whole backward pass instead of five,
and in return the result does not depend on the order in which programs happen to run.
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
    visible_keys,
)
from txlib.attention.flash_triton_tiles import Tiles, choose, heads_in_cache

DELTA_ROWS = 64


@triton.jit(do_not_specialize=["H", "T_q"])
def delta_kernel(
    context_tiles, context_grad_tiles, deltas, H, T_q, TILE_Q: tl.constexpr, HEAD_DIM: tl.constexpr
):
    """What the softmax takes off each row of gradients: the context's share in its own gradient."""
    num_tiles = count_tiles(T_q, TILE_Q)
    head, first = tl.program_id(0) // num_tiles, tl.program_id(0) % num_tiles * TILE_Q
    context = load_tile(context_tiles, head // H, head % H, first, TILE_Q, HEAD_DIM).to(tl.float32)
    context_grad = load_tile(context_grad_tiles, head // H, head % H, first, TILE_Q, HEAD_DIM).to(
        tl.float32
    )
    rows = first + tl.arange(0, TILE_Q)
    at = deltas + head.to(tl.int64) * T_q + rows
    tl.store(at, tl.sum(context * context_grad, 1), mask=rows < T_q)


@triton.jit
def add_to_query_grad(
    query, key, value, context_grad, logsumexp, delta, seen, query_grad, scale,
    MASKED: tl.constexpr,
):  # fmt: skip
    """What one tile of keys and values contributes to the gradient of one tile of queries."""
    weights = tl.exp2(tl.dot(query, key.T) * scale - logsumexp[:, None])
    if MASKED:
        visible = tl.arange(0, key.shape[0])[None, :] < seen[:, None]
        weights = tl.where(visible, weights, 0.0)
    weights_grad = tl.dot(context_grad, value.T)
    scores_grad = weights * (weights_grad - delta[:, None])
    return tl.dot(scores_grad.to(key.dtype), key, query_grad)


@triton.jit(do_not_specialize=["H", "H_kv", "T_q", "T_k", "num_heads", "heads_together"])
def query_grad_kernel(
    query_tiles,
    key_tiles,
    value_tiles,
    context_grad_tiles,
    query_grad_tiles,
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
    """One tile of queries of one head, against all keys that they saw: the forward pass's loops."""
    num_tiles = count_tiles(T_q, TILE_Q)
    tile, head = locate(num_tiles, num_heads, heads_together)
    if IS_CAUSAL:
        tile = num_tiles - 1 - tile
    first = tile * TILE_Q
    at = head.to(tl.int64) * T_q
    logsumexp = load_rows(logsumexps + at, first, T_q, float("inf"), TILE_Q)
    delta = load_rows(deltas + at, first, T_q, 0.0, TILE_Q)
    batch, head = head // H, head % H
    kv_head = head // (H // H_kv)
    num_keys = count_keys(key_lengths, batch, T_k)
    limits, unmasked, end = visible_keys(first, num_keys, T_q, T_k, IS_CAUSAL, TILE_Q, TILE_K)

    query = load_tile(query_tiles, batch, head, first, TILE_Q, HEAD_DIM)
    context_grad = load_tile(context_grad_tiles, batch, head, first, TILE_Q, HEAD_DIM)
    query_grad = tl.full([TILE_Q, HEAD_DIM], 0.0, tl.float32)
    for MASKED in tl.static_range(2):
        from_key, to_key = (unmasked, end) if MASKED else (0, unmasked)
        for start in tl.range(from_key, to_key, TILE_K):
            key = load_tile(key_tiles, batch, kv_head, start, TILE_K, HEAD_DIM)
            value = load_tile(value_tiles, batch, kv_head, start, TILE_K, HEAD_DIM)
            query_grad = add_to_query_grad(
                query, key, value, context_grad, logsumexp, delta, limits - start,
                query_grad, scale * LOG2_E, MASKED,
            )  # fmt: skip
    store_tile(query_grad_tiles, batch, head, first, query_grad * scale)


def row_deltas(context: Tensor, context_grad: Tensor) -> Tensor:
    """Per query, the dot product of its context (B, H, T_q, D) with the gradient: (B, H, T_q)."""
    B, H, T_q, D = context.shape
    deltas = torch.empty(B, H, T_q, dtype=torch.float32, device=context.device)
    rows = DELTA_ROWS
    delta_kernel[(triton.cdiv(T_q, rows) * B * H,)](
        describe(context, rows),
        describe(context_grad, rows),
        deltas,
        H,
        T_q,
        TILE_Q=rows,
        HEAD_DIM=D,
    )
    return deltas


def query_grads(
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
) -> Tensor:
    """Launch the kernel: the gradient of `query`. The arguments are those of `key_grads`."""
    B, H, T_q, D = query.shape
    _, H_kv, T_k, _ = key.shape
    query_grad = torch.empty_like(query)
    heads_together = heads_in_cache(key, value) * (H // H_kv)

    def launch(tiles: Tiles) -> None:
        query_grad_kernel[(triton.cdiv(T_q, tiles.tile_q) * B * H,)](
            describe(query, tiles.tile_q),
            describe(key, tiles.tile_k),
            describe(value, tiles.tile_k),
            describe(context_grad, tiles.tile_q),
            describe(query_grad, tiles.tile_q),
            logsumexps,
            deltas,
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

    launch(choose("query_grad", query, key, is_causal, launch))
    return query_grad
