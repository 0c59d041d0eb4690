"""Softmax over keys that arrive in pieces: Milakov and Gimelshein 2018, section 3."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from txlib.checks import shown
from txlib.tensor_checks import check_alike


@dataclass(frozen=True, kw_only=True)
class OnlineSoftmax:
    r"""What must be remembered of the keys seen so far, to average their values by softmax.

    The largest score so far serves as the zero of the exponent. When a larger one comes, what was
    summed up to then is multiplied by $e^{m_\text{old} - m_\text{new}}$, as if it had been measured
    from the new one to begin with. The division by the total waits until the end.

    Source: Milakov and Gimelshein 2018, section 3, for maximum and total; Dao 2023
    (FlashAttention-2), section 3.1.1, for the context that is not divided on the way; chapter 8.

    Attributes:
        maximum: $m$, (..., T_q, 1), the largest score of each query; before the first one the
            lowest finite number, as $-\infty - (-\infty)$ would be NaN.
        total: $\ell = \sum_j e^{s_j - m}$, (..., T_q, 1). At least 1 once a key was seen, else 0.
        context: $\sum_j e^{s_j - m} v_j$, (..., T_q, D_v), not yet divided by `total`.
        base: what is raised to the scores. e, or 2 for scores that were multiplied by
            $\log_2 e$, with the same weights: powers of 2 are quicker, above all tiny ones.

    Example:
        >>> scores, values = torch.randn(1, 6), torch.randn(6, 4)
        >>> parts = OnlineSoftmax.empty((1, 4))
        >>> for start in (0, 2, 4):  # two keys at a time, none looked at twice
        ...     parts = parts.update(scores[:, start : start + 2], values[start : start + 2])
        >>> torch.allclose(parts.average(), scores.softmax(-1) @ values, atol=1e-6)
        True
    """

    maximum: Tensor
    total: Tensor
    context: Tensor
    base: float = math.e

    def __post_init__(self) -> None:
        _check_base(self.base)
        check_alike(context=self.context, maximum=self.maximum, total=self.total)
        wanted = (*self.context.shape[:-1], 1)
        for name, x in (("maximum", self.maximum), ("total", self.total)):
            if self.context.ndim < 2 or x.shape != wanted:
                raise ValueError(
                    f"{name} must be (..., T_q, 1) beside context (..., T_q, D_v), got "
                    f"{tuple(x.shape)} and {tuple(self.context.shape)}"
                )

    @classmethod
    def empty(
        cls,
        shape: tuple[int, ...],
        *,
        base: float = math.e,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> OnlineSoftmax:
        """The state of queries that have seen no key.

        Args:
            shape: of the context, (..., T_q, D_v).
            base: e or 2, see above.
            dtype: of all numbers, floating point; PyTorch's default if None.
            device: where they are kept.

        Returns:
            A state whose merger with another one is that other one.

        Raises:
            ValueError: if `base` is neither e nor 2, or `shape` no (..., T_q, D_v).
        """
        _check_base(base)
        sizes = shape if isinstance(shape, tuple | list) else ()
        if len(sizes) < 2 or any(type(n) is not int or n < 0 for n in sizes):
            raise ValueError(f"shape must be (..., T_q, D_v), got {shown(shape)}")
        context = torch.zeros(shape, dtype=dtype, device=device)
        total = context.new_zeros((*shape[:-1], 1))
        lowest = torch.full_like(total, torch.finfo(total.dtype).min)
        return cls(maximum=lowest, total=total, context=context, base=base)

    def update(self, scores: Tensor, values: Tensor, *, out: Tensor | None = None) -> OnlineSoftmax:
        """The state after a further tile of keys.

        Args:
            scores: (..., T_q, T_k), T_k at least 1, of the dtype of the state. -inf where a
                query may not attend.
            values: (..., T_k, D_v).
            out: memory of the shape of `scores` for the tile's weights, such as `scores` itself
                where it is not needed any more; new memory if None.

        Returns:
            A new state; this one stays as it was.

        Raises:
            ValueError: if shapes do not agree, or dtypes or devices differ from the state's.
        """
        check_alike(context=self.context, scores=scores, values=values)
        fits = (
            scores.ndim >= 2
            and scores.shape[-1] > 0
            and scores.shape[:-1] == self.context.shape[:-1]
            and values.shape == (*scores.shape[:-2], scores.shape[-1], self.context.shape[-1])
        )
        if not fits:
            raise ValueError(
                "scores (..., T_q, T_k >= 1) and values (..., T_k, D_v) must fit a context of "
                f"{tuple(self.context.shape)}, got {tuple(scores.shape)} and {tuple(values.shape)}"
            )
        maximum = torch.maximum(self.maximum, scores.amax(dim=-1, keepdim=True))
        correction = self._power(self.maximum - maximum)  # 1 where the maximum stood
        weights = self._power(torch.sub(scores, maximum, out=out))  # (..., T_q, T_k)
        total = weights.sum(dim=-1, keepdim=True) + self.total * correction
        context = torch.addcmul(weights @ values, self.context, correction)
        return replace(self, maximum=maximum, total=total, context=context)

    def merge(self, other: OnlineSoftmax) -> OnlineSoftmax:
        """The state after the keys of both, which may have been seen apart and in any order.

        Args:
            other: of the same queries, over other keys.

        Returns:
            A new state. In exact arithmetic the order of mergers does not matter.

        Raises:
            ValueError: if the bases or the shapes differ.
        """
        if not isinstance(other, OnlineSoftmax):
            raise ValueError(f"other must be an OnlineSoftmax, got {shown(other)}")
        if self.base != other.base:
            raise ValueError(f"states to merge must share a base, got {self.base} and {other.base}")
        if self.context.shape != other.context.shape:
            raise ValueError(
                "states to merge must share a shape of the context, got "
                f"{tuple(self.context.shape)} and {tuple(other.context.shape)}"
            )
        maximum = torch.maximum(self.maximum, other.maximum)
        mine, theirs = (self._power(x.maximum - maximum) for x in (self, other))
        return replace(
            self,
            maximum=maximum,
            total=self.total * mine + other.total * theirs,
            context=self.context * mine + other.context * theirs,
        )

    def average(self) -> Tensor:
        """The values' average by the softmax of the scores, (..., T_q, D_v).

        Zero for a query that has seen no key.
        """
        return self.context / self.total.clamp(min=1)  # a total below 1 is 0

    def logsumexp(self) -> Tensor:
        r"""$L = m + \log_b \ell$, (..., T_q, 1), b the base: softmax weights are $b^{s_j - L}$.

        The lowest finite number for a query that has seen no key: its weights come out as 0.
        """
        return self.maximum + self.total.clamp(min=1).log() / math.log(self.base)

    def _power(self, exponent: Tensor) -> Tensor:
        """In the place of `exponent`."""
        return exponent.exp2_() if self.base == 2 else exponent.exp_()


def _check_base(base: float) -> None:
    if type(base) not in (int, float) or base not in (math.e, 2):
        raise ValueError(f"base must be e or 2, got {shown(base)}")
