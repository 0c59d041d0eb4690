"""How far a table of scores is a matter of distance: chapter 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from txlib.checks import check_flag, check_tensor, shown

if TYPE_CHECKING:  # importing metrics stays light
    from torch import Tensor


def share_by_distance(scores: Tensor, *, is_causal: bool = False) -> float:
    """The part of the scores' variance that one number per distance explains.

    What all scores of a query share does not count: softmax cancels it. So a number per query is
    taken out first, and the share is of the variance that this leaves.

    Args:
        scores: (T, T), finite, T at least 3; entry [i, j] of query i and key j.
        is_causal: count the keys up to the query only; the others may then hold anything.

    Returns:
        From 0 to 1: 1 if every score is a number of its query plus a number of its distance.

    Raises:
        ValueError: if `scores` is not such a table, or says the same of all keys.

    Example:
        >>> place = torch.arange(5.0)
        >>> share_by_distance(place - place[:, None])  # these scores are distances, nothing else
        1.0
    """
    import torch

    check_flag("is_causal", is_causal)
    check_tensor("scores", scores)
    if not scores.is_floating_point():
        raise ValueError(f"scores must be floating point, got {shown(scores)}")
    T = len(scores) if scores.ndim else 0
    if scores.ndim != 2 or scores.shape[1] != T or T < 3:
        raise ValueError(f"scores must be (T, T) with T at least 3, got {tuple(scores.shape)}")
    query, key = torch.cartesian_prod(torch.arange(T), torch.arange(T)).T  # T² pairs
    counted = key <= query if is_causal else torch.ones(T * T, dtype=torch.bool)
    query, key = query[counted], key[counted]
    scores = scores.detach().cpu().double()[query, key, None]  # (pairs, 1)
    if not scores.isfinite().all():
        raise ValueError("scores must be finite, got NaN or infinity")
    by_query = torch.eye(T, dtype=torch.float64)[query]
    by_distance = torch.eye(2 * T - 1, dtype=torch.float64)[key - query + T - 1]
    left = _unexplained(scores, by_query)
    if left <= 1e-24 * scores.pow(2).sum():
        raise ValueError("scores must differ between the keys of some query, got none that do")
    both = _unexplained(scores, torch.cat([by_query, by_distance], dim=1))
    return 1 - (both / left).item()


def _unexplained(scores: Tensor, known: Tensor) -> Tensor:
    """Squared error of the best linear fit; the columns of `known` may depend on each other."""
    import torch

    fit = torch.linalg.lstsq(known, scores, driver="gelsd").solution
    return (scores - known @ fit).pow(2).sum()
