"""What a `KVCache` is given, and must refuse."""

import torch
from torch import Tensor


def check_new_tokens(keys: Tensor, values: Tensor, buffer: Tensor) -> int:
    """Refuse keys and values that do not fit the slots.

    Args:
        keys: (B, H_kv, T, D).
        values: likewise.
        buffer: (2, B, H_kv, S, D).

    Returns:
        T, how many tokens.

    Raises:
        ValueError: if the shapes do not agree.
    """
    _, B, H_kv, _, D = buffer.shape
    T = keys.shape[2] if keys.ndim == 4 else None
    if not keys.shape == values.shape == (B, H_kv, T, D):
        raise ValueError(
            f"keys and values must have shape (B, H_kv, T, D) = ({B}, {H_kv}, T, {D}), got "
            f"{tuple(keys.shape)} and {tuple(values.shape)}"
        )
    return T


def listed(numbers: Tensor, name: str, batch_size: int, most: int) -> list[int]:
    """Numbers of rows, read back from their device.

    Args:
        numbers: int64 (B,), each from 0 to `most`.
        name: of the argument.
        batch_size: B.
        most: the largest allowed.

    Returns:
        The same numbers.

    Raises:
        ValueError: if they are not as stated.
    """
    if numbers.dtype not in (torch.int64, torch.int32) or numbers.shape != (batch_size,):
        raise ValueError(
            f"{name} must be integers of shape ({batch_size},), got {numbers.dtype} of "
            f"{tuple(numbers.shape)}"
        )
    read = numbers.tolist()
    for number in read:
        if not 0 <= number <= most:
            raise ValueError(f"{name} must lie from 0 to {most}, got {number}")
    return read
