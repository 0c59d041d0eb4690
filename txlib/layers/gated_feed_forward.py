"""The gated feed-forward layer, SwiGLU."""

from torch import Tensor, nn

from txlib.layers.feed_forward import check_arguments, check_features


class GatedFeedForward(nn.Module):
    r"""A feed-forward layer whose hidden features are let through by a gate, one each.

    $(\mathrm{SiLU}(x W) * x V) W_2$: SwiGLU of Shazeer 2020, section 2, whose $W$, $V$ and $W_2$
    are `gate_proj`, `up_proj` and `down_proj`; chapter 6. It has three matrices where `FeedForward`
    has two: with a d_ff of two thirds the parameters are as many, which is how the paper compares
    them. SiLU is $x * \mathrm{sigmoid}(x)$, the paper's Swish with $\beta = 1$.

    Args:
        d_model: C, features of a token, at least 1.
        d_ff: F, hidden features, at least 1.
        dropout: probability of zeroing a gated feature while training, in [0, 1).
        bias: whether the three maps add one; the paper's do not.

    Raises:
        ValueError: if a size is below 1 or `dropout` out of range.

    Example:
        >>> layer = GatedFeedForward(d_model=6, d_ff=16)
        >>> sum(p.numel() for p in layer.parameters())  # three matrices of 6 x 16, no bias
        288
    """

    def __init__(self, d_model: int, d_ff: int, *, dropout: float = 0.0, bias: bool = False):
        super().__init__()
        check_arguments(d_model, d_ff, dropout, bias)
        self.gate_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.up_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.activation = nn.SiLU()
        self.dropout = nn.Dropout(dropout)
        self.down_proj = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Up and gate, multiply, down.

        Args:
            x: (..., C).

        Returns:
            (..., C).

        Raises:
            ValueError: if the last dimension of `x` is not C.
        """
        check_features(x, self.up_proj)
        hidden = self.activation(self.gate_proj(x)) * self.up_proj(x)  # (..., F)
        if self.dropout.training:
            hidden = self.dropout(hidden)
        return self.down_proj(hidden)
