"""Exact attention tile by tile, never all weights at once: FlashAttention in plain PyTorch."""

import math

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx

from txlib.attention.online_softmax import OnlineSoftmax
from txlib.attention.scaled_dot_product import check_shapes
from txlib.attention.tile_grid import TileGrid
from txlib.attention.traffic import load, store
from txlib.checks import check_tensor
from txlib.tensor_checks import check_look

LOG2_E = math.log2(math.e)  # exp(x) = 2 ** (x * LOG2_E): see `OnlineSoftmax.base`


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

    Example:
        >>> from txlib.attention import fused_attention
        >>> query, key, value = torch.randn(3, 1, 2, 10, 4).unbind()  # (B, H, T, D) each
        >>> tiled = tiled_attention(query, key, value, is_causal=True, tile_q=4, tile_k=3)
        >>> whole = fused_attention(query, key, value, is_causal=True)
        >>> torch.allclose(tiled, whole, atol=1e-6)  # no (T, T) table was ever made
        True
    """
    _check(query, key, value)
    check_look(is_causal, scale)
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
    return _TiledAttention.apply(query, key, value, grid, scale)


class _TiledAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: FunctionCtx, query: Tensor, key: Tensor, value: Tensor, grid: TileGrid, scale: float
    ) -> Tensor:
        with torch.autocast(query.device.type, enabled=False):  # what is summed up stays float32
            out, logsumexp = _attend(query, key, value, grid, scale)
        ctx.save_for_backward(query, key, value, out, logsumexp)
        ctx.grid, ctx.scale = grid, scale
        return out

    @staticmethod
    def backward(ctx: FunctionCtx, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "tiled_attention has first derivatives only, got create_graph=True: take "
                "scaled_dot_product_attention where second ones are needed"
            )
        with torch.autocast(grad_out.device.type, enabled=False):
            grads = _gradients(*ctx.saved_tensors, grad_out, ctx.grid, ctx.scale)
        return *grads, None, None


def _attend(
    query: Tensor, key: Tensor, value: Tensor, grid: TileGrid, scale: float
) -> tuple[Tensor, Tensor]:
    """Context (B, H, T_q, D_v) and logsumexp (B, H, T_q, 1): FlashAttention-2, algorithm 1.

    N = B * H_kv problems run at once. In each, the queries of the G = H / H_kv heads that share
    keys stand below one another, as G * t_q rows of a tile. Scores are multiplied by log2(e).
    """
    G = _num_groups(query, key)
    out = query.new_empty(*query.shape[:-1], value.shape[-1])
    logsumexp = query.new_empty(*query.shape[:-1], 1, dtype=_statistics_dtype(query))
    memory = _tile_memory(query, grid)
    for rows in grid.query_tiles():
        query_tile = _load(query[:, :, rows], G) * (scale * LOG2_E)  # (N, G * t_q, D)
        shape = (*query_tile.shape[:-1], value.shape[-1])
        state = OnlineSoftmax.empty(shape, base=2, dtype=query_tile.dtype, device=query.device)
        for cols in grid.key_tiles_seen_by(rows):
            key_tile, value_tile = _load(key[:, :, cols]), _load(value[:, :, cols])
            scores = _product(query_tile, key_tile.mT, memory)  # (N, G * t_q, t_k)
            grid.hide(_by_head(scores, query, G), rows, cols)
            state = state.update(scores, value_tile, out=scores)
        _store(state.average(), out[:, :, rows])
        _store(state.logsumexp(), logsumexp[:, :, rows])
    return out, logsumexp


def _gradients(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    out: Tensor,
    logsumexp: Tensor,
    grad_out: Tensor,
    grid: TileGrid,
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Those of query, key and value, from weights computed again: FlashAttention-2, algorithm 2.

    Through the softmax, the gradient of a score is its weight times how far the gradient of that
    weight exceeds the row's weighted mean of them. That mean, `delta`, is grad_out . out: the sum
    over T_k keys has been taken already (Dao et al. 2022, appendix B.2, equation 4).
    """
    G = _num_groups(query, key)
    delta = torch.empty_like(logsumexp)  # (B, H, T_q, 1)
    for rows in grid.query_tiles():
        product = _load(grad_out[:, :, rows]) * _load(out[:, :, rows])  # (B * H, t_q, D_v)
        _store(product.sum(dim=-1, keepdim=True), delta[:, :, rows])
    grad_query = store(torch.zeros_like(query, dtype=logsumexp.dtype))  # each tile of keys adds
    grad_key, grad_value = torch.empty_like(key), torch.empty_like(value)
    weights_memory, grad_memory = (_tile_memory(query, grid) for _ in range(2))
    for cols in grid.key_tiles():
        key_tile, value_tile = _load(key[:, :, cols]), _load(value[:, :, cols])
        grad_key_tile, grad_value_tile = map(torch.zeros_like, (key_tile, value_tile))
        for rows in grid.query_tiles_that_see(cols):
            query_tile, grad_tile, logsumexp_tile, delta_tile = (
                _load(x[:, :, rows], G) for x in (query, grad_out, logsumexp, delta)
            )
            query_tile = query_tile * (scale * LOG2_E)
            scores = _product(query_tile, key_tile.mT, weights_memory)  # (N, G * t_q, t_k)
            grid.hide(_by_head(scores, query, G), rows, cols)
            weights = scores.sub_(logsumexp_tile).exp2_()
            grad_value_tile.baddbmm_(weights.mT, grad_tile)
            grad_weights = _product(grad_tile, value_tile.mT, grad_memory)
            grad_scores = grad_weights.sub_(delta_tile).mul_(weights)
            grad_key_tile.baddbmm_(grad_scores.mT, query_tile, alpha=1 / LOG2_E)
            so_far = _load(grad_query[:, :, rows], G)
            so_far = torch.baddbmm(so_far, grad_scores, key_tile, alpha=scale)
            _store(so_far, grad_query[:, :, rows])
        _store(grad_key_tile, grad_key[:, :, cols])
        _store(grad_value_tile, grad_value[:, :, cols])
    return grad_query.to(query.dtype), grad_key, grad_value


def _num_groups(query: Tensor, key: Tensor) -> int:
    return query.shape[1] // key.shape[1] if key.shape[1] else 1


def _load(tile: Tensor, groups: int = 1) -> Tensor:
    """(B, H, t, X) from slow memory, as (N, G * t, X) in the precision of the statistics."""
    B, H, t, X = tile.shape
    return load(tile).to(_statistics_dtype(tile)).reshape(B * H // groups, groups * t, X)


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


def _by_head(scores: Tensor, query: Tensor, groups: int) -> Tensor:
    """(N, G * t_q, t_k), seen as (B, H, t_q, t_k)."""
    return scores.view(*query.shape[:2], scores.shape[1] // groups, scores.shape[2])


def _statistics_dtype(tensor: Tensor) -> torch.dtype:
    return torch.promote_types(tensor.dtype, torch.float32)


def _check(query: Tensor, key: Tensor, value: Tensor) -> None:
    for name, tensor in (("query", query), ("key", key), ("value", value)):
        check_tensor(name, tensor)
        if tensor.ndim != 4:
            raise ValueError(f"{name} must have shape (B, H, T, D), got {tuple(tensor.shape)}")
        if tensor.dtype != query.dtype or not tensor.is_floating_point():
            raise ValueError(
                "query, key and value must share a floating dtype, got "
                f"{query.dtype}, {key.dtype} and {value.dtype}"
            )
    check_shapes(query, key, value)


def _check_lengths(key_lengths: Tensor, B: int, T_k: int) -> None:
    check_tensor("key_lengths", key_lengths)
    if key_lengths.is_meta:
        raise ValueError(f"key_lengths must hold numbers, got a tensor on {key_lengths.device}")
    if key_lengths.shape != (B,):
        raise ValueError(
            f"key_lengths must have shape (B,) = ({B},), got {tuple(key_lengths.shape)}"
        )
    if key_lengths.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"key_lengths must be integers, got {key_lengths.dtype}")
    if B and not 0 <= int(key_lengths.min()) <= int(key_lengths.max()) <= T_k:
        raise ValueError(f"key_lengths must be from 0 to T_k = {T_k}, got {key_lengths.tolist()}")
