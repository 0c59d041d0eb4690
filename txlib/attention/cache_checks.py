"""What a `KVCache` is given, and must refuse."""

import torch
from torch import Tensor


def check_new_tokens(keys: Tensor, values: Tensor, sizes: tuple[int, int, int]) -> int:
    """Refuse keys and values that do not fit the slots.

    Args:
        keys: (B, H_kv, T, D).
        values: likewise.
        sizes: B, H_kv and D of the cache.

    Returns:
        T, how many tokens.

    Raises:
        ValueError: if the shapes do not agree.
    """
    shape = keys.shape
    if shape != values.shape or len(shape) != 4 or (*shape[:2], shape[3]) != sizes:
        B, H_kv, D = sizes
        raise ValueError(
            f"keys and values must have shape (B, H_kv, T, D) = ({B}, {H_kv}, T, {D}), got "
            f"{tuple(shape)} and {tuple(values.shape)}"
        )
    return shape[2]


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


def check_rollback(
    wanted: list[int], held: list[int], starts: list[int], window: int | None
) -> None:
    """Refuse lengths that rows cannot go back to.

    Args:
        wanted: the length of each row afterwards.
        held: the length of each row now.
        starts: position of each row's oldest key kept.
        window: keys that a query may see, its own included; all if None.

    Raises:
        ValueError: if a length is negative or above that held, or needs keys that are gone.
    """
    for new, old, start in zip(wanted, held, starts, strict=True):
        if not 0 <= new <= old:
            raise ValueError(f"lengths must lie from 0 to the {old} held, got {new}")
        if window is not None and start > max(0, new - window + 1):
            raise ValueError(
                f"with window={window} the oldest key kept is that of position {start}, too late "
                f"for lengths of {new}"
            )
