"""One look with learned queries, keys and values, scored by scaled dot products."""

from torch import Tensor, nn

from txlib.attention.scaled_dot_product import attention_weights, check_shapes, fused_attention
from txlib.attention.weights_tap import WeightsTap
from txlib.checks import check_whole
from txlib.tensor_checks import check_features, check_scale


class SingleHeadAttention(nn.Module):
    """Asks a memory a question: three projections, then `fused_attention`.

    With the queries' own sentence as the memory this is self-attention, with another sentence
    cross-attention. While its `tap` is listened to (see `capture_weights`), the readable path runs,
    and the output is the same to rounding.

    Source: Vaswani et al. 2017, section 3.2, one head of it: no output projection, no biases.
    With `scale=1.0` and `value_size=None` it is the "general" score of Luong et al. 2015, section
    3.1, with their W_a as a product of two matrices; chapter 3.

    Args:
        query_size: Q, features of a query, at least 1.
        memory_size: M, features of a memory position, at least 1.
        head_dim: D, features in which queries and keys are compared, at least 1; the paper's d_k.
        value_size: features of a value, at least 1; None averages the memory itself, unprojected.
        scale: what the dot products are multiplied by; one over the root of D if None.

    Raises:
        ValueError: if a size is below 1.

    Example:
        >>> look = SingleHeadAttention(query_size=8, memory_size=6, head_dim=4)
        >>> query, memory = torch.randn(2, 3, 8), torch.randn(2, 5, 6)
        >>> look(query, memory).shape  # for each query an average of the five
        torch.Size([2, 3, 6])
    """

    def __init__(
        self,
        query_size: int,
        memory_size: int,
        head_dim: int,
        *,
        value_size: int | None = None,
        scale: float | None = None,
    ):
        super().__init__()
        sizes = {"query_size": query_size, "memory_size": memory_size, "head_dim": head_dim}
        if value_size is not None:
            sizes["value_size"] = value_size
        for name, size in sizes.items():
            check_whole(name, size, least=1)
        if scale is not None:
            check_scale("scale", scale)
        self.q_proj = nn.Linear(query_size, head_dim, bias=False)
        self.k_proj = nn.Linear(memory_size, head_dim, bias=False)
        self.v_proj = None if value_size is None else nn.Linear(memory_size, value_size, bias=False)
        self.scale = scale
        self.tap = WeightsTap()

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """What of a memory depends on no query: its keys and its values.

        Args:
            memory: (B, T_k, M).

        Returns:
            Keys (B, T_k, D) and values (B, T_k, value_size), or the memory for the latter.

        Raises:
            ValueError: if `memory` is not (B, T_k, M).
        """
        check_features("memory", memory, self.k_proj)
        return self.k_proj(memory), memory if self.v_proj is None else self.v_proj(memory)

    def attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor | None = None,
        *,
        is_causal: bool = False,
    ) -> Tensor:
        """The weighted average of the values, for each query.

        Args:
            query: (B, T_q, Q).
            keys: (B, T_k, D), from `project`.
            values: (B, T_k, value_size or M), from `project`.
            mask: bool, broadcastable to (B, T_q, T_k). True = may attend.
            is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.

        Returns:
            Context (B, T_q, value_size or M); zero for a query that may attend to nothing.

        Raises:
            ValueError: if shapes do not agree, or `mask` is not bool or does not broadcast.
        """
        check_features("query", query, self.q_proj)
        query = self.q_proj(query)  # (B, T_q, D)
        check_shapes(query, keys, values)
        averaged = self.k_proj.in_features if self.v_proj is None else self.v_proj.out_features
        if values.shape[-1] != averaged:
            raise ValueError(
                f"values must have shape (B, T_k, {averaged}), got {tuple(values.shape)}"
            )
        if not self.tap.listened:
            return fused_attention(query, keys, values, mask, is_causal=is_causal, scale=self.scale)
        weights = attention_weights(query, keys, mask, is_causal=is_causal, scale=self.scale)
        return self.tap(weights) @ values

    def forward(
        self,
        query: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        *,
        is_causal: bool = False,
    ) -> Tensor:
        """`project`, then `attend`; for a memory that is looked at in one call.

        Args:
            query: (B, T_q, Q).
            memory: (B, T_k, M).
            mask: bool, broadcastable to (B, T_q, T_k). True = may attend. A `padding_mask` of the
                memory goes in as (B, 1, T_k).
            is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.

        Returns:
            Context (B, T_q, value_size or M).

        Raises:
            ValueError: as `project` and `attend`.
        """
        return self.attend(query, *self.project(memory), mask, is_causal=is_causal)
