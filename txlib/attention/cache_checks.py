"""What a `KVCache` is given, and must refuse."""

import torch
from torch import Tensor

from txlib.checks import check_tensor, check_whole
from txlib.tensor_checks import check_alike


def check_sizes(required: dict[str, int], optional: dict[str, int | None]) -> None:
    """Refuse sizes that are not whole numbers of at least 1; those optional may be None.

    Raises:
        ValueError: with the name and the value.
    """
    for name, size in required.items():
        check_whole(name, size, least=1)
    for name, size in optional.items():
        if size is not None:
            check_whole(name, size, least=1)


def check_new_tokens(
    keys: Tensor, values: Tensor, sizes: tuple[int, int, int], buffer: Tensor
) -> int:
    """Refuse keys and values that do not fit the slots.

    Args:
        keys: (B, H_kv, T, D).
        values: likewise.
        sizes: B, H_kv and D of the cache.
        buffer: where they are to go; its dtype may be another.

    Returns:
        T, how many tokens.

    Raises:
        ValueError: if the shapes do not agree, or they are not floats on the cache's device.
    """
    check_alike(keys=keys, values=values)
    if keys.device != buffer.device:
        raise ValueError(f"keys must be on {buffer.device} as the cache, got {keys.device}")
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
    check_tensor(name, numbers)
    if numbers.dtype not in (torch.int64, torch.int32) or numbers.shape != (batch_size,):
        raise ValueError(
            f"{name} must be integers of shape ({batch_size},), got {numbers.dtype} of "
            f"{tuple(numbers.shape)}"
        )
    if numbers.is_meta:
        raise ValueError(f"{name} must hold numbers, got a tensor on {numbers.device}")
    read = numbers.tolist()
    for number in read:
        if not 0 <= number <= most:
            raise ValueError(f"{name} must lie from 0 to {most}, got {number}")
    return read


def lengths_wanted(lengths: int | Tensor, batch_size: int, most: int) -> list[int]:
    """What rows shall be rolled back to, each from 0 to `most` if they are not alike.

    Raises:
        ValueError: if `lengths` is neither a whole number nor integers (B,).
    """
    if isinstance(lengths, Tensor):
        return listed(lengths, "lengths", batch_size, most)
    check_whole("lengths", lengths)
    return [lengths] * batch_size


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


def check_rows(rows: Tensor, batch_size: int, buffer: Tensor) -> None:
    """Refuse what does not choose rows; on a GPU out-of-range numbers are left to the GPU.

    Args:
        rows: int64 (B_new,), each from 0 to B - 1.
        batch_size: B.
        buffer: whose rows they are.

    Raises:
        ValueError: if they are not as stated.
    """
    check_tensor("rows", rows)
    if rows.ndim != 1 or rows.dtype not in (torch.int64, torch.int32) or not len(rows):
        raise ValueError(
            f"rows must be integers (B_new >= 1,), got {rows.dtype} of {tuple(rows.shape)}"
        )
    if rows.device != buffer.device:
        raise ValueError(f"rows must be on {buffer.device} as the cache, got {rows.device}")
    if rows.device.type == "cpu":
        listed(rows, "rows", len(rows), batch_size - 1)
