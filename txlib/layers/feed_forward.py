"""The feed-forward layer: what a block does to each token by itself."""

from typing import Literal, get_args

from torch import Tensor, nn

from txlib.checks import check_flag, check_one_of, check_tensor, check_whole
from txlib.tensor_checks import check_like, check_share

Activation = Literal["relu", "gelu", "gelu_tanh"]


class FeedForward(nn.Module):
    r"""Two linear maps with a bend between, the same for every token: $f(x W_1 + b_1) W_2 + b_2$.

    No token sees another here. The hidden activations can be read or changed by a hook on
    `activation`; the layer stands for Vaswani et al. 2017, section 3.3, equation 2 with
    `activation="relu"`; chapter 6.

    Args:
        d_model: C, features of a token, at least 1.
        d_ff: F, hidden features, at least 1; four times C in the paper.
        activation: `"relu"`; `"gelu"`, x times the normal distribution function at x (Hendrycks and
            Gimpel 2016); or `"gelu_tanh"`, its approximation by a tanh, which GPT-2 uses.
        dropout: probability of zeroing a hidden activation while training, in [0, 1). The
            paper drops none there; PyTorch's layers do.
        bias: whether both maps add one.

    Raises:
        ValueError: if a size is below 1, `activation` is none of those or `dropout` out of range.

    Example:
        >>> feed_forward = FeedForward(d_model=4, d_ff=16)
        >>> x = torch.randn(2, 3, 4)
        >>> y = feed_forward(x)
        >>> torch.allclose(feed_forward(x[:, :1]), y[:, :1], atol=1e-6)  # each token by itself
        True
    """

    def __init__(
        self,
        d_model: int,
        d_ff: int,
        *,
        activation: Activation = "relu",
        dropout: float = 0.0,
        bias: bool = True,
    ):
        super().__init__()
        check_arguments(d_model, d_ff, dropout, bias)
        check_one_of("activation", activation, get_args(Activation))
        self.up_proj = nn.Linear(d_model, d_ff, bias=bias)
        self.activation = _new_activation(activation)
        self.dropout = nn.Dropout(dropout)
        self.down_proj = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Up, bend, down.

        Args:
            x: (..., C).

        Returns:
            (..., C).

        Raises:
            ValueError: if the last dimension of `x` is not C.
        """
        check_features(x, self.up_proj)
        hidden = self.activation(self.up_proj(x))  # (..., F)
        if self.dropout.training:
            hidden = self.dropout(hidden)
        return self.down_proj(hidden)


def check_arguments(d_model: int, d_ff: int, dropout: float, bias: bool) -> None:
    """Refuse sizes below 1, a dropout that is no probability below 1, and a bias that is no flag.

    Raises:
        ValueError: with the rule and what was given.
    """
    for name, size in (("d_model", d_model), ("d_ff", d_ff)):
        check_whole(name, size, least=1)
    check_share("dropout", dropout)
    check_flag("bias", bias)


def check_features(x: Tensor, proj: nn.Linear) -> None:
    """Refuse tokens that `proj` cannot take.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(x, Tensor) or x.ndim < 1 or x.shape[-1] != proj.in_features:
        check_tensor("x", x)
        raise ValueError(f"x must have shape (..., {proj.in_features}), got {tuple(x.shape)}")
    check_like("x", x, proj.weight)


def _new_activation(activation: Activation) -> nn.Module:
    match activation:
        case "relu":
            return nn.ReLU()
        case "gelu":
            return nn.GELU()
        case "gelu_tanh":
            return nn.GELU(approximate="tanh")
