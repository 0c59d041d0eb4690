"""`layer_norm`: each token at mean 0 and variance 1, then gain and bias."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Inputs = tuple[Tensor, Tensor, Tensor, float]
Norm = Callable[[Tensor, Tensor, Tensor, float], Tensor]
Axes = tuple[int, ...]


def _cases() -> list[Inputs]:
    """B = T = C lets every axis run; then a large eps, nearly equal features, and equal ones."""
    random = torch.Generator().manual_seed(2016)

    def inputs(b: int, t: int, c: int, spread: float, eps: float) -> Inputs:
        x, gain, bias = (
            torch.randn(s, generator=random, dtype=torch.float64) for s in ((b, t, c), c, c)
        )
        return x * spread + 1.5, gain + 2, bias, eps

    nearly = inputs(2, 4, 6, 1e-3, 1e-5)
    equal = inputs(3, 2, 2, 1.0, 1e-5)
    equal[0][0, 1] = 2.5
    return [
        inputs(2, 3, 5, 4.0, 1e-5),
        inputs(4, 4, 4, 4.0, 1e-5),
        inputs(3, 2, 7, 0.5, 0.1),
        nearly,
        equal,
    ]


def _reference(x: Tensor, gain: Tensor, bias: Tensor, eps: float) -> Tensor:
    """By a loop over tokens, with the variance as mean of squares less square of the mean."""
    out = torch.empty_like(x)
    for b, t in torch.cartesian_prod(torch.arange(len(x)), torch.arange(x.shape[1])).tolist():
        mean = x[b, t].sum() / x.shape[2]
        variance = ((x[b, t] - mean) ** 2).sum() / x.shape[2]
        out[b, t] = (x[b, t] - mean) / torch.sqrt(variance + eps) * gain + bias
    return out


def _inside(variance: Tensor, eps: float) -> Tensor:
    return (variance + eps).sqrt()


def _outside(variance: Tensor, eps: float) -> Tensor:
    return variance.sqrt() + eps


def _without(variance: Tensor, eps: float) -> Tensor:
    return variance.sqrt()


_DIVISORS = (_inside, _outside, _without)


def _norm(
    *,
    axes: Axes = (-1,),
    correction: int = 0,
    divisor: Callable[[Tensor, float], Tensor] = _inside,
    centred: Callable[[Tensor, Tensor], Tensor] = lambda x, mean: x - mean,
    finish: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda x, gain, bias: x * gain + bias,
) -> Norm:
    """An answer that differs from the right one in the steps that are named."""

    def answer(x: Tensor, gain: Tensor, bias: Tensor, eps: float) -> Tensor:
        mean = x.mean(axes, keepdim=True)
        variance = x.var(axes, correction=correction, keepdim=True)
        return finish(centred(x, mean) / divisor(variance, eps), gain, bias)

    return answer


def _rms(x: Tensor, gain: Tensor, bias: Tensor, eps: float) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * gain + bias


def _half_rms(x: Tensor, gain: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Centred, but divided by the root of the mean square of what was not."""
    root = (x.square().mean(-1, keepdim=True) + eps).sqrt()
    return (x - x.mean(-1, keepdim=True)) / root * gain + bias


LAYER_NORM = Exercise(
    name="layer_norm",
    chapter=6,
    parameters=("x", "gain", "bias", "eps"),
    outputs=("the result",),
    reference=_reference,
    cases=_cases,
    hint="Take one token, two features wide, and do it on paper: mean, deviations from it, mean of"
    " their squares, root, quotient.",
    misconceptions=(
        Misconception(
            name="unbiased",
            answers=tuple(_norm(correction=1, divisor=d) for d in _DIVISORS),
            message="The variance is divided by C - 1, as PyTorch's `std` and `var` do unless told"
            " otherwise; a norm divides by C.",
            hint="The few features of a token are all there are, no sample of more. Both functions"
            " take `correction=`, or write the mean of the squares yourself.",
        ),
        Misconception(
            name="eps-outside",
            answers=(_norm(divisor=_outside),),
            message="Your eps is added to the deviation, outside the root. Where the features of a"
            " token are nearly equal, that is another number.",
            hint="In the equation, how far does the root reach?",
        ),
        Misconception(
            name="eps-forgotten",
            answers=(_norm(divisor=_without),),
            message="No eps is added: a token whose features are all equal divides 0 by 0, and its"
            " NaN would spread to all that is computed from it.",
            hint="One of the four arguments is not used.",
        ),
        Misconception(
            name="over-words",
            answers=tuple(
                _norm(axes=a, correction=c, divisor=d)
                for a in ((1,), (0,), (0, 1))
                for c in (0, 1)
                for d in _DIVISORS
            ),
            message="Mean and variance are taken over words or sentences, feature by feature: one"
            " token's result depends on others. That is the way of BatchNorm.",
            hint="`x` is (B, T, C). Along which axis do the features of one token lie?",
        ),
        Misconception(
            name="over-too-much",
            answers=tuple(
                _norm(axes=a, correction=c, divisor=d)
                for a in ((0, 1, 2), (1, 2))
                for c in (0, 1)
                for d in _DIVISORS
            ),
            message="All tokens of a sentence, or of the batch, share one mean and one variance;"
            " each token should have its own.",
            hint="Mean and variance should have shape (B, T, 1): one number per token.",
        ),
        Misconception(
            name="rms",
            answers=(_rms,),
            message="This is RMSNorm with a bias: the mean is not taken away first.",
            hint="Without gain and bias, what should the mean of every token be?",
        ),
        Misconception(
            name="half-centred",
            answers=(
                _norm(centred=lambda x, mean: x),
                _half_rms,
            ),
            message="The mean is taken away in one of two places only: it belongs under the root"
            " as well as above the line.",
            hint="Compute the deviations from the mean once, and use them twice.",
        ),
        Misconception(
            name="root-forgotten",
            answers=(_norm(divisor=lambda v, eps: v + eps), _norm(divisor=lambda v, eps: v)),
            message="The deviations are divided by the variance itself. Numbers ten times as large"
            " come out ten times as small.",
            hint="In which unit is the variance, if the features are in metres?",
        ),
        Misconception(
            name="gain-forgotten",
            answers=(
                _norm(finish=lambda x, gain, bias: x),
                _norm(finish=lambda x, gain, bias: x * gain),
                _norm(finish=lambda x, gain, bias: x + bias),
            ),
            message="The token is normalised; gain or bias or both are left out.",
            hint="Which of the four arguments have you not used yet?",
        ),
        Misconception(
            name="bias-first",
            answers=(
                _norm(finish=lambda x, gain, bias: (x + bias) * gain),
                _norm(finish=lambda x, gain, bias: x * bias + gain),
            ),
            message="Gain and bias are both used, and not in their places: first each feature is"
            " multiplied by its gain, then the bias is added as it is.",
            hint="A token whose features are all equal should come out as the bias alone.",
        ),
    ),
)
