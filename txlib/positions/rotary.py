"""Rotary positions (RoPE): Su et al. 2021, section 3.2.2."""

import math

import torch
from torch import Tensor, nn

from txlib.checks import check_number, check_one_of, check_tensor, check_whole, shown
from txlib.positions.offsets import check_offset, positions_from

PAIRINGS = ("half", "interleaved")
MOST_KEPT = 2**20  # positions whose cosines and sines are kept between calls


def rotary_frequencies(
    head_dim: int,
    *,
    base: float = 10_000.0,
    ntk_factor: float = 1.0,
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""How far each pair of features turns per position: $\theta_i = b^{-2i/D}$, i = 0..D/2 - 1.

    Source: Su et al. 2021, section 3.2.2, whose i starts at 1. `ntk_factor` is the "NTK-aware"
    stretch of the base, $b \cdot s^{D/(D-2)}$ (Peng et al. 2023, section 3.1): the slowest pair
    turns s times slower, the fastest as before. Chapter 4.

    Args:
        head_dim: D, even, at least 2 (at least 4 if `ntk_factor` is not 1).
        base: b, above 0.
        ntk_factor: s, at least 1; 1 leaves the base alone.
        device: where they are made.
        dtype: a float dtype.

    Returns:
        (D/2,), radians per position; the first is 1.

    Raises:
        ValueError: if an argument is not as stated.

    Example:
        >>> rotary_frequencies(8)
        tensor([1.0000, 0.1000, 0.0100, 0.0010])
    """
    check_whole("head_dim", head_dim)
    check_number("base", base)
    check_number("ntk_factor", ntk_factor)
    if head_dim < 2 or head_dim % 2:
        raise ValueError(f"head_dim must be even and at least 2, got {head_dim}")
    if not 0 < base < math.inf:
        raise ValueError(f"base must be positive and finite, got {base}")
    if not 1 <= ntk_factor < math.inf:
        raise ValueError(f"ntk_factor must be finite and at least 1, got {ntk_factor}")
    if ntk_factor != 1:
        if head_dim == 2:  # its one frequency is 1 whatever the base
            raise ValueError(f"ntk_factor must be 1 where head_dim is 2, got {ntk_factor}")
        base = base * ntk_factor ** (head_dim / (head_dim - 2))
    return base ** (-torch.arange(0, head_dim, 2, device=device, dtype=dtype) / head_dim)


class RotaryEmbedding(nn.Module):
    r"""Turns queries and keys by angles that grow with their positions.

    Features go in pairs; pair i of the vector at position p turns by $p\,\theta_i$. Turning changes
    no length, and the product of a query at m and a key at n depends on positions through m - n
    alone (Su et al. 2021, equations 14 to 16; chapter 4).

    Which features make a pair is a convention. "interleaved" takes neighbours (2i, 2i + 1), as the
    paper's equation 34 and GPT-J do; "half" takes (i, i + D/2), as GPT-NeoX and transformers' Llama
    do. The same weights give other scores under the other: see `interleaved_to_half`.

    Two ways to stretch a trained model to longer texts: `interpolation` divides every position
    (Chen et al. 2023, section 2.3); `ntk_factor` slows the slow pairs (see `rotary_frequencies`).

    Cosines and sines are kept between calls for the last device, precision and settings, and are no
    part of the state dict. Compiled code makes them afresh. One module may serve all layers.

    Args:
        head_dim: D, even, at least 2.
        base: b of the frequencies, above 0.
        pairing: "half" or "interleaved".
        interpolation: what positions are divided by, at least 1.
        ntk_factor: s of the frequencies, at least 1.

    Raises:
        ValueError: if an argument is not as stated.

    Example:
        >>> rotary = RotaryEmbedding(head_dim=8)
        >>> query, key = torch.randn(2, 1, 1, 1, 8).unbind()
        >>> here = (rotary(query, offset=5) * rotary(key, offset=3)).sum()
        >>> there = (rotary(query, offset=102) * rotary(key, offset=100)).sum()
        >>> torch.allclose(here, there, atol=1e-4)  # both are two apart
        True
    """

    def __init__(
        self,
        head_dim: int,
        *,
        base: float = 10_000.0,
        pairing: str = "half",
        interpolation: float = 1.0,
        ntk_factor: float = 1.0,
    ):
        super().__init__()
        rotary_frequencies(head_dim, base=base, ntk_factor=ntk_factor)  # refuses what is wrong
        check_one_of("pairing", pairing, PAIRINGS)
        check_number("interpolation", interpolation)
        if not 1 <= interpolation < math.inf:
            raise ValueError(f"interpolation must be finite and at least 1, got {interpolation}")
        self.head_dim = head_dim
        self.base = base
        self.pairing = pairing
        self.interpolation = interpolation
        self.ntk_factor = ntk_factor
        self._kept: tuple[tuple, Tensor, Tensor] | None = None  # made for; cosines, sines

    def extra_repr(self) -> str:
        """The arguments it was made with."""
        return (
            f"head_dim={self.head_dim}, base={self.base}, pairing={self.pairing!r}, "
            f"interpolation={self.interpolation}, ntk_factor={self.ntk_factor}"
        )

    def forward(self, x: Tensor, offset: int | Tensor = 0) -> Tensor:
        """Turn each vector by its position; in float32 at least, cast back at the end.

        Args:
            x: (..., T, D), float: queries or keys, T neighbours.
            offset: position of the first of them, at least 0: how many a cache holds already; or
                int64 (B,), each row's, for `x` (B, ..., T, D).

        Returns:
            (..., T, D) in the dtype of `x`. Each vector keeps its length.

        Raises:
            ValueError: if `x` is not float (..., T, D) or `offset` is negative.
        """
        if not isinstance(x, Tensor) or not x.is_floating_point():
            found = x.dtype if isinstance(x, Tensor) else shown(x)
            raise ValueError(f"x must be of a float dtype, got {found}")
        if x.ndim < 2 or x.shape[-1] != self.head_dim:
            raise ValueError(f"x must have shape (..., T, {self.head_dim}), got {tuple(x.shape)}")
        if type(offset) is not int:
            if isinstance(offset, Tensor) and x.ndim < 3:
                raise ValueError(f"offset must be an int where x has no B, got {shown(offset)}")
            check_offset(offset, x)
        if isinstance(offset, Tensor):
            positions = positions_from(offset, x.shape[-2], device=x.device)  # (B, T)
            positions = positions.unflatten(0, (-1,) + (1,) * (x.ndim - 3))  # (B, ..., T)
            cos, sin = self._turns(positions, torch.promote_types(x.dtype, torch.float32))
        elif offset < 0:
            raise ValueError(f"offset must be at least 0, got {offset}")
        else:
            cos, sin = self._cos_sin(x, offset, offset + x.shape[-2])  # (T, D/2) each
        if self.pairing == "half":
            first, second = x.chunk(2, dim=-1)  # (..., T, D/2) each
            turned = torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)
        else:
            first, second = x[..., 0::2], x[..., 1::2]
            turned = (first * cos - second * sin, first * sin + second * cos)
            turned = torch.stack(turned, dim=-1).flatten(-2)  # (..., T, D/2, 2) -> (..., T, D)
        return turned.to(x.dtype)

    def _cos_sin(self, x: Tensor, start: int, end: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines of positions `start` to `end`, kept from earlier if they fit."""
        dtype = torch.promote_types(x.dtype, torch.float32)
        if torch.compiler.is_compiling():  # state that outlives a compiled graph may be overwritten
            return self._compute(start, end, x.device, dtype)
        if end > MOST_KEPT:
            return self._compute(start, end, x.device, dtype)
        made_for = (x.device, dtype, self.head_dim, self.base, self.interpolation, self.ntk_factor)
        kept = self._kept
        fits = kept is not None and kept[0] == made_for
        if not fits or len(kept[1]) < end:
            length = max(end, 2 * len(kept[1])) if fits else end  # doubled: decoding asks one more
            with torch.inference_mode(False):  # tensors made in that mode can never be trained with
                kept = (made_for, *self._compute(0, length, x.device, dtype))
            self._kept = kept
        return kept[1][start:end], kept[2][start:end]

    def _compute(
        self, start: int, end: int, device: torch.device, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        """The same, not from earlier."""
        return self._turns(torch.arange(start, end, device=device), dtype)

    def _turns(self, positions: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        """From their definition: angles in float64 where the device has it."""
        device = positions.device
        exact = torch.float32 if device.type == "mps" else torch.float64
        frequencies = rotary_frequencies(
            self.head_dim, base=self.base, ntk_factor=self.ntk_factor, device=device, dtype=exact
        )
        angles = (positions.to(exact) / self.interpolation)[..., None] * frequencies  # (..., D/2)
        return angles.cos().to(dtype), angles.sin().to(dtype)


def interleaved_to_half(weight: Tensor, num_heads: int) -> Tensor:
    """Reorder a projection made for "interleaved" pairs so that "half" gives the same scores.

    Within each head the rows 0, 2, 4, ... come first, then 1, 3, 5, ... Queries and keys must both
    be reordered; values are never turned and stay. `half_to_interleaved` undoes it.

    Args:
        weight: (H * D, ...), the weight or bias of `q_proj` or `k_proj`. For a scale that acts on
            each head alike, as of a norm before the rotation, (D,) with `num_heads=1`.
        num_heads: H of that projection: for keys, the number of key heads.

    Returns:
        The same shape, a new tensor.

    Raises:
        ValueError: if `num_heads` is below 1 or does not divide the rows into heads of even size.
    """
    pairs = _split_heads(weight, num_heads).unflatten(1, (-1, 2))  # (H, D/2, 2, ...)
    return pairs.transpose(1, 2).reshape(weight.shape)


def half_to_interleaved(weight: Tensor, num_heads: int) -> Tensor:
    """Undo `interleaved_to_half`: same arguments, shape and errors."""
    halves = _split_heads(weight, num_heads).unflatten(1, (2, -1))  # (H, 2, D/2, ...)
    return halves.transpose(1, 2).reshape(weight.shape)


def _split_heads(weight: Tensor, num_heads: int) -> Tensor:
    check_whole("num_heads", num_heads, least=1)
    check_tensor("weight", weight)
    if weight.ndim < 1 or not len(weight) or len(weight) % (2 * num_heads):
        raise ValueError(
            f"weight must have num_heads={num_heads} times an even number of rows, "
            f"got shape {tuple(weight.shape)}"
        )
    return weight.unflatten(0, (num_heads, -1))  # (H, D, ...)
