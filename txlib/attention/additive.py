"""Additive attention, the first: Bahdanau, Cho and Bengio 2015, section 3.1, equations 5 and 6."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from txlib.attention.masked_softmax import masked_softmax
from txlib.attention.weights_tap import WeightsTap
from txlib.checks import check_callable, check_whole
from txlib.tensor_checks import check_features


class AdditiveAttention(nn.Module):
    r"""Looks back at a memory: scores it, turns the scores into weights, averages it by them.

    The score of query $s$ and key $h$ is $v^\top \tanh(W s + U h)$ (Bahdanau et al. 2015, appendix
    A.1.2; chapter 2). $U h$ does not depend on the query, so `project` computes it once a sentence,
    as the paper does; all queries that are known go through one call of `attend`.

    The sum inside the tanh is formed for every pair: B * T_q * T_k * A numbers live at once, and
    training keeps them for the backward pass. Dot products need B * T_q * T_k.

    Args:
        query_size: Q, features of a query (the decoder's state in the paper), at least 1.
        key_size: K, features of a memory position (the encoder's outputs), at least 1.
        d_attention: A, the paper's n', features of the hidden layer that scores, at least 1.
        activation: what stands in the paper's place of tanh.

    Raises:
        ValueError: if a size is below 1.

    Example:
        >>> attention = AdditiveAttention(query_size=5, key_size=6, d_attention=7)
        >>> query, memory = torch.randn(2, 1, 5), torch.randn(2, 9, 6)
        >>> attention(query, memory).shape  # for each query an average of the nine
        torch.Size([2, 1, 6])
    """

    def __init__(
        self,
        query_size: int,
        key_size: int,
        d_attention: int,
        *,
        activation: Callable[[Tensor], Tensor] = torch.tanh,
    ):
        super().__init__()
        sizes = {"query_size": query_size, "key_size": key_size, "d_attention": d_attention}
        for name, size in sizes.items():
            check_whole(name, size, least=1)
        check_callable("activation", activation)
        self.query_proj = nn.Linear(query_size, d_attention, bias=False)  # the paper's W_a
        self.key_proj = nn.Linear(key_size, d_attention, bias=False)  # U_a
        self.score_proj = nn.Linear(d_attention, 1, bias=False)  # v_a
        self.activation = activation
        self.tap = WeightsTap()

    def project(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """What of a memory depends on no query: its projected keys, and the values to average.

        Args:
            memory: (B, T_k, K).

        Returns:
            Keys (B, T_k, A) and values (B, T_k, K). The values are the memory itself.

        Raises:
            ValueError: if `memory` is not (B, T_k, K).
        """
        check_features("memory", memory, self.key_proj)
        return self.key_proj(memory), memory

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """How well each query goes with each key, as any real number.

        Args:
            query: (B, T_q, Q).
            keys: (B, T_k, A), from `project`.

        Returns:
            (B, T_q, T_k).

        Raises:
            ValueError: if a shape is not as stated.
        """
        check_features("query", query, self.query_proj)
        check_features("keys", keys, self.score_proj)
        if len(query) != len(keys):
            raise ValueError(f"query and keys must share B, got {len(query)} and {len(keys)}")
        summed = self.query_proj(query)[:, :, None] + keys[:, None]  # (B, T_q, T_k, A)
        return self.score_proj(self.activation(summed)).squeeze(-1)  # (B, T_q, T_k)

    def attend(
        self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None
    ) -> Tensor:
        """The weighted average of the values, for each query.

        Args:
            query: (B, T_q, Q).
            keys: (B, T_k, A), from `project`.
            values: (B, T_k, K), from `project`.
            mask: bool, broadcastable to (B, T_q, T_k). True = may attend.

        Returns:
            Context (B, T_q, K); zero for a query that may attend to nothing.

        Raises:
            ValueError: if a shape is not as stated or `mask` is not bool.
        """
        check_features("values", values, self.key_proj)
        scores = self.scores(query, keys)  # (B, T_q, T_k)
        if keys.shape[:-1] != values.shape[:-1]:
            raise ValueError(
                f"keys and values must share B and T_k, got {tuple(keys.shape)} and "
                f"{tuple(values.shape)}"
            )
        return self.tap(masked_softmax(scores, mask)) @ values

    def forward(self, query: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """`project`, then `attend`; for a memory that is looked at in one call.

        Args:
            query: (B, T_q, Q).
            memory: (B, T_k, K).
            mask: bool, broadcastable to (B, T_q, T_k). True = may attend.

        Returns:
            Context (B, T_q, K).

        Raises:
            ValueError: as `project` and `attend`.
        """
        return self.attend(query, *self.project(memory), mask)
