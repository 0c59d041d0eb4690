"""Positions as waves: Vaswani et al. 2017, section 3.5."""

import math

import torch
from torch import Tensor, nn

from txlib.checks import check_number, check_tensor, check_whole
from txlib.positions.offsets import check_offset, positions_from
from txlib.tensor_checks import check_floats, check_scale


def sinusoidal_encoding(
    num_positions: int,
    d_model: int,
    *,
    base: float = 10_000.0,
    offset: int | Tensor = 0,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    r"""One row a position: a sine and a cosine of each of C / 2 wavelengths.

    $PE_{p, 2i} = \sin(p / b^{2i/C})$ and $PE_{p, 2i+1} = \cos(p / b^{2i/C})$, with $b$ the `base`:
    Vaswani et al. 2017, section 3.5; chapter 4. The angles are computed in float64: in float32 a
    position of a million leaves them two digits.

    Args:
        num_positions: T, at least 0.
        d_model: C, even.
        base: above 1; the wavelengths grow from 2 pi to almost 2 pi times `base`.
        offset: position of the first row, at least 0, or int64 (B,), as many first rows.
        device: where the result is wanted.
        dtype: of the result; torch's default if None.

    Returns:
        (T, C), or (B, T, C) for a tensor of offsets: sines in the even features, cosines in the odd
        ones. Every row has norm sqrt(C / 2).

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> sinusoidal_encoding(3, 4)  # a fast pair of sine and cosine, then a slow one
        tensor([[ 0.0000,  1.0000,  0.0000,  1.0000],
                [ 0.8415,  0.5403,  0.0100,  0.9999],
                [ 0.9093, -0.4161,  0.0200,  0.9998]])
    """
    frequencies = _frequencies(d_model, base)
    check_whole("num_positions", num_positions, least=0)
    exact = "cpu" if str(device).startswith("mps") else device  # that one has no float64
    if isinstance(offset, Tensor):
        offset = offset.to(exact)
    positions = positions_from(offset, num_positions, device=exact).double()
    angles = positions[..., None] * frequencies.to(positions.device)  # (..., T, C / 2)
    waves = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)  # (..., T, C)
    return waves.to(device=device, dtype=dtype or torch.get_default_dtype())


def shift_matrix(
    distance: float,
    d_model: int,
    *,
    base: float = 10_000.0,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Tensor:
    r"""The rotation that moves every position's encoding on by the same distance.

    $PE_{p+k} = M_k\,PE_p$, and $M_k$ does not know $p$: Vaswani et al. 2017, section 3.5, say that
    it exists. It turns each pair of features (2i, 2i + 1) by $k / b^{2i/C}$; chapter 4.

    Args:
        distance: k, in positions; negative moves back.
        d_model: C, even.
        base: above 1, that of the encoding.
        device: where the result is wanted.
        dtype: of the result; torch's default if None.

    Returns:
        (C, C), orthogonal, of 2 x 2 blocks along the diagonal. Its inverse is that of `-distance`.

    Raises:
        ValueError: if an argument is outside its range.

    Example:
        >>> codes = sinusoidal_encoding(10, 8)
        >>> torch.allclose(codes[2] @ shift_matrix(3, 8).T, codes[5], atol=1e-5)
        True
    """
    check_scale("distance", distance)
    angles = distance * _frequencies(d_model, base)
    sine = torch.arange(0, d_model, 2)
    cosine = sine + 1
    matrix = torch.zeros(d_model, d_model, dtype=torch.float64)
    matrix[sine, sine] = matrix[cosine, cosine] = angles.cos()
    matrix[sine, cosine] = angles.sin()
    matrix[cosine, sine] = -angles.sin()
    return matrix.to(device=device, dtype=dtype or torch.get_default_dtype())


def wavelengths(d_model: int, *, base: float = 10_000.0) -> Tensor:
    r"""How many positions each pair of features takes for one turn: $2\pi\,b^{2i/C}$.

    Args:
        d_model: C, even.
        base: above 1.

    Returns:
        float64 (C / 2,), growing from 2 pi by a constant factor.

    Raises:
        ValueError: if an argument is outside its range.
    """
    return 2 * math.pi / _frequencies(d_model, base)


class SinusoidalEncoding(nn.Module):
    """Adds to each embedding the waves of its position; nothing is learned, no length is too long.

    The rows are computed anew in each call: T * C sines, little beside what one layer multiplies.
    Source: Vaswani et al. 2017, section 3.5; chapter 4.

    Args:
        d_model: C, even.
        base: above 1; see `sinusoidal_encoding`.

    Raises:
        ValueError: if an argument is outside its range.
    """

    def __init__(self, d_model: int, *, base: float = 10_000.0):
        super().__init__()
        _frequencies(d_model, base)
        self.d_model = d_model
        self.base = base

    def forward(self, x: Tensor, offset: int | Tensor = 0) -> Tensor:
        """Embeddings that know where they stand.

        Args:
            x: (B, T, C).
            offset: position of the first of them, at least 0, or int64 (B,), each row's; above 0
                when decoding from a cache.

        Returns:
            (B, T, C), with the dtype and on the device of `x`.

        Raises:
            ValueError: if `x` does not end in C or `offset` is negative.
        """
        check_embeddings(x, self.d_model)
        check_floats("x", x)
        check_offset(offset, x)
        return x + sinusoidal_encoding(
            x.shape[1],
            self.d_model,
            base=self.base,
            offset=offset,
            device=x.device,
            dtype=x.dtype,
        )

    def extra_repr(self) -> str:
        """What `print` shows of it."""
        return f"{self.d_model}, base={self.base:g}"


def check_embeddings(x: Tensor, d_model: int) -> None:
    """Refuse what is not (B, T, C).

    Raises:
        ValueError: with the rule and what was given.
    """
    check_tensor("x", x)
    if x.ndim != 3 or x.shape[-1] != d_model:
        raise ValueError(f"x must have shape (B, T, {d_model}), got {tuple(x.shape)}")


def _frequencies(d_model: int, base: float) -> Tensor:
    """Radians a position, float64 (C / 2,), from 1 down to almost 1 / base; made on the CPU."""
    check_whole("d_model", d_model)
    check_number("base", base)
    if d_model < 2 or d_model % 2:
        raise ValueError(f"d_model must be even and at least 2, got {d_model}")
    if not base > 1:
        raise ValueError(f"base must be above 1, got {base}")
    if base == math.inf:
        raise ValueError(f"base must be finite, got {base}")
    exponents = torch.arange(0, d_model, 2, dtype=torch.float64) / d_model
    return base**-exponents
