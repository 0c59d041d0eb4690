"""A block of an encoder, or, with a causal mask, of a model that only decodes."""

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


class EncoderBlock(ResidualBlock):
    """The tokens look at each other, then each is thought about by itself; both add to the stream.

    Source: Vaswani et al. 2017, section 3.1, the encoder's layer, with `norm_order="post"`; chapter
    6. A GPT's block is this one with `is_causal=True`. Dropout falls where `nn.TransformerEncoder-
    Layer` drops: on the attention weights, on the hidden features of the feed-forward layer, and
    on both sub-layers' outputs, of which the paper names the last only.

    Args:
        d_model: C, features of the stream, at least 1.
        num_heads: H, at least 1.
        d_ff: F, hidden features of the feed-forward layer, at least 1.
        num_kv_heads: H_kv, heads of keys and values; H if None. See `MultiHeadAttention`.
        norm_order: `"pre"` or `"post"`; see `ResidualBlock`.
        norm: `"layer"` or `"rms"`.
        activation: of the feed-forward layer: `"relu"`, `"gelu"`, `"gelu_tanh"`, or `"swiglu"` for
            a `GatedFeedForward`.
        dropout: probability of zeroing, at each of the three places, in [0, 1).
        bias: whether linear maps and layer norms have one.
        qk_norm: whether queries and keys are normalised; see `MultiHeadAttention`.
        rotary: what turns queries and keys by their positions, or None.
        score_bias: what adds to the scores by their distance, or None.

    Raises:
        ValueError: if a size is below 1, heads do not divide, a choice is unknown or `dropout` out
            of range.

    Example:
        >>> from txlib.attention import padding_mask
        >>> block = EncoderBlock(d_model=8, num_heads=2, d_ff=32)
        >>> x = torch.randn(2, 5, 8)
        >>> mask = padding_mask(torch.tensor([5, 3]))[:, None]  # (B, 1, T): for every query
        >>> block(x, mask).shape
        torch.Size([2, 5, 8])
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
        self.feed_forward = new_feed_forward(activation, d_model, d_ff, dropout=dropout, bias=bias)
        self.feed_forward_norm = new_norm(norm, d_model, bias=bias)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        *,
        is_causal: bool = False,
        cache: KVCache | None = None,
        counts: Tensor | None = None,
    ) -> Tensor:
        """The stream after the block.

        Args:
            x: (B, T, C), the stream before it.
            mask: bool, broadcastable to (B, T, T), or with four dimensions to (B, H, T, T). True =
                may attend. A `padding_mask` goes in as (B, 1, T).
            is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.
            cache: what this block's attention kept of the tokens before `x`, and which `x` is put
                behind; no mask then, and `is_causal`.
            counts: with a cache int64 (B,), how many of the T are real tokens, padded on the right;
                all if None.

        Returns:
            (B, T, C). Positions that are padding hold something too, which no other looks at.

        Raises:
            ValueError: if `x` is not (B, T, C), `mask` is not bool or does not broadcast, or the
                cache is full or of another shape.
        """
        self.check_stream(x)

        def look(x: Tensor) -> Tensor:
            return self.attention(x, None, mask, is_causal=is_causal, cache=cache, counts=counts)

        x = self.add(x, look, self.attention_norm)
        return self.add(x, self.feed_forward, self.feed_forward_norm)

    def residual_projections(self) -> list[nn.Linear]:
        """The last linear maps of attention and feed-forward."""
        return [self.attention.out_proj, self.feed_forward.down_proj]
