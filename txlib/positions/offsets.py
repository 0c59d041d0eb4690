"""Where the tokens of a piece of text stand, if the piece does not begin at position 0."""

import torch
from torch import Tensor


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
    """
    steps = torch.arange(length, device=device)
    if isinstance(offset, Tensor):
        if offset.ndim != 1 or offset.dtype not in (torch.int64, torch.int32):
            raise ValueError(
                f"offset must be an int or integers (B,), got {offset.dtype} of "
                f"{tuple(offset.shape)}"
            )
        return offset[:, None] + steps
    if offset < 0:
        raise ValueError(f"offset must be at least 0, got {offset}")
    return steps + offset
