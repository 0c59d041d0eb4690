"""Normalisation over the features of one token: LayerNorm and RMSNorm, readable and fused."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.checks import check_flag, check_number, check_tensor, check_whole
from txlib.tensor_checks import check_beside, check_floats, check_like, check_scale


def layer_norm(
    x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None, *, eps: float = 1e-5
) -> Tensor:
    r"""Each token at mean 0 and variance 1: $(x - \mu) / \sqrt{\sigma^2 + \epsilon} * g + b$.

    The readable path; `LayerNorm` runs PyTorch's kernel. Mean and variance are those of the token's
    own C features, so no token and no sentence of a batch has a say in another's. The variance is
    divided by C, not by C - 1. Computed in float32 where `x` has less precision.

    Source: Ba et al. 2016, section 3, equation 3, whose H is C here and whose $g$ and $b$ are
    `weight` and `bias`; chapter 6. The paper has no $\epsilon$.

    Args:
        x: (..., C).
        weight: (C,), multiplies last but one; ones if None.
        bias: (C,), added last; zeros if None.
        eps: added to the variance, inside the root, so that equal features give 0, not 0/0.

    Returns:
        (..., C), of the dtype of `x`.

    Raises:
        ValueError: if shapes do not agree, a tensor is not of floats or `eps` is not above 0.

    Example:
        >>> layer_norm(torch.tensor([1.0, 3.0, 5.0, 7.0]))  # mean 4, deviation sqrt(5)
        tensor([-1.3416, -0.4472,  0.4472,  1.3416])
    """
    _check_arrays(x, weight, bias, eps)
    wide = _widened(x)
    centred = wide - wide.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return _scaled(centred * torch.rsqrt(variance + eps), weight, bias).to(x.dtype)


def rms_norm(x: Tensor, weight: Tensor | None = None, *, eps: float = 1e-6) -> Tensor:
    r"""Each token at mean square 1: $x / \sqrt{\frac{1}{C}\sum_i x_i^2 + \epsilon} * g$.

    The readable path; `RMSNorm` runs PyTorch's. What is left of layer normalisation when the mean
    is not taken away. Computed in float32 where `x` has less precision.

    Source: Zhang and Sennrich 2019, section 4, equation 4, whose n is C here and whose $g$ is
    `weight`; chapter 6. The paper's equation has no $\epsilon$.

    Args:
        x: (..., C).
        weight: (C,), multiplies last; ones if None.
        eps: added to the mean square, inside the root.

    Returns:
        (..., C), of the dtype of `x`.

    Raises:
        ValueError: if shapes do not agree, a tensor is not of floats or `eps` is not above 0.

    Example:
        >>> rms_norm(torch.tensor([3.0, 4.0]))  # divided by sqrt(12.5)
        tensor([0.8485, 1.1314])
    """
    _check_arrays(x, weight, None, eps)
    wide = _widened(x)
    mean_square = wide.square().mean(dim=-1, keepdim=True)
    return _scaled(wide * torch.rsqrt(mean_square + eps), weight, None).to(x.dtype)


class LayerNorm(nn.Module):
    """`layer_norm` with a learned weight and bias, by PyTorch's kernel.

    Source: Ba et al. 2016, section 3; chapter 6. At initialisation weight 1 and bias 0.

    Args:
        d_model: C, features of a token, at least 1.
        eps: added to the variance, above 0.
        bias: whether a learned bias is added.

    Raises:
        ValueError: if `d_model` is below 1 or `eps` is not above 0.
    """

    def __init__(self, d_model: int, *, eps: float = 1e-5, bias: bool = True):
        super().__init__()
        _check_arguments(d_model, eps)
        check_flag("bias", bias)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every token by itself.

        Args:
            x: (..., C).

        Returns:
            (..., C), of the dtype of `x` (of float32 under autocast on a GPU).

        Raises:
            ValueError: if the last dimension of `x` is not C.
        """
        weight, bias = self.weight, self.bias
        _check_features(x, weight)
        if x.dtype != weight.dtype:  # the kernels disagree on which pairs they take
            return layer_norm(x, weight, bias, eps=self.eps)
        return F.layer_norm(x, weight.shape, weight, bias, self.eps)

    def extra_repr(self) -> str:
        """What `print(module)` shows."""
        return f"{len(self.weight)}, eps={self.eps}, bias={self.bias is not None}"


class RMSNorm(nn.Module):
    """`rms_norm` with a learned weight, by PyTorch's function.

    Source: Zhang and Sennrich 2019, section 4; chapter 6. At initialisation weight 1.

    Args:
        d_model: C, features of a token, at least 1.
        eps: added to the mean square, above 0.

    Raises:
        ValueError: if `d_model` is below 1 or `eps` is not above 0.
    """

    def __init__(self, d_model: int, *, eps: float = 1e-6):
        super().__init__()
        _check_arguments(d_model, eps)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every token by itself.

        Args:
            x: (..., C).

        Returns:
            (..., C), of the dtype of `x`.

        Raises:
            ValueError: if the last dimension of `x` is not C.
        """
        weight = self.weight
        _check_features(x, weight)
        if x.dtype != weight.dtype:  # PyTorch's warns, and answers in the wider of the two
            return rms_norm(x, weight, eps=self.eps)
        return F.rms_norm(x, weight.shape, weight, self.eps)

    def extra_repr(self) -> str:
        """What `print(module)` shows."""
        return f"{len(self.weight)}, eps={self.eps}"


def _widened(x: Tensor) -> Tensor:
    """In float32 at least: squares leave float16 at 256, and means of many lose bfloat16's bits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _scaled(normed: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    normed = normed if weight is None else normed * weight
    return normed if bias is None else normed + bias


def _check_arguments(d_model: int, eps: float) -> None:
    check_whole("d_model", d_model, least=1)
    _check_eps(eps)


def _check_eps(eps: float) -> None:
    check_number("eps", eps)
    if not eps > 0:
        raise ValueError(f"eps must be above 0, got {eps}")
    check_scale("eps", eps)


def _check_features(x: Tensor, weight: Tensor) -> None:
    if not isinstance(x, Tensor) or x.shape[-1:] != weight.shape:
        check_tensor("x", x)
        raise ValueError(f"x must have shape (..., {len(weight)}), got {tuple(x.shape)}")
    if x.dtype is not weight.dtype or x.device != weight.device:
        check_like("x", x, weight, any_floats=True)


def _check_arrays(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> None:
    _check_eps(eps)
    check_floats("x", x)
    for name, array in (("weight", weight), ("bias", bias)):
        if array is None:
            continue
        check_floats(name, array)
        check_beside(name, array, "x", x)
        if array.ndim != 1 or x.shape[-1:] != array.shape:
            raise ValueError(
                f"{name} must have shape (C,) where x is (..., C), got {tuple(array.shape)} and "
                f"{tuple(x.shape)}"
            )
    if x.ndim < 1:
        raise ValueError(f"x must have shape (..., C), got {tuple(x.shape)}")
