"""Several looks at once, each in features of its own: Vaswani et al. 2017, section 3.2.2."""

from torch import Tensor, nn
from torch.nn import functional as F

from txlib.attention.grouped_heads import grouped_product
from txlib.attention.head_sizes import head_sizes
from txlib.attention.kv_cache import KVCache
from txlib.attention.masked_softmax import check_mask
from txlib.attention.masks import position_mask
from txlib.attention.scaled_dot_product import attention_weights, check_shapes, fused_attention
from txlib.attention.weights_tap import WeightsTap
from txlib.checks import check_flag, check_kind, shown
from txlib.tensor_checks import check_features, check_part, check_share


class MultiHeadAttention(nn.Module):
    """H heads ask the memory H questions; one projection puts their contexts together.

    Without a memory the sentence looks at itself. While `tap` is listened to (see
    `capture_weights`), the readable path runs, and the output is the same to rounding, but for what
    dropout draws. `project` and `attend` are the two halves of `forward`: what they hand over, keys
    and values of all positions so far, is what a cache keeps.

    Source: Vaswani et al. 2017, section 3.2.2, where D is d_k = d_v and out_proj is W^O; chapter 5.
    Fewer heads of keys and values: Ainslie et al. 2023, section 2.2, and Shazeer 2019, section 3,
    for a single one. Normalised queries and keys: after Henry et al. 2020, section 2, here by the
    root mean square with a learned gain in place of their l2 norm and single gain.

    Args:
        d_model: C, features of a query position and of the result, at least 1.
        num_heads: H, at least 1.
        num_kv_heads: H_kv, heads of keys and values; a divisor of H; H if None. Queries' heads
            h * H / H_kv up to (h + 1) * H / H_kv share head h.
        head_dim: D, features of a head, at least 1; C / H if None, which H must then divide.
        memory_size: M, features of a memory position, at least 1; C if None.
        bias: give all four projections a bias.
        qk_norm: normalise queries and keys, each head of each position, before they are rotated.
        dropout: share of the weights set to zero in training, 0 to below 1.
        rotary: what turns queries and keys by their positions, called as rotary(x (B, H, T, D),
            offset=position of the first); see `txlib.positions.RotaryEmbedding`.
        score_bias: what the positions add to the scaled scores, called as
            score_bias(query (B, H, T_q, D), T_k), with queries not yet rotated, and by a cache of
            unequal lengths with a third argument, (B,): the keys before each row's first query; see
            `txlib.positions.ALiBi`, `RelativeKeys` and `BucketedBias`.

    Raises:
        ValueError: if a size is below 1, heads do not divide, or `dropout` is out of its range.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        *,
        num_kv_heads: int | None = None,
        head_dim: int | None = None,
        memory_size: int | None = None,
        bias: bool = False,
        qk_norm: bool = False,
        dropout: float = 0.0,
        rotary: nn.Module | None = None,
        score_bias: nn.Module | None = None,
    ):
        super().__init__()
        num_kv_heads, head_dim, memory_size = head_sizes(
            d_model, num_heads, num_kv_heads, head_dim, memory_size
        )
        check_share("dropout", dropout)
        check_flag("bias", bias)
        check_flag("qk_norm", qk_norm)
        check_part("rotary", rotary)
        check_part("score_bias", score_bias)
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = head_dim
        self.q_proj = nn.Linear(d_model, num_heads * self.head_dim, bias=bias)
        self.k_proj = nn.Linear(memory_size, num_kv_heads * self.head_dim, bias=bias)
        self.v_proj = nn.Linear(memory_size, num_kv_heads * self.head_dim, bias=bias)
        self.out_proj = nn.Linear(num_heads * self.head_dim, d_model, bias=bias)
        self.q_norm = nn.RMSNorm(self.head_dim, eps=1e-6) if qk_norm else None
        self.k_norm = nn.RMSNorm(self.head_dim, eps=1e-6) if qk_norm else None
        self.dropout = dropout
        self.rotary = rotary
        self.score_bias = score_bias
        self.tap = WeightsTap()

    def project(self, memory: Tensor, *, offset: int | Tensor = 0) -> tuple[Tensor, Tensor]:
        """What of a memory depends on no query: its keys and its values.

        Args:
            memory: (B, T, M).
            offset: position of the first of them, at least 0, or of each row's, int64 (B,);
                `rotary` alone asks for it.

        Returns:
            Keys, rotated already, and values, both (B, H_kv, T, D).

        Raises:
            ValueError: if `memory` is not (B, T, M).
        """
        k_proj = self.k_proj
        check_features("memory", memory, k_proj)
        keys = _normalize(self.k_norm, self._split(k_proj(memory)))  # (B, H_kv, T, D)
        if self.rotary is not None:
            keys = self.rotary(keys, offset=offset)
        return keys, self._split(self.v_proj(memory))

    def attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor | None = None,
        *,
        is_causal: bool = False,
    ) -> Tensor:
        """What every head finds, put together. Queries are the newest: the last stands at T_k - 1.

        Args:
            query: (B, T_q, C).
            keys: (B, H_kv, T_k, D), from `project`; of several calls, concatenated in T.
            values: (B, H_kv, T_k, D), likewise.
            mask: bool, broadcastable to (B, T_q, T_k), or one for each head: with four dimensions,
                broadcastable to (B, H, T_q, T_k). True = may attend.
            is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.

        Returns:
            (B, T_q, C). Where a query may attend to nothing, the bias of `out_proj`, or zero.

        Raises:
            ValueError: if shapes do not agree, `mask` is not bool or does not broadcast, or with
                `rotary` there are more queries than keys.
        """
        check_features("query", query, self.q_proj)
        for name, heads in (("keys", keys), ("values", values)):
            shape = getattr(heads, "shape", ())
            if len(shape) != 4 or shape[1] != self.num_kv_heads or shape[3] != self.head_dim:
                sizes = f"(B, {self.num_kv_heads}, T_k, {self.head_dim})"
                raise ValueError(
                    f"{name} must have shape {sizes}, got {tuple(shape) or shown(heads)}"
                )
        T_q, T_k = query.shape[1], keys.shape[2]
        if mask is not None and getattr(mask, "ndim", None) == 3:
            check_mask(mask, (query.shape[0], T_q, T_k))
            mask = mask[:, None]  # (B, 1, T_q, T_k): the same for every head
        if self.rotary is not None and T_q > T_k:
            rule = "with rotary, query must have at most as many positions as keys"
            raise ValueError(f"{rule}, got {T_q} and {T_k}")
        return self._attend(query, keys, values, mask, is_causal, T_k - T_q)

    def forward(
        self,
        query: Tensor,
        memory: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        is_causal: bool = False,
        cache: KVCache | None = None,
        counts: Tensor | None = None,
    ) -> Tensor:
        """`project`, then `attend`; for a memory that is looked at in one call, or a growing one.

        Args:
            query: (B, T_q, C).
            memory: (B, T_k, M); the query itself, which then needs M = C, if None.
            mask: as in `attend`. A `padding_mask` of the memory goes in as (B, 1, T_k).
            is_causal: as in `attend`.
            cache: what came before `query`, which is put behind it; no memory or mask then, and
                `is_causal`.
            counts: with a cache int64 (B,), how many of the T_q are real tokens, padded on the
                right; all if None.

        Returns:
            (B, T_q, C).

        Raises:
            ValueError: as `project`, `attend` and the cache's `append`, and if another sentence is
                the memory though positions count: those of two sentences cannot be compared.
        """
        if cache is not None:
            if memory is not None or mask is not None or not is_causal:
                rule = "with a cache memory and mask must be None and is_causal True"
                raise ValueError(f"{rule}, got {shown(memory)}, {shown(mask)} and {is_causal}")
            return self._continue(query, cache, counts)
        if counts is not None:
            raise ValueError(f"counts must be None without a cache, got {shown(counts)}")
        if memory is None:
            memory = query
        elif memory is not query and not (self.rotary is None and self.score_bias is None):
            named = "rotary" if self.score_bias is None else "score_bias"
            raise ValueError(
                f"positions of two sentences cannot be compared: memory must be None with {named}, "
                f"got {tuple(memory.shape)}"
            )
        return self.attend(query, *self.project(memory), mask, is_causal=is_causal)

    def _continue(self, query: Tensor, cache: KVCache, counts: Tensor | None) -> Tensor:
        """Put the tokens behind those in the cache, and let them look at all they may."""
        check_kind("cache", cache, KVCache)
        offset = cache.offset
        keys, values, first = cache.append(*self.project(query, offset=offset), counts)
        (T_q, T_k), mask = (query.shape[1], keys.shape[2]), None
        if isinstance(first, Tensor) or (cache.window is not None and T_q > 1):
            mask = position_mask(first, T_q, T_k, window=cache.window, device=query.device)
            mask = mask.unsqueeze(-3)  # (1, T_q, T_k) or (B, 1, T_q, T_k): for every head
        return self._attend(query, keys, values, mask, mask is None and T_q > 1, offset, first)

    def _attend(
        self,
        query: Tensor,
        keys: Tensor,
        values: Tensor,
        mask: Tensor | None,
        is_causal: bool,
        offset: int | Tensor,
        first: int | Tensor | None = None,
    ) -> Tensor:
        """`attend` from position `offset` on; behind a cache, where key `first` stands."""
        query = _normalize(self.q_norm, self._split(self.q_proj(query)))  # (B, H, T_q, D)
        bias = None
        if self.score_bias is not None:
            at = (first,) if isinstance(first, Tensor) else ()
            bias = self.score_bias(query, keys.shape[2], *at)
        if self.rotary is not None:
            query = self.rotary(query, offset=offset)
        dropout = self.dropout if self.training else 0.0
        if self.tap.listened:
            check_shapes(query, keys, values)
            weights = attention_weights(query, keys, mask, bias=bias, is_causal=is_causal)
            weights = F.dropout(self.tap(weights), dropout)  # (B, H, T_q, T_k)
            context = grouped_product(weights, values)
        elif first is not None and mask is None and bias is None and not (is_causal or dropout):
            groups = query.reshape(*keys.shape[:2], -1, self.head_dim)  # (B, H_kv, H / H_kv, D)
            context = F.scaled_dot_product_attention(groups, keys, values).reshape(query.shape)
        else:
            options = {"bias": bias, "is_causal": is_causal, "dropout": dropout}
            context = fused_attention(query, keys, values, mask, **options)
        return self.out_proj(context.transpose(1, 2).flatten(2))  # (B, H, T_q, D) -> (B, T_q, C)

    def _split(self, features: Tensor) -> Tensor:
        """(B, T, H * D) to (B, H, T, D); a view alone would mix the positions."""
        B, T, size = features.shape
        return features.reshape(B, T, size // self.head_dim, self.head_dim).transpose(1, 2)


def _normalize(norm: nn.RMSNorm | None, heads: Tensor) -> Tensor:
    """In the precision of the gain: under autocast that is float32, and `heads` is not."""
    return heads if norm is None else norm(heads.to(norm.weight.dtype)).to(heads.dtype)
