"""Positions as buckets of distances: T5, Raffel et al. 2020, section 2.1."""

import torch
from torch import Tensor, nn

from txlib.checks import check_flag, check_whole
from txlib.positions.offsets import check_offset
from txlib.positions.relative import relative_distances
from txlib.tensor_checks import check_heads, check_integers

MOST_DISTANCE = 2**31  # up to here edges are found at once


def relative_buckets(
    distance: Tensor,
    *,
    num_buckets: int = 32,
    max_distance: int = 128,
    bidirectional: bool,
) -> Tensor:
    """Which bucket each distance falls into: small ones have their own, large ones share.

    Of the buckets of one direction the first half holds one distance each; the others grow by a
    constant factor up to `max_distance`, and the last takes everything from there on. With 32
    buckets of the past and 128: 0, 1, ..., 15, then 16-18, 19-20, 21-23, ..., 113 and more.

    Raffel et al. 2020, section 2.1, give the idea; the rule is that of their code. Edges are found
    in whole numbers, so every device draws them alike.

    Args:
        distance: integers of any shape, key's position minus query's: negative for the past.
        num_buckets: for both directions together if `bidirectional`, and then even; at least two
            a direction.
        max_distance: from which on distances are not told apart, above the number of distances
            that have a bucket of their own.
        bidirectional: whether the future has buckets, the upper half. If not, it shares bucket 0
            with the query's own position, and a causal mask is to hide it.

    Returns:
        int64, the shape of `distance`, from 0 to `num_buckets` - 1.

    Raises:
        ValueError: if an argument is outside its range or `distance` is not of integers.

    Example:
        >>> distance = torch.tensor([0, -1, -2, -3, -4, -8, -100])
        >>> relative_buckets(distance, num_buckets=8, max_distance=16, bidirectional=False)
        tensor([0, 1, 2, 3, 4, 6, 7])
    """
    check_integers("distance", distance)
    distance = distance.contiguous()  # else `bucketize` warns
    starts = torch.tensor(_starts(num_buckets, max_distance, bidirectional), device=distance.device)
    if not bidirectional:
        return torch.bucketize(-distance.clamp(max=0), starts, right=True) - 1
    bucket = torch.bucketize(distance.abs(), starts, right=True) - 1
    return bucket + (distance > 0) * (num_buckets // 2)


class BucketedBias(nn.Module):
    """One learned number for each head and each bucket of distances, added to the scores.

    It looks at no content: unlike `RelativeKeys`, every query thinks the same of a distance. T5
    shares one such module among its layers, and does not scale its dot products; here the number
    is added after the scaling. At first all are zero, and the buckets that training never meets
    stay so. Source: Raffel et al. 2020, section 2.1; chapter 4.

    Args:
        num_heads: H, at least 1.
        num_buckets: see `relative_buckets`.
        max_distance: see `relative_buckets`.
        bidirectional: whether the future has buckets of its own; False under a causal mask.

    Raises:
        ValueError: if an argument is outside its range.
    """

    def __init__(
        self,
        num_heads: int,
        *,
        num_buckets: int = 32,
        max_distance: int = 128,
        bidirectional: bool,
    ):
        super().__init__()
        check_whole("num_heads", num_heads, least=1)
        _starts(num_buckets, max_distance, bidirectional)
        self.max_distance = max_distance
        self.bidirectional = bidirectional
        self.table = nn.Parameter(torch.zeros(num_buckets, num_heads))

    def forward(self, query: Tensor, num_keys: int, offset: int | Tensor | None = None) -> Tensor:
        """What to add to the scaled scores.

        Args:
            query: (B, H, T_q, D); only its shape, dtype and device are looked at.
            num_keys: T_k, at least 0.
            offset: which key the first query stands at, or int64 (B,), each row's; T_k - T_q if
                None: the last query stands at the last key.

        Returns:
            (1, H, T_q, T_k), or (B, H, T_q, T_k) for a tensor of offsets, with the dtype of
            `query`.

        Raises:
            ValueError: if `query` has another number of heads or `num_keys` is negative.
        """
        num_buckets, num_heads = self.table.shape
        check_heads("query", query, num_heads, table=self.table)
        if offset is not None:
            check_offset(offset, query)
        buckets = relative_buckets(
            relative_distances(query.shape[2], num_keys, offset=offset, device=query.device),
            num_buckets=num_buckets,
            max_distance=self.max_distance,
            bidirectional=self.bidirectional,
        )
        bias = self.table[buckets].movedim(-1, -3)  # (H, T_q, T_k) or (B, H, T_q, T_k)
        return (bias if bias.ndim == 4 else bias[None]).to(query.dtype)

    def extra_repr(self) -> str:
        """What `print` shows of it."""
        num_buckets, num_heads = self.table.shape
        return (
            f"{num_heads}, num_buckets={num_buckets}, max_distance={self.max_distance}, "
            f"bidirectional={self.bidirectional}"
        )


def _starts(num_buckets: int, max_distance: int, bidirectional: bool) -> list[int]:
    """The smallest distance of each bucket of one direction."""
    check_whole("num_buckets", num_buckets)
    check_whole("max_distance", max_distance, most=MOST_DISTANCE)
    check_flag("bidirectional", bidirectional)
    if bidirectional and num_buckets % 2:
        raise ValueError(f"num_buckets must be even for two directions, got {num_buckets}")
    each = num_buckets // 2 if bidirectional else num_buckets
    if each < 2:
        raise ValueError(f"num_buckets must be at least 2 a direction, got {num_buckets}")
    own = each // 2  # distances 0 to own - 1 have a bucket of their own
    if max_distance <= own:
        raise ValueError(
            f"max_distance must be above {own}, the distances that num_buckets={num_buckets} tells "
            f"apart one by one, got {max_distance}"
        )
    starts, shared = list(range(own)), each - own
    for step in range(shared):
        # own * (max_distance / own) ** (step / shared), rounded up: the powers leave no error
        start = int(own * (max_distance / own) ** (step / shared))
        while start**shared * own**step < max_distance**step * own**shared:
            start += 1
        starts.append(start)
    return starts
