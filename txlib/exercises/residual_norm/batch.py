"""`batch_norm`: each feature standardised over the real tokens of a padded batch."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Norm = Callable[[Tensor, Tensor], Tensor]
Kept = Callable[[Tensor, Tensor], Tensor]  # the normed batch and the mask

EPS = 1e-5


def _cases() -> list[tuple[Tensor, Tensor]]:
    """Unequal lengths, padding that holds numbers; in the last batch a feature is constant."""
    random = torch.Generator().manual_seed(2015)

    def inputs(lengths: tuple[int, ...], width: int) -> tuple[Tensor, Tensor]:
        shape = (len(lengths), max(lengths), width)
        x = torch.randn(shape, generator=random, dtype=torch.float64) * 3 + 2
        return x, torch.arange(shape[1]) < torch.tensor(lengths)[:, None]

    last = inputs((3, 2, 5, 2), 6)
    last[0][..., 4] = 0.5
    return [
        inputs((4, 2), 3),
        inputs((2, 3, 2), 3),
        inputs((5, 3, 2), 4),
        last,
    ]


def _reference(x: Tensor, mask: Tensor) -> Tensor:
    """By picking the real tokens out of the batch, and putting them back."""
    real = x[mask]  # (number of real tokens, C)
    centred = real - real.mean(0)
    out = torch.zeros_like(x)
    out[mask] = centred / (centred.square().mean(0) + EPS).sqrt()
    return out


def _norm(
    *,
    axes: tuple[int, ...] = (0, 1),
    counted: Callable[[Tensor], Tensor] = lambda mask: mask,
    correction: int = 0,
    divisor: Callable[[Tensor], Tensor] = lambda variance: (variance + EPS).sqrt(),
    kept: Kept = Tensor.mul,
) -> Norm:
    """An answer that differs from the right one in the steps that are named."""

    def answer(x: Tensor, mask: Tensor) -> Tensor:
        mask = mask[..., None]
        among = counted(mask).expand_as(x).double()
        number = among.sum(axes, keepdim=True)
        centred = x - (x * among).sum(axes, keepdim=True) / number
        squares = (centred.square() * among).sum(axes, keepdim=True)
        return kept(centred / divisor(squares / (number - correction)), mask)

    return answer


def _everything(mask: Tensor) -> Tensor:
    return torch.ones_like(mask)


def _reversed(mask: Tensor) -> Tensor:
    return ~mask


def _as_it_is(normed: Tensor, mask: Tensor) -> Tensor:
    return normed


def _filled(normed: Tensor, mask: Tensor) -> Tensor:
    """Zero in the padding even where that is NaN, which multiplying would keep."""
    return normed.masked_fill(~mask, 0.0)


def _zeros_counted(correction: int, kept: Kept) -> Norm:
    """Padding is set to zero and then takes part as so many zeros."""
    plain = _norm(counted=_everything, correction=correction, kept=_as_it_is)
    return lambda x, mask: kept(plain(x * mask[..., None], mask), mask[..., None])


def _divided_by_all(kept: Kept) -> Norm:
    """Sums of the real tokens over the number of all."""

    def answer(x: Tensor, mask: Tensor) -> Tensor:
        mask = mask[..., None]
        centred = x - (x * mask).mean((0, 1))
        variance = (centred.square() * mask).mean((0, 1))
        return kept(centred / (variance + EPS).sqrt(), mask)

    return answer


_KEPT = (Tensor.mul, _as_it_is)
_COUNTED = (lambda mask: mask, _everything)
_CORRECTIONS = (0, 1)

BATCH_NORM = Exercise(
    name="batch_norm",
    chapter=6,
    parameters=("x", "mask"),
    outputs=("the result",),
    reference=_reference,
    cases=_cases,
    hint="`x[mask]` is the list of all real tokens, (N, C). What is to be done with each of its"
    " columns?",
    misconceptions=(
        Misconception(
            name="padding-counted",
            answers=tuple(
                _norm(counted=_everything, correction=c, kept=k)
                for c in _CORRECTIONS
                for k in _KEPT
            ),
            message="Mean and variance are taken over the padding as well: how much a batch is"
            " padded decides what becomes of its words.",
            hint="Which tokens does `mask` leave for mean and variance? It is needed before them,"
            " not only at the end.",
        ),
        Misconception(
            name="zeros-counted",
            answers=(
                *(_zeros_counted(c, k) for c in _CORRECTIONS for k in _KEPT),
                *map(_divided_by_all, _KEPT),
            ),
            message="Padding is set to zero and then counted: a zero is a number too, and draws"
            " every mean towards itself.",
            hint="By how many tokens must a sum over the real ones be divided?",
        ),
        Misconception(
            name="mask-reversed",
            answers=(
                _norm(counted=_reversed, kept=lambda normed, mask: normed * ~mask),
                _norm(counted=_reversed),
                _norm(counted=_reversed, kept=_as_it_is),
                _norm(kept=lambda normed, mask: normed * ~mask),
            ),
            message="The mask is reversed: padding is treated as real tokens, or real tokens are"
            " set to zero as if they were padding.",
            hint="True = a real token, here and in the whole book.",
        ),
        Misconception(
            name="over-features",
            answers=tuple(
                _norm(axes=(2,), counted=_everything, correction=c, kept=k)
                for c in _CORRECTIONS
                for k in _KEPT
            ),
            message="Each token is normalised over its own features: that is LayerNorm, and no"
            " token takes notice of the batch.",
            hint="How many means should there be? One for each feature.",
        ),
        Misconception(
            name="by-sentence",
            answers=tuple(
                _norm(axes=(1,), counted=n, correction=c, kept=k)
                for n in _COUNTED
                for c in _CORRECTIONS
                for k in _KEPT
            ),
            message="Each sentence has its own mean and variance. BatchNorm takes one for the whole"
            " batch: two axes are summed over, not one.",
            hint="The means should have shape (C), or (1, 1, C).",
        ),
        Misconception(
            name="by-position",
            answers=tuple(
                _norm(axes=(0,), counted=n, correction=c, kept=k)
                for n in _COUNTED
                for c in _CORRECTIONS
                for k in _KEPT
            ),
            message="Each position has its own mean and variance, over the sentences. BatchNorm"
            " makes no difference between positions either.",
            hint="A word of the first position and one of the last go into the same mean.",
        ),
        Misconception(
            name="one-for-all",
            answers=tuple(
                _norm(axes=(0, 1, 2), counted=n, correction=c, kept=k)
                for n in _COUNTED
                for c in _CORRECTIONS
                for k in _KEPT
            ),
            message="All features share one mean and one variance; each should have its own.",
            hint="The features are the last axis. Do not sum over it.",
        ),
        Misconception(
            name="unbiased",
            answers=tuple(
                _norm(correction=1, divisor=d, kept=k)
                for d in (
                    lambda variance: (variance + EPS).sqrt(),
                    lambda variance: variance.sqrt(),
                    lambda variance: variance.sqrt() + EPS,
                )
                for k in (*_KEPT, _filled)
            ),
            message="The variance is divided by the number of tokens less 1, as PyTorch's `std` and"
            " `var` do unless told otherwise.",
            hint="Both take `correction=`, or write the mean of the squares yourself.",
        ),
        Misconception(
            name="eps-misplaced",
            answers=tuple(
                _norm(divisor=d, kept=k)
                for d in (
                    lambda variance: variance.sqrt() + EPS,
                    lambda variance: variance.sqrt(),
                    lambda variance: variance + EPS,
                )
                for k in (*_KEPT, _filled)
            ),
            message="Means are right and the divisor is not: it should be the root of the variance"
            " plus 0.00001, with the sum inside the root.",
            hint="It stands so in the equation of LayerNorm. Only the axis is another one here.",
        ),
        Misconception(
            name="padding-kept",
            answers=(_norm(kept=_as_it_is),),
            message="All real tokens are right. The padding is normalised along with them; it"
            " should be zero.",
            hint="What does multiplying by the mask do? Give it a third axis first.",
        ),
    ),
)
