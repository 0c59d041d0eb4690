"""Positions as distances between query and key: Shaw et al. 2018, section 3."""

import math

import torch
from torch import Tensor, nn

from txlib.attention.grouped_heads import grouped_product
from txlib.attention.scaled_dot_product import attention_weights, check_shapes
from txlib.checks import check_whole
from txlib.positions.offsets import check_offset, positions_from
from txlib.tensor_checks import check_alike, check_heads, check_look, check_scale


def relative_distances(
    T_q: int,
    num_keys: int,
    *,
    offset: int | Tensor | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """How far after query i key j stands; the last query stands at the last key.

    Args:
        T_q: number of queries, at least 0.
        num_keys: T_k, at least 0.
        offset: which key the first query stands at, at least 0, or int64 (B,), each row's;
            T_k - T_q if None.
        device: where the result is made.

    Returns:
        int64 (T_q, T_k): $j - (T_k - T_q + i)$, negative for keys of the past; (B, T_q, T_k) for a
        tensor of offsets.

    Raises:
        ValueError: if a number is negative.

    Example:
        >>> relative_distances(3, 3)
        tensor([[ 0,  1,  2],
                [-1,  0,  1],
                [-2, -1,  0]])
    """
    for name, number in (("T_q", T_q), ("num_keys", num_keys)):
        check_whole(name, number, least=0)
    if offset is None:
        position = torch.arange(T_q, device=device) + num_keys - T_q
    else:
        position = positions_from(offset, T_q, device=device)  # (T_q,) or (B, T_q)
    return torch.arange(num_keys, device=device) - position[..., None]


def relative_scores_gather(query: Tensor, key_table: Tensor, num_keys: int) -> Tensor:
    r"""What each query makes of each distance: $q_i \cdot a^K_{\mathrm{clip}(j - i)}$, as written.

    Shaw et al. 2018, second term of equation 5, not yet scaled. Memory: a vector is fetched for
    each pair, for all heads and sentences at once. These T_q * T_k * D numbers stand beside the
    B * H * T_q * T_k of the result, and training keeps them for the backward pass.

    Args:
        query: (..., T_q, D).
        key_table: (2 * max_distance + 1, D), a vector for each distance, the most negative first.
            A distance beyond `max_distance` shares the last vector on its side.
        num_keys: T_k, at least 0; the last query stands at the last key.

    Returns:
        (..., T_q, T_k).

    Raises:
        ValueError: if the shapes do not agree or the table has no middle row.
    """
    _check_table(query, key_table, "key_table", "query")
    rows = _rows(relative_distances(query.shape[-2], num_keys, device=query.device), key_table)
    return torch.einsum("...qd,qkd->...qk", query, rows)


def relative_scores_skew(query: Tensor, key_table: Tensor, num_keys: int) -> Tensor:
    """`relative_scores_gather` without a vector for each pair; values and gradients are the same.

    Every query is multiplied with every distance there is, -T_k to T_q - 1, once. In row i of that
    (T_q, T_q + T_k) table the score of key j stands in column j - i + T_q: each row begins one
    column before the one above. Read as one line without its first T_q numbers, in rows of
    T_q + T_k - 1, the same numbers stand in column j.

    Memory: training keeps (T_q + T_k) * D numbers for the backward pass, no product of two lengths.
    The result is a view of B * H * T_q * (T_q + T_k) products, which live as long as it does; for
    T_q = T_k the peak is below the gather's while B * H < D.

    The trick of Huang et al. 2018 (Music Transformer, section 3.4.1), who look back only, for both
    sides and unequal lengths.

    Arguments, result and errors are those of `relative_scores_gather`.
    """
    _check_table(query, key_table, "key_table", "query")
    T_q = query.shape[-2]
    check_whole("num_keys", num_keys, least=0)
    distances = torch.arange(-num_keys, T_q, device=query.device)
    scores = query @ _rows(distances, key_table).mT  # (..., T_q, T_q + T_k)
    line = scores.flatten(-2)[..., T_q:]
    width = max(T_q + num_keys - 1, num_keys)  # the latter only where there is no query
    return line.unflatten(-1, (T_q, width))[..., :num_keys]  # (..., T_q, T_k)


def relative_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_table: Tensor,
    value_table: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    r"""Attention in which distances speak twice: in the scores, and in what is averaged.

    $e_{ij} = q_i \cdot (k_j + a^K_{ij}) / \sqrt{D}$, then $z_i = \sum_j \alpha_{ij} (v_j +
    a^V_{ij})$, where $a_{ij}$ is the table's row for the distance $j - i$, clipped: Shaw et al.
    2018, equations 3 to 5; chapter 4. The readable path: a vector for each pair, T_q * T_k * D
    numbers, and as many for the values.

    Args:
        query: (..., T_q, D).
        key: (..., T_k, D).
        value: (..., T_k, D_v).
        key_table: (2 * max_distance + 1, D), the most negative distance first.
        value_table: (2 * max_distance + 1, D_v); None leaves the second voice out.
        mask: bool, broadcastable to (..., T_q, T_k). True = may attend.
        is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.
        scale: what the scores are multiplied by; one over the root of D if None.

    Returns:
        Context (..., T_q, D_v); zero for a query that may attend to nothing.

    Raises:
        ValueError: if shapes do not agree, or `mask` is not bool or does not broadcast.
    """
    check_shapes(query, key, value)
    check_look(is_causal, scale)
    if value_table is not None:
        _check_table(value, value_table, "value_table", "value")
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    bias = relative_scores_gather(query * scale, key_table, key.shape[-2])
    weights = attention_weights(query, key, mask, bias=bias, is_causal=is_causal, scale=scale)
    context = grouped_product(weights, value)  # (..., T_q, D_v)
    if value_table is None:
        return context
    distances = relative_distances(*weights.shape[-2:], device=query.device)
    return context + torch.einsum("...qk,qkd->...qd", weights, _rows(distances, value_table))


class RelativeKeys(nn.Module):
    r"""What a query thinks of a distance, added to what it thinks of a key.

    The key side of Shaw et al. 2018 (equation 5), scaled, by `relative_scores_skew`. The table is
    shared by the heads and the sentences, as there; its value side is in `relative_attention`.

    Args:
        head_dim: D, at least 1.
        max_distance: the paper's k, at least 0; farther keys share one vector a side.
        scale: that of the attention it enters; $1/\sqrt{D}$ if None.

    Raises:
        ValueError: if a size is outside its range.
    """

    def __init__(self, head_dim: int, max_distance: int, *, scale: float | None = None):
        super().__init__()
        check_whole("head_dim", head_dim, least=1)
        check_whole("max_distance", max_distance, least=0)
        if scale is not None:
            check_scale("scale", scale)
        self.scale = 1 / math.sqrt(head_dim) if scale is None else scale
        self.table = nn.Parameter(torch.empty(2 * max_distance + 1, head_dim))
        nn.init.xavier_uniform_(self.table)

    def forward(self, query: Tensor, num_keys: int, offset: int | Tensor | None = None) -> Tensor:
        """What to add to the scaled scores.

        Args:
            query: (B, H, T_q, D).
            num_keys: T_k, at least 0.
            offset: which key the first query stands at, or int64 (B,), each row's; T_k - T_q if
                None. Given, all distances that the table knows are scored, and picked from.

        Returns:
            (B, H, T_q, T_k), with the dtype of `query`.

        Raises:
            ValueError: if `query` does not end in D or `num_keys` is negative.
        """
        check_heads("query", query, table=self.table)
        query, table = query * self.scale, self.table.to(query.dtype)
        if offset is None:
            return relative_scores_skew(query, table, num_keys)
        _check_table(query, table, "table", "query")
        check_offset(offset, query)
        T_q, farthest = query.shape[-2], len(table) // 2
        distances = relative_distances(T_q, num_keys, offset=offset, device=query.device)
        index = (distances.clamp(-farthest, farthest) + farthest).unsqueeze(-3)
        return (query @ table.mT).take_along_dim(index.expand(*query.shape[:2], -1, -1), dim=-1)


def _rows(distances: Tensor, table: Tensor) -> Tensor:
    """The table's vectors for `distances`, of any shape, clipped to what the table holds."""
    farthest = len(table) // 2
    return table[distances.clamp(-farthest, farthest) + farthest]


def _check_table(vectors: Tensor, table: Tensor, name: str, other: str) -> None:
    check_alike(**{other: vectors, name: table})
    if vectors.ndim < 2:
        raise ValueError(f"{other} must have shape (..., T, D), got {tuple(vectors.shape)}")
    if table.ndim != 2 or len(table) % 2 == 0 or table.shape[1] != vectors.shape[-1]:
        raise ValueError(
            f"{name} must have shape (2 * max_distance + 1, {vectors.shape[-1]}) as {other} asks, "
            f"got {tuple(table.shape)}"
        )
