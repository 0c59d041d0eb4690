"""The memory of a `KVCache`: slots for keys and values, written in place."""

import torch
from torch import Tensor


def new_buffer(
    shape: tuple[int, ...], device: torch.device | str | None, dtype: torch.dtype | None
) -> Tensor:
    """Memory that may be written to in any mode: what inference mode makes may not.

    Args:
        shape: (2, B, H_kv, S, D), keys and then values, in S slots a row.
        device: where.
        dtype: torch's default if None.

    Returns:
        Zeros of that shape: a weight of 0 does not hide what is not a number.
    """
    with torch.inference_mode(False):
        return torch.zeros(shape, device=device, dtype=dtype)


def write_slots(half: Tensor, new: Tensor, first: int | Tensor) -> None:
    """Write new tokens' keys, or values, in place.

    Args:
        half: (B, H_kv, S, D), changed.
        new: (B, H_kv, T, D).
        first: slot of the first of the T, or int64 (B,), each row's.
    """
    T = new.shape[2]
    if isinstance(first, int):
        half.narrow(2, first, T).copy_(new)
        return
    slots = first[:, None] + torch.arange(T, device=half.device)  # (B, T)
    half.scatter_(2, slots[:, None, :, None].expand(new.shape), new.to(half.dtype))


def last_slots(buffer: Tensor, used: int | Tensor, count: int) -> Tensor:
    """Each row's newest slots; of a row with fewer than `count` all, and others behind them.

    Args:
        buffer: (2, B, H_kv, S, D).
        used: slots that hold tokens, or int64 (B,), each row's.
        count: how many are asked for, at most the largest `used`.

    Returns:
        (2, B, H_kv, count, D); with an int a view.
    """
    if isinstance(used, int):
        return buffer[:, :, :, used - count : used]
    first = (used - count).clamp(min=0)[:, None]
    index = first + torch.arange(count, device=buffer.device)  # (B, count)
    return buffer.take_along_dim(index[None, :, None, :, None], dim=3)


def resized(kept: Tensor, slots: int) -> Tensor:
    """A buffer of its own, of `slots` slots, that begins with `kept`, (2, B, H_kv, n, D)."""
    shape = (*kept.shape[:3], slots, kept.shape[4])
    buffer = new_buffer(shape, kept.device, kept.dtype)
    buffer[:, :, :, : kept.shape[3]] = kept.detach()
    return buffer
