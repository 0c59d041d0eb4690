"""Softmax over the keys that a query may attend to."""

import torch
from torch import Tensor

from txlib.checks import check_tensor
from txlib.tensor_checks import check_beside, check_floats


def masked_softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Weights from scores: positive, summing to 1 over the allowed keys, exactly 0 elsewhere.

    Computed in float32 where `scores` has less precision; the result has the dtype of `scores`.

    Args:
        scores: (..., T_q, T_k).
        mask: bool, broadcastable to the shape of `scores`. True = may attend.

    Returns:
        (..., T_q, T_k). A row in which nothing is allowed is all zero, and so is its gradient.

    Raises:
        ValueError: if `mask` is not bool or does not broadcast to the shape of `scores`.

    Example:
        >>> scores = torch.tensor([[0.0, 0.0, 9.0]])
        >>> masked_softmax(scores, torch.tensor([[True, True, False]]))
        tensor([[0.5000, 0.5000, 0.0000]])
    """
    check_floats("scores", scores)
    if scores.ndim < 1:
        raise ValueError(f"scores must have shape (..., T_k), got {tuple(scores.shape)}")
    if mask is not None:
        check_mask(mask, scores.shape)
        check_beside("mask", mask, "scores", scores)
        blind = ~mask.any(dim=-1, keepdim=True)  # sees all until the end: 0/0 would be NaN
        scores = scores.masked_fill(~(mask | blind), -torch.inf)
    low = scores.dtype in (torch.float16, torch.bfloat16)
    weights = scores.softmax(dim=-1, dtype=torch.float32 if low else None).to(scores.dtype)
    if mask is None:
        return weights
    return weights.masked_fill(~mask, 0.0)


def check_mask(mask: Tensor, shape: torch.Size | tuple[int, ...]) -> None:
    """Refuse a mask that is not bool or does not broadcast to `shape`, (..., T_q, T_k).

    Raises:
        ValueError: with the rule and what was given.
    """
    check_tensor("mask", mask)
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool, True = may attend, got {mask.dtype}")
    fits = len(mask.shape) <= len(shape) and all(
        size in (1, wanted) for size, wanted in zip(mask.shape[::-1], shape[::-1], strict=False)
    )
    if not fits:
        raise ValueError(
            f"mask must broadcast to (..., T_q, T_k) = {tuple(shape)}, got {tuple(mask.shape)}"
        )
