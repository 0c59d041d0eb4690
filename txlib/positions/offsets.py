"""Where the tokens of a piece of text stand, if the piece does not begin at position 0."""

import torch
from torch import Tensor

from txlib.checks import check_whole


def positions_from(
    offset: int | Tensor, length: int, *, device: torch.device | str | None = None
) -> Tensor:
    """Neighbouring positions, from `offset` on: the same for a whole batch, or each row's own.

    Args:
        offset: of the first, at least 0; int64 (B,) where each row of a batch begins elsewhere. A
            tensor's values are not looked at: on a GPU that would wait for it.
        length: T, how many.
        device: where the result is made.

    Returns:
        int64 (T,), or (B, T) for a tensor.

    Raises:
        ValueError: if a number is negative, or a tensor not of integers (B,).

    Example:
        >>> positions_from(4, 3)
        tensor([4, 5, 6])
    """
    check_whole("length", length, least=0)
    steps = torch.arange(length, device=device)
    if isinstance(offset, Tensor):
        if offset.ndim != 1 or offset.dtype not in (torch.int64, torch.int32):
            raise ValueError(
                f"offset must be an int or integers (B,), got {offset.dtype} of "
                f"{tuple(offset.shape)}"
            )
        if offset.device != steps.device:
            raise ValueError(f"offset must be on {steps.device}, got {offset.device}")
        return offset[:, None] + steps
    check_whole("offset", offset, least=0)
    return steps + offset


def check_offset(offset: int | Tensor, x: Tensor) -> None:
    """Refuse what is neither a position nor one for each row of `x`.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(offset, Tensor):
        check_whole("offset", offset, least=0)
    elif offset.dtype not in (torch.int64, torch.int32) or offset.shape != x.shape[:1]:
        raise ValueError(
            f"offset must be an int or integers (B,) = ({len(x)},), got {offset.dtype} of "
            f"{tuple(offset.shape)}"
        )
    elif offset.device != x.device:
        raise ValueError(f"offset must be on {x.device}, got {offset.device}")
