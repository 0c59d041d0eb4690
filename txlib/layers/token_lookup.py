"""From token ids to their vectors, and what is said where an id has none."""

from torch import Tensor, nn

from txlib.checks import check_ids


def look_up(name: str, ids: Tensor, table: nn.Embedding) -> Tensor:
    """The vectors of a table.

    Ids are not looked at beforehand, as that would wait for a GPU: there an id without a vector
    ends in CUDA's own assertion. On a CPU PyTorch notices, and the error is put in words.

    Args:
        name: of the argument, for errors.
        ids: int64 or int32 (B, T), each from 0 to V - 1.
        table: of V vectors.

    Returns:
        (B, T, C).

    Raises:
        ValueError: if `ids` are no integers (B, T), on another device, or on a CPU out of range.
    """
    check_ids(name, ids, "B", "T")
    if ids.device != table.weight.device:
        raise ValueError(f"{name} must be on {table.weight.device} as the table, got {ids.device}")
    try:
        return table(ids)
    except IndexError:
        lowest, highest = (int(end) for end in ids.aminmax())
        found = lowest if lowest < 0 else highest
        most = table.num_embeddings - 1
        raise ValueError(f"{name} must lie from 0 to {most}, got {found}") from None
