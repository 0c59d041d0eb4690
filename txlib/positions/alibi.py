"""ALiBi, a penalty that grows with distance: Press, Smith and Lewis 2022, section 3."""

import torch
from torch import Tensor, nn

from txlib.checks import check_whole
from txlib.positions.offsets import check_offset
from txlib.positions.relative import relative_distances
from txlib.tensor_checks import check_heads


def alibi_slopes(
    num_heads: int,
    *,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""How steeply each head forgets: nats lost per position of distance.

    For a power of two, $2^{-8h/H}$ for head h = 1..H: eight heads get 1/2, 1/4, ..., 1/256. For any
    other number, the slopes of the next power of two below, then every second one of twice as many
    heads until there are enough: the rule of the authors' code; the paper gives the first alone.

    Args:
        num_heads: H, at least 1.
        device: where they are made.
        dtype: a float dtype.

    Returns:
        (H,), each in (0, 1). Falling where H is a power of two.

    Raises:
        ValueError: if `num_heads` is below 1.

    Example:
        >>> alibi_slopes(4)
        tensor([0.2500, 0.0625, 0.0156, 0.0039])
    """
    check_whole("num_heads", num_heads, least=1)
    full = 1 << (num_heads.bit_length() - 1)  # the largest power of two up to H
    own = torch.arange(2, 2 * full + 1, 2, device=device, dtype=dtype)
    between = torch.arange(1, 2 * (num_heads - full) + 1, 2, device=device, dtype=dtype)
    return torch.exp2(torch.cat((own, between)) * (-4 / full))  # (H,)


class ALiBi(nn.Module):
    r"""Subtracts slope * distance from the scores; there is nothing to learn.

    The score of query i and key j becomes $q_i \cdot k_j / \sqrt{D} - m_h |i - j|$, with the slope
    $m_h$ of the head (Press et al. 2022, section 3; chapter 4). The paper's model is causal, so it
    says nothing of future keys: here they pay the same as past ones.

    No parameters and no buffers: slopes are made anew, where the queries are, so a model cast
    to half precision keeps them exact.

    Args:
        num_heads: H, at least 1.

    Raises:
        ValueError: if `num_heads` is below 1.

    Example:
        >>> bias = ALiBi(num_heads=2)(torch.zeros(1, 2, 3, 4), 3)
        >>> bias[..., 0, :, :]  # the first head takes 1/16 for each step of distance
        tensor([[-0.0000, -0.0625, -0.1250],
                [-0.0625, -0.0000, -0.0625],
                [-0.1250, -0.0625, -0.0000]])
    """

    def __init__(self, num_heads: int):
        super().__init__()
        check_whole("num_heads", num_heads, least=1)
        self.num_heads = num_heads

    def extra_repr(self) -> str:
        """The argument it was made with."""
        return f"num_heads={self.num_heads}"

    def forward(self, query: Tensor, num_keys: int, offset: int | Tensor | None = None) -> Tensor:
        """What to add to the scaled scores.

        Args:
            query: (B, H, T_q, D); its device, dtype and T_q count, its values do not.
            num_keys: T_k, at least 1.
            offset: which key the first query stands at, or int64 (B,), each row's; T_k - T_q if
                None: the last query stands at the last key.

        Returns:
            (H, T_q, T_k), or (B, H, T_q, T_k) for a tensor of offsets, in the dtype of `query`,
            never above 0, and 0 where query meets key.

        Raises:
            ValueError: if `query` is not (B, H, T_q, D) or `num_keys` is below 1.
        """
        check_heads("query", query, self.num_heads)
        check_whole("num_keys", num_keys, least=1)
        if offset is not None:
            check_offset(offset, query)
        exact = torch.promote_types(query.dtype, torch.float32)  # bfloat16 counts to 256 only
        slopes = alibi_slopes(self.num_heads, device=query.device, dtype=exact)
        T_q = query.shape[2]
        distance = relative_distances(T_q, num_keys, offset=offset, device=query.device).abs()
        return (-slopes[:, None, None] * distance.unsqueeze(-3)).to(query.dtype)
