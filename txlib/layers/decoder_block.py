"""A block of a decoder that also looks at a memory."""

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from txlib.attention import KVCache, MultiHeadAttention
from txlib.layers.feed_forward import Activation
from txlib.layers.residual_block import (
    Norm,
    NormOrder,
    ResidualBlock,
    new_feed_forward,
    new_norm,
)


class DecoderBlock(ResidualBlock):
    """The tokens look back at each other, then at the memory; then each is thought about by itself.

    `forward` takes the memory; `project_memory` and `forward_projected` are its two halves, for
    decoding: what a memory's keys and values are depends on no token of the target, so that they
    can be kept from one step to the next.

    Source: Vaswani et al. 2017, section 3.1, the decoder's layer, with `norm_order="post"`; chapter
    6. Dropout falls where `nn.TransformerDecoderLayer` drops: on the weights of both attentions, on
    the hidden features of the feed-forward layer, and on the three sub-layers' outputs, of which
    the paper names the last only.

    Args:
        d_model: C, features of the stream and of the memory, at least 1.
        num_heads: H, of either attention, at least 1.
        d_ff: F, hidden features of the feed-forward layer, at least 1.
        num_kv_heads: H_kv, heads of keys and values, of either attention; H if None.
        norm_order: `"pre"` or `"post"`; see `ResidualBlock`. The memory is not normalised here.
        norm: `"layer"` or `"rms"`.
        activation: of the feed-forward layer: `"relu"`, `"gelu"`, `"gelu_tanh"`, or `"swiglu"` for
            a `GatedFeedForward`.
        dropout: probability of zeroing, at each of those places, in [0, 1).
        bias: whether linear maps and layer norms have one.
        qk_norm: whether queries and keys are normalised, in either attention.
        rotary: what turns queries and keys by their positions, in self-attention only: positions
            of two sentences cannot be compared.
        score_bias: what adds to the scores by their distance, in self-attention only.

    Raises:
        ValueError: if a size is below 1, heads do not divide, a choice is unknown or `dropout` out
            of range.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        d_ff: int,
        *,
        num_kv_heads: int | None = None,
        norm_order: NormOrder = "pre",
        norm: Norm = "layer",
        activation: Activation | Literal["swiglu"] = "relu",
        dropout: float = 0.0,
        bias: bool = True,
        qk_norm: bool = False,
        rotary: nn.Module | None = None,
        score_bias: nn.Module | None = None,
    ):
        super().__init__(d_model, norm_order, dropout)
        self.attention = MultiHeadAttention(
            d_model,
            num_heads,
            num_kv_heads=num_kv_heads,
            bias=bias,
            qk_norm=qk_norm,
            dropout=dropout,
            rotary=rotary,
            score_bias=score_bias,
        )
        self.attention_norm = new_norm(norm, d_model, bias=bias)
        self.cross_attention = MultiHeadAttention(
            d_model,
            num_heads,
            num_kv_heads=num_kv_heads,
            bias=bias,
            qk_norm=qk_norm,
            dropout=dropout,
        )
        self.cross_attention_norm = new_norm(norm, d_model, bias=bias)
        self.feed_forward = new_feed_forward(activation, d_model, d_ff, dropout=dropout, bias=bias)
        self.feed_forward_norm = new_norm(norm, d_model, bias=bias)

    def forward(
        self,
        x: Tensor,
        memory: Tensor,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        *,
        is_causal: bool = True,
    ) -> Tensor:
        """The stream after the block.

        Args:
            x: (B, T, C), the stream before it.
            memory: (B, T_s, C), what the encoder made of the source.
            mask: of self-attention: bool, broadcastable to (B, T, T), or with four dimensions to
                (B, H, T, T). True = may attend. A `padding_mask` goes in as (B, 1, T).
            memory_mask: of cross-attention: bool, broadcastable to (B, T, T_s), or with four
                dimensions to (B, H, T, T_s). True = may attend.
            is_causal: hide the future from self-attention too: see `causal_mask`, which is joined
                to `mask`.

        Returns:
            (B, T, C).

        Raises:
            ValueError: if `x` or `memory` has another shape, or a mask is not bool or does not
                broadcast.
        """

        def cross_look(x: Tensor) -> Tensor:
            return self.cross_attention(x, memory, memory_mask)

        return self._run(x, cross_look, mask, is_causal, None)

    def project_memory(self, memory: Tensor) -> tuple[Tensor, Tensor]:
        """What cross-attention compares with and averages: the same for every target token.

        Args:
            memory: (B, T_s, C).

        Returns:
            Keys and values, both (B, H_kv, T_s, D).

        Raises:
            ValueError: if `memory` is not (B, T_s, C).
        """
        return self.cross_attention.project(memory)

    def forward_projected(
        self,
        x: Tensor,
        memory_keys: Tensor,
        memory_values: Tensor,
        mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        *,
        is_causal: bool = True,
        cache: KVCache | None = None,
    ) -> Tensor:
        """`forward`, given what `project_memory` made of the memory.

        Args:
            x: (B, T, C).
            memory_keys: (B, H_kv, T_s, D).
            memory_values: (B, H_kv, T_s, D).
            mask: as in `forward`.
            memory_mask: as in `forward`.
            is_causal: as in `forward`.
            cache: what self-attention kept of the tokens before `x`, and which `x` is put behind;
                no mask then, and `is_causal`.

        Returns:
            (B, T, C), what `forward` gives, for the last T tokens with a cache.

        Raises:
            ValueError: as `forward`, and if the cache is full or of another shape.
        """

        def cross_look(x: Tensor) -> Tensor:
            return self.cross_attention.attend(x, memory_keys, memory_values, memory_mask)

        return self._run(x, cross_look, mask, is_causal, cache)

    def residual_projections(self) -> list[nn.Linear]:
        """The last linear maps of both attentions and of feed-forward."""
        return [
            self.attention.out_proj,
            self.cross_attention.out_proj,
            self.feed_forward.down_proj,
        ]

    def _run(
        self,
        x: Tensor,
        cross_look: Callable[[Tensor], Tensor],
        mask: Tensor | None,
        is_causal: bool,
        cache: KVCache | None,
    ) -> Tensor:
        self.check_stream(x)

        def look(x: Tensor) -> Tensor:
            return self.attention(x, None, mask, is_causal=is_causal, cache=cache)

        x = self.add(x, look, self.attention_norm)
        x = self.add(x, cross_look, self.cross_attention_norm)
        return self.add(x, self.feed_forward, self.feed_forward_norm)
