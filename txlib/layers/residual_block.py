"""A stack's stream, and the sub-layers that add to it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal, get_args

from torch import Tensor, nn

from txlib.checks import check_one_of, check_tensor, check_whole
from txlib.layers.feed_forward import Activation, FeedForward
from txlib.layers.gated_feed_forward import GatedFeedForward
from txlib.layers.normalization import LayerNorm, RMSNorm
from txlib.tensor_checks import check_share

NormOrder = Literal["pre", "post"]
Norm = Literal["layer", "rms"]
ACTIVATIONS = (*get_args(Activation), "swiglu")


class ResidualBlock(nn.Module, ABC):
    r"""Sub-layers that do not replace what they are given but add to it.

    With $f$ a sub-layer:

        "pre"   x + dropout(f(norm(x)))     the stream runs through the block untouched
        "post"  norm(x + dropout(f(x)))     every sum is normalised, and every gradient with it

    Source: residuals, He et al. 2016, section 3.1, equation 1. The 2017 Transformer is "post", and
    drops out at this place: Vaswani et al. 2017, sections 3.1 and 5.4. "pre": Radford et al. 2019
    (GPT-2), section 2.3; both side by side in Xiong et al. 2020, figure 1. Chapter 6.

    Args:
        d_model: C, features of the stream, at least 1.
        norm_order: `"pre"` or `"post"`. A stack of "pre" blocks wants a norm of its own after the
            last one, because nothing has normalised the sum.
        dropout: probability of zeroing a feature of a sub-layer's output while training, in [0, 1).

    Raises:
        ValueError: if `d_model` is below 1, `norm_order` none of the two or `dropout` out of range.
    """

    def __init__(self, d_model: int, norm_order: NormOrder, dropout: float):
        super().__init__()
        check_whole("d_model", d_model, least=1)
        check_one_of("norm_order", norm_order, get_args(NormOrder))
        check_share("dropout", dropout)
        self.d_model = d_model
        self.norm_order = norm_order
        self.dropout = nn.Dropout(dropout)

    def check_stream(self, x: Tensor) -> None:
        """Refuse what is no stream of this block.

        Raises:
            ValueError: if `x` is not (B, T, C).
        """
        if not isinstance(x, Tensor) or x.ndim != 3 or x.shape[-1] != self.d_model:
            check_tensor("x", x)
            raise ValueError(f"x must have shape (B, T, {self.d_model}), got {tuple(x.shape)}")

    def add(self, x: Tensor, sublayer: Callable[[Tensor], Tensor], norm: nn.Module) -> Tensor:
        """The stream after one sub-layer.

        Args:
            x: (B, T, C), the stream before it.
            sublayer: takes and returns (B, T, C).
            norm: takes and returns (B, T, C).

        Returns:
            (B, T, C).
        """
        added = sublayer(norm(x) if self.norm_order == "pre" else x)
        if self.dropout.training:  # a call less a sub-layer, which a step of decoding feels
            added = self.dropout(added)
        return x + added if self.norm_order == "pre" else norm(x + added)

    @abstractmethod
    def residual_projections(self) -> list[nn.Linear]:
        """The last linear map of each sub-layer, whose outputs are what is added to the stream."""


def new_norm(norm: Norm, d_model: int, *, bias: bool) -> LayerNorm | RMSNorm:
    """A fresh norm of the kind: `"layer"` or `"rms"`, which has no bias either way.

    Raises:
        ValueError: if `norm` is none of them.
    """
    check_one_of("norm", norm, get_args(Norm))
    return LayerNorm(d_model, bias=bias) if norm == "layer" else RMSNorm(d_model)


def new_feed_forward(
    activation: Activation | Literal["swiglu"],
    d_model: int,
    d_ff: int,
    *,
    dropout: float,
    bias: bool,
) -> FeedForward | GatedFeedForward:
    """A fresh feed-forward layer: `GatedFeedForward` for `"swiglu"`, else `FeedForward`.

    Raises:
        ValueError: if `activation` is none of them, or as the layer's own.
    """
    check_one_of("activation", activation, ACTIVATIONS)
    if activation == "swiglu":
        return GatedFeedForward(d_model, d_ff, dropout=dropout, bias=bias)
    return FeedForward(d_model, d_ff, activation=activation, dropout=dropout, bias=bias)
