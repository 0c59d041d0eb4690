"""Masks: which keys a query may attend to. True = may attend, everywhere.

Masks combine with `&`: a key is allowed if every mask allows it. A batch of unequal lengths whose
queries must not see the future takes `padding_mask(lengths)[:, None] & causal_mask(T)`: the
dimension put in broadcasts over the queries, (B, 1, T) & (T, T) -> (B, T, T). Chapter 3.
"""

import torch
from torch import Tensor

from txlib.checks import check_tensor, check_whole


def padding_mask(lengths: Tensor, max_length: int | None = None) -> Tensor:
    """Which positions hold real tokens, where a batch is padded on the right.

    As the mask of keys it wants a dimension for the queries: `padding_mask(lengths)[:, None]`.

    Args:
        lengths: integers (B,), real tokens in each row, 0 allowed.
        max_length: T; the largest of `lengths` if None. Reading `lengths` waits for a GPU.

    Returns:
        bool (B, T), True = a real token.

    Raises:
        ValueError: if `lengths` is not (B >= 1,) of integers from 0 to `max_length`.

    Example:
        >>> padding_mask(torch.tensor([3, 1]), 4)
        tensor([[ True,  True,  True, False],
                [ True, False, False, False]])
    """
    check_tensor("lengths", lengths)
    if lengths.ndim != 1 or not len(lengths):
        raise ValueError(f"lengths must have shape (B >= 1,), got {tuple(lengths.shape)}")
    if lengths.is_floating_point() or lengths.is_complex() or lengths.dtype == torch.bool:
        raise ValueError(f"lengths must be integers, got {lengths.dtype}")
    if max_length is not None:
        check_whole("max_length", max_length, least=0)
    if lengths.is_meta:
        raise ValueError(f"lengths must hold numbers, got a tensor on {lengths.device}")
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest < 0:
        raise ValueError(f"lengths must be at least 0, got {shortest}")
    if max_length is not None and longest > max_length:
        raise ValueError(f"lengths must be at most max_length={max_length}, got {longest}")
    T = longest if max_length is None else max_length
    return torch.arange(T, device=lengths.device) < lengths[:, None]  # (B, T)


def causal_mask(
    T_q: int, T_k: int | None = None, *, device: torch.device | str | None = None
) -> Tensor:
    """Each query sees the keys up to its own position, and none after it.

    Where the lengths differ, the last query stands at the last key (aligned lower-right): key j is
    visible to query i if j <= i + T_k - T_q. With T_q < T_k the queries are the newest of the
    positions, as in decoding from a cache; with T_q > T_k the first T_q - T_k queries see nothing.

    Source: Vaswani et al. 2017, section 3.2.3, for equal lengths; chapter 3.

    Args:
        T_q: number of queries, at least 0.
        T_k: number of keys, at least 0; T_q if None.
        device: where the mask is made.

    Returns:
        bool (T_q, T_k), True = may attend.

    Raises:
        ValueError: if a number is negative.

    Example:
        >>> causal_mask(3)
        tensor([[ True, False, False],
                [ True,  True, False],
                [ True,  True,  True]])
        >>> causal_mask(1, 3)  # the newest of three tokens sees them all
        tensor([[True, True, True]])
    """
    return _distance(T_q, T_q if T_k is None else T_k, device) >= 0


def sliding_window_mask(
    T_q: int, T_k: int, window: int, *, device: torch.device | str | None = None
) -> Tensor:
    """Each query sees the keys less than `window` positions away, on both sides.

    `causal_mask(T_q, T_k) & sliding_window_mask(T_q, T_k, window)` leaves it the last `window`
    keys, its own included. Unequal lengths are aligned as in `causal_mask`.

    Source: Beltagy et al. 2020 (Longformer), section 3.1, whose w is 2 * (`window` - 1).

    Args:
        T_q: number of queries, at least 0.
        T_k: number of keys, at least 0.
        window: at least 1, at which each query sees the key at its own position alone.
        device: where the mask is made.

    Returns:
        bool (T_q, T_k), True = may attend.

    Raises:
        ValueError: if a number is negative or `window` is below 1.

    Example:
        >>> causal_mask(4) & sliding_window_mask(4, 4, window=2)  # itself and the one before
        tensor([[ True, False, False, False],
                [ True,  True, False, False],
                [False,  True,  True, False],
                [False, False,  True,  True]])
    """
    check_whole("window", window, least=1)
    return _distance(T_q, T_k, device).abs() < window


def position_mask(
    first: int | Tensor,
    T_q: int,
    T_k: int,
    *,
    window: int | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """`causal_mask` for queries that stand wherever they stand, in each row of a batch elsewhere.

    Args:
        first: which key the first query stands at, at least 0; int64 (B,) for each row its own.
        T_q: number of queries.
        T_k: number of keys.
        window: keys that each query sees, its own included; all that are not ahead if None.
        device: where the mask is made.

    Returns:
        bool (T_q, T_k), or (B, T_q, T_k) for a tensor. True = may attend.
    """
    if isinstance(first, Tensor):
        first = first[:, None, None]
    position = torch.arange(T_q, device=device)[:, None] + first
    distance = position - torch.arange(T_k, device=device)  # (T_q, T_k) or (B, T_q, T_k)
    seen = distance >= 0
    return seen if window is None else seen & (distance < window)


def _distance(T_q: int, T_k: int, device: torch.device | str | None) -> Tensor:
    """How far before query i key j stands, (T_q, T_k), the last of both being at one position."""
    for name, number in (("T_q", T_q), ("T_k", T_k)):
        check_whole(name, number, least=0)
    position = torch.arange(T_q, device=device) + T_k - T_q
    return position[:, None] - torch.arange(T_k, device=device)
