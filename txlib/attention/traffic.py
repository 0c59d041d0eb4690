"""What attention reads from slow memory and writes to it, counted where it happens.

A GPU computes on numbers that lie in its small fast memory; a `load` brings a tile there from the
large slow one, a `store` takes a tile back. On a CPU neither moves anything: they mark the places
where a kernel would, and `count_traffic` counts what passes. Dao et al. 2022 (FlashAttention),
section 2.1; chapter 8.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor

from txlib.attention.grouped_heads import grouped_product
from txlib.attention.masked_softmax import masked_softmax
from txlib.attention.masks import causal_mask
from txlib.attention.scaled_dot_product import check_shapes
from txlib.checks import check_whole
from txlib.tensor_checks import check_look


@dataclass(kw_only=True)
class Traffic:
    """How much passed between slow and fast memory.

    Attributes:
        read: numbers loaded.
        written: numbers stored.
        bytes_read: the same in bytes; a number of float16 has 2, one of float32 has 4.
        bytes_written: likewise.
    """

    read: int = 0
    written: int = 0
    bytes_read: int = 0
    bytes_written: int = 0

    @property
    def total(self) -> int:
        """Numbers loaded and stored."""
        return self.read + self.written

    @property
    def total_bytes(self) -> int:
        """Bytes loaded and stored."""
        return self.bytes_read + self.bytes_written


_counters: list[Traffic] = []


@contextmanager
def count_traffic() -> Iterator[Traffic]:
    """Count what `tiled_attention` and `standard_attention` load and store inside the `with`.

    Backward passes count too, if they run inside. Counts may be nested: each sees what passes
    while it is open. Where nobody counts, nothing is spent.

    Yields:
        The count; it grows until the `with` ends, and stays readable after.

    Example:
        >>> from txlib.attention import tiled_attention
        >>> query, key, value = torch.randn(3, 1, 1, 64, 8).unbind()
        >>> with count_traffic() as plain:
        ...     _ = standard_attention(query, key, value)
        >>> with count_traffic() as tiled:
        ...     _ = tiled_attention(query, key, value, tile_q=32, tile_k=32)
        >>> plain.total > tiled.total
        True
    """
    traffic = Traffic()
    _counters.append(traffic)
    try:
        yield traffic
    finally:
        _counters[:] = [counter for counter in _counters if counter is not traffic]


def load(tile: Tensor) -> Tensor:
    """`tile` itself, counted as read from slow memory."""
    for traffic in _counters:
        traffic.read += tile.numel()
        traffic.bytes_read += tile.numel() * tile.element_size()
    return tile


def store(tile: Tensor) -> Tensor:
    """`tile` itself, counted as written to slow memory."""
    for traffic in _counters:
        traffic.written += tile.numel()
        traffic.bytes_written += tile.numel() * tile.element_size()
    return tile


def standard_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    r"""Attention in three passes over slow memory: scores, softmax, average. What to count against.

    Between the passes all T_q * T_k scores, then all weights, are stored and loaded again. A matrix
    counts once for each pass that needs it, as if fast memory could hold it.

    Source: Dao et al. 2022, algorithm 0; chapter 8.

    Args:
        query: (B, H, T_q, D).
        key: (B, H_kv, T_k, D), H a multiple of H_kv.
        value: (B, H_kv, T_k, D_v).
        is_causal: hide the future: see `causal_mask`. All scores are stored all the same.
        scale: what the dot products are multiplied by; $1/\sqrt{D}$ if None.

    Returns:
        Context (B, H, T_q, D_v); zero for a query that may attend to nothing.

    Raises:
        ValueError: if shapes do not agree.
    """
    check_shapes(query, key, value)
    check_look(is_causal, scale)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    T_q, T_k = query.shape[-2], key.shape[-2]
    scores = store(grouped_product(load(query) * scale, load(key).mT))  # (B, H, T_q, T_k)
    mask = causal_mask(T_q, T_k, device=query.device) if is_causal else None
    weights = store(masked_softmax(load(scores), mask))
    return store(grouped_product(load(weights), load(value)))


def fast_memory_needed(tile_q: int, tile_k: int, head_dim: int) -> int:
    """The paper's M: numbers that `tiled_attention` keeps in fast memory for one head.

    They are the tiles of queries, keys, values, scores (which become the weights) and context, and
    the running maximum and total of each query. Where G heads of queries share one of keys, their
    rows form one tile: then `tile_q` stands for G * `tile_q`.

    Args:
        tile_q: queries in a tile, at least 1.
        tile_k: keys in a tile, at least 1.
        head_dim: D of keys and values, at least 1.

    Returns:
        A count of numbers; times the bytes of each it is to fit in fast memory.

    Raises:
        ValueError: if a number is below 1.
    """
    for name, number in (("tile_q", tile_q), ("tile_k", tile_k), ("head_dim", head_dim)):
        check_whole(name, number, least=1)
    rows = tile_q * (2 * head_dim + 2)  # query, context, maximum, total
    return rows + tile_k * 2 * head_dim + tile_q * tile_k


def pick_tiles(fast_memory: int, head_dim: int) -> tuple[int, int]:
    """The tiles that a fast memory has room for: as many queries as fit, at most D keys.

    Keys and values are loaded once for each tile of queries, so traffic falls with `tile_q` alone;
    `tile_k` only takes room. The two are equal until `tile_k` reaches D, as in Dao et al. 2022,
    algorithm 1, line 1 (whose loops stand the other way round).

    Args:
        fast_memory: numbers it holds, at least `fast_memory_needed(1, 1, head_dim)`.
        head_dim: D, at least 1.

    Returns:
        `tile_q` and `tile_k`, for which `fast_memory_needed` is at most `fast_memory`.

    Raises:
        ValueError: if not even tiles of one query and one key fit.

    Example:
        >>> tile_q, tile_k = pick_tiles(fast_memory=4096, head_dim=16)
        >>> fast_memory_needed(tile_q, tile_k, 16) <= 4096
        True
    """
    check_whole("fast_memory", fast_memory)
    least = fast_memory_needed(1, 1, head_dim)
    if fast_memory < least:
        raise ValueError(f"fast_memory must be at least {least}, got {fast_memory}")
    half = 2 * head_dim + 1
    side = math.isqrt(half * half + fast_memory) - half  # side^2 + 2 * half * side <= fast_memory
    tile_k = min(side, head_dim)
    tile_q = (fast_memory - tile_k * 2 * head_dim) // (2 * head_dim + 2 + tile_k)
    return tile_q, tile_k
