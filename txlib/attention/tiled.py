"""Exact attention tile by tile, never all weights at once: FlashAttention in plain PyTorch."""

import math

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from txlib.attention.online_softmax import OnlineSoftmax
from txlib.attention.scaled_dot_product import check_shapes
from txlib.attention.tile_grid import TileGrid
from txlib.attention.traffic import load, store


def tiled_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    key_lengths: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    tile_q: int = 256,
    tile_k: int = 512,
) -> Tensor:
    r"""`scaled_dot_product_attention` in memory that grows with T, not with T_q * T_k.

    A tile of queries meets one tile of keys after the other, and an `OnlineSoftmax` remembers what
    it has seen. For the backward pass only the context and one number a query, the logsumexp, are
    kept beside the inputs: the weights are computed again, tile by tile. Batch and heads are in
    every product, so the largest tensor inside has B * H * `tile_q` * `tile_k` numbers. Computed in
    float32 where the inputs have less precision.

    Source: Dao et al. 2022 (FlashAttention), algorithms 1 and 4, in the order of loops of Dao 2023
    (FlashAttention-2), algorithms 1 and 2; chapter 8.

    Args:
        query: (B, H, T_q, D).
        key: (B, H_kv, T_k, D), H a multiple of H_kv: neighbouring heads of queries share one.
        value: (B, H_kv, T_k, D_v).
        key_lengths: integers (B,), 0 to T_k: of sentence b, keys from `key_lengths[b]` on may not
            be attended to. All may if None. Reading them waits for a GPU.
        is_causal: hide the future too, aligned lower-right: see `causal_mask`. Tiles that lie in it
            altogether are skipped.
        scale: what the dot products are multiplied by; $1/\sqrt{D}$ if None.
        tile_q: queries in a tile, at least 1. With H_kv < H those of all H / H_kv heads that share
            keys are taken together.
        tile_k: keys in a tile, at least 1.

    Returns:
        Context (B, H, T_q, D_v); zero for a query that may attend to nothing. It can be
        differentiated once.

    Raises:
        ValueError: if shapes or dtypes do not agree, a tile is below 1, or `key_lengths` is not
            (B,) of integers from 0 to T_k.
    """
    _check(query, key, value)
    if key_lengths is not None:
        _check_lengths(key_lengths, len(key), key.shape[2])
    grid = TileGrid(
        T_q=query.shape[2],
        T_k=key.shape[2],
        tile_q=tile_q,
        tile_k=tile_k,
        is_causal=is_causal,
        key_lengths=None if key_lengths is None else key_lengths.to(query.device),
        device=query.device,
    )
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    with torch.autocast(query.device.type, enabled=False):  # what is summed up stays float32
        return _TiledAttention.apply(query, key, value, grid, scale)


class _TiledAttention(torch.autograd.Function):
    """N = B * H_kv problems at once; in each, G = H / H_kv heads make G * t_q rows of a tile."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, query: Tensor, key: Tensor, value: Tensor, grid: TileGrid, scale: float
    ) -> Tensor:
        N = key.shape[0] * key.shape[1]
        out = query.new_empty(*query.shape[:-1], value.shape[-1])
        logsumexp = query.new_empty(*query.shape[:-1], 1, dtype=_statistics_dtype(query))
        memory = _tile_memory(query, grid)
        for rows in grid.query_tiles():
            query_tile = _load(query[:, :, rows], N) * scale  # (N, G * t_q, D)
            state = OnlineSoftmax.empty(
                (*query_tile.shape[:-1], value.shape[-1]), dtype=query_tile.dtype, device=out.device
            )
            for cols in grid.key_tiles_seen_by(rows):
                key_tile, value_tile = _load(key[:, :, cols], N), _load(value[:, :, cols], N)
                scores = _product(query_tile, key_tile.mT, memory)  # (N, G * t_q, t_k)
                _hide(scores, grid.visible(rows, cols), query.shape)
                state = state.update(scores, value_tile, out=scores)
            _store(state.average(), out[:, :, rows])
            _store(state.logsumexp(), logsumexp[:, :, rows])
        ctx.save_for_backward(query, key, value, out, logsumexp)
        ctx.grid, ctx.scale = grid, scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, out, logsumexp = ctx.saved_tensors
        grid, scale, N = ctx.grid, ctx.scale, key.shape[0] * key.shape[1]
        delta = torch.empty_like(logsumexp)  # of each query: the mean of its gradients by weight
        for rows in grid.query_tiles():
            product = _load(grad_out[:, :, rows], N) * _load(out[:, :, rows], N)
            _store(product.sum(dim=-1, keepdim=True), delta[:, :, rows])
        grad_query = store(torch.zeros_like(query, dtype=logsumexp.dtype))  # summed over the keys
        grad_key, grad_value = torch.empty_like(key), torch.empty_like(value)
        weights_memory, grad_memory = (_tile_memory(query, grid) for _ in range(2))
        for cols in grid.key_tiles():
            key_tile, value_tile = _load(key[:, :, cols], N), _load(value[:, :, cols], N)
            grad_key_tile, grad_value_tile = map(torch.zeros_like, (key_tile, value_tile))
            for rows in grid.query_tiles_that_see(cols):
                query_tile, grad_tile, logsumexp_tile, delta_tile = (
                    _load(x[:, :, rows], N) for x in (query, grad_out, logsumexp, delta)
                )
                query_tile = query_tile * scale
                scores = _product(query_tile, key_tile.mT, weights_memory)
                _hide(scores, grid.visible(rows, cols), query.shape)
                weights = scores.sub_(logsumexp_tile).exp_()
                grad_value_tile.baddbmm_(weights.mT, grad_tile)
                grad_weights = _product(grad_tile, value_tile.mT, grad_memory)
                grad_scores = grad_weights.sub_(delta_tile).mul_(weights)
                grad_key_tile.baddbmm_(grad_scores.mT, query_tile)
                so_far = _load(grad_query[:, :, rows], N)
                _store(
                    torch.baddbmm(so_far, grad_scores, key_tile, alpha=scale),
                    grad_query[:, :, rows],
                )
            _store(grad_key_tile, grad_key[:, :, cols])
            _store(grad_value_tile, grad_value[:, :, cols])
        return grad_query.to(query.dtype), grad_key, grad_value, None, None


def _load(tile: Tensor, N: int) -> Tensor:
    """(B, H, t, X) from slow memory, as (N, G * t, X) in the precision of the statistics."""
    B, H, t, X = tile.shape
    tile = load(tile).to(_statistics_dtype(tile))
    return tile.reshape(N, B * H // max(N, 1) * t, X)


def _store(tile: Tensor, target: Tensor) -> None:
    """Back to slow memory, in its shape (B, H, t, X) and its precision."""
    target.copy_(store(tile.reshape(target.shape).to(target.dtype)))


def _tile_memory(query: Tensor, grid: TileGrid) -> Tensor:
    """Memory for all numbers of the largest tile of scores."""
    B, H = query.shape[:2]
    t_q, t_k = min(grid.tile_q, grid.T_q), min(grid.tile_k, grid.T_k)
    return query.new_empty(B * H * t_q * t_k, dtype=_statistics_dtype(query))


def _product(left: Tensor, right: Tensor, memory: Tensor) -> Tensor:
    """`left @ right` in memory used before: to ask for new one can cost more than the product."""
    shape = (*left.shape[:-1], right.shape[-1])
    return torch.bmm(left, right, out=memory[: math.prod(shape)].view(shape))


def _hide(scores: Tensor, visible: Tensor | None, query_shape: torch.Size) -> None:
    """Overwrite with -inf the scores, (N, G * t_q, t_k), that are not visible."""
    if visible is not None:
        B, H = query_shape[:2]
        by_head = scores.view(B, H, -1, scores.shape[-1])  # (B, H, t_q, t_k)
        by_head.masked_fill_(~visible, -torch.inf)


def _statistics_dtype(tensor: Tensor) -> torch.dtype:
    return torch.promote_types(tensor.dtype, torch.float32)


def _check(query: Tensor, key: Tensor, value: Tensor) -> None:
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        if tensor.ndim != 4:
            raise ValueError(f"{name} must have shape (B, H, T, D), got {tuple(tensor.shape)}")
        if tensor.dtype != query.dtype or not tensor.is_floating_point():
            raise ValueError(
                "query, key and value must share a floating dtype, got "
                f"{query.dtype}, {key.dtype} and {value.dtype}"
            )
    check_shapes(query, key, value)


def _check_lengths(key_lengths: Tensor, B: int, T_k: int) -> None:
    if key_lengths.shape != (B,):
        raise ValueError(
            f"key_lengths must have shape (B,) = ({B},), got {tuple(key_lengths.shape)}"
        )
    if key_lengths.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"key_lengths must be integers, got {key_lengths.dtype}")
    if B and not 0 <= int(key_lengths.min()) <= int(key_lengths.max()) <= T_k:
        raise ValueError(f"key_lengths must be from 0 to T_k = {T_k}, got {key_lengths.tolist()}")
