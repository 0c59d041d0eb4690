"""Attention weights on their way to the browser: checked, and in one or two bytes each."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from txlib.checks import shown
from txlib.widgets.validation import check_array, check_integer, check_string

AXES = ("layers", "heads", "queries", "keys")
MOST_TOKENS, MOST_HEADS, MOST_NUMBERS = 64, 32, 1_000_000
FINE, COARSE = 65_535, 255  # steps from 0 to 1 in two bytes and in one
SUM_TOLERANCE, TOLERANCE = 1e-2, 1e-6  # bfloat16 rows miss 1 by some thousandths


def check_tokens(name: str, tokens: Sequence[str]) -> list[str]:
    """`tokens` as a list of 1 to 64 strings, which may be blank.

    Raises:
        ValueError: if it is a single string, empty, too long, or holds something else.
    """
    if isinstance(tokens, str) or not isinstance(tokens, Sequence):
        raise ValueError(f"{name} must be a sequence of strings, got {tokens!r}")
    if not 1 <= len(tokens) <= MOST_TOKENS:
        raise ValueError(f"{name} must hold 1 to {MOST_TOKENS} strings, got {len(tokens)}")
    return [check_string(f"{name}[{i}]", token) for i, token in enumerate(tokens)]


def check_weights(name: str, weights: Any, num_queries: int, num_keys: int) -> np.ndarray:
    """`weights` as (layers, heads, T_q, T_k) float32, each row a distribution or all zero.

    Args:
        name: the argument's name, for the message.
        weights: tensor, array or nested lists; layers, or layers and heads, may be missing.
        num_queries: T_q.
        num_keys: T_k.

    Raises:
        ValueError: if the shape is another, there are too many, or a row is no distribution.
    """
    axes = getattr(weights, "ndim", None) or np.ndim(weights)
    array = check_array(name, weights, AXES[-min(4, max(2, axes)) :])
    if array.shape[-2:] != (num_queries, num_keys):
        raise ValueError(
            f"{name} must have a row per query token and a column per key token, "
            f"{num_queries} x {num_keys}, got shape {array.shape}"
        )
    array = array.reshape((1,) * (4 - array.ndim) + array.shape)
    if max(array.shape[:2]) > MOST_HEADS or array.size > MOST_NUMBERS:
        raise ValueError(
            f"{name} must hold at most {MOST_HEADS} layers, {MOST_HEADS} heads and "
            f"{MOST_NUMBERS} numbers: pass fewer layers or heads, got shape {array.shape}"
        )
    for extreme in (array.min(), array.max()):
        if not -TOLERANCE <= extreme <= 1 + TOLERANCE:
            raise ValueError(f"{name} must lie from 0 to 1 (are these scores?), got {extreme:.4g}")
    sums = array.sum(axis=-1, dtype=np.float64)
    wrong = (abs(sums - 1) > SUM_TOLERANCE) & array.any(axis=-1)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{name} must sum to 1 over the keys, or be all zero: got {sums[where]:.4g} at "
            f"(layer, head, query) {where}"
        )
    return array


def check_pairs(
    name: str, pairs: Collection[tuple[int, int]] | None, shape: tuple[int, int]
) -> list[list[int]]:
    """`pairs` of (query position, key position) as sorted lists.

    Raises:
        ValueError: if one is no pair, or lies outside of `shape`.
    """
    checked = []
    if pairs is not None and (isinstance(pairs, str) or not isinstance(pairs, Collection)):
        raise ValueError(f"{name} must hold pairs (query, key) within {shape}, got {shown(pairs)}")
    if getattr(pairs, "ndim", 1) == 0:
        raise ValueError(f"{name} must hold pairs (query, key) within {shape}, got {shown(pairs)}")
    for pair in () if pairs is None else pairs:
        try:
            query, key = (
                check_integer(name, position, least=0, most=size - 1)
                for position, size in zip(pair, shape, strict=True)
            )
        except (TypeError, ValueError):
            rule = f"{name} must hold pairs (query, key) of positions within {shape}"
            raise ValueError(f"{rule}, got {pair!r}") from None
        checked.append([query, key])
    return sorted(checked)


def to_bytes(weights: np.ndarray, levels: int) -> bytes:
    """Weights rounded to `levels` steps: two bytes each for `FINE`, one for `COARSE`."""
    kind = "<u2" if levels == FINE else "<u1"
    return np.rint(weights.clip(0, 1) * levels).astype(kind).tobytes()


def from_bytes(data: bytes, levels: int, shape: Sequence[int]) -> np.ndarray:
    """What `to_bytes` wrote, as float64 of `shape`."""
    kind = "<u2" if levels == FINE else "<u1"
    return np.frombuffer(data, kind).reshape(shape) / levels
