"""`fold_norm`: gain and bias of a norm, taken into the linear map behind it."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]
Folded = tuple[Tensor, Tensor]
Part = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _cases() -> list[Inputs]:
    """F = C in one case, so that rows and columns can be taken for each other."""
    random = torch.Generator().manual_seed(2019)

    def inputs(f: int, c: int) -> Inputs:
        gain, bias, weight, b = (
            torch.randn(s, generator=random, dtype=torch.float64) for s in (c, c, (f, c), f)
        )
        return gain + 1.5, bias, weight, b

    return [inputs(5, 3), inputs(4, 4), inputs(2, 6), inputs(3, 1)]


def _reference(gain: Tensor, bias: Tensor, W1: Tensor, b1: Tensor) -> Folded:
    """By asking the two steps themselves: what do they make of zero, and of each unit vector?"""

    def both(token: Tensor) -> Tensor:
        return W1 @ (gain * token + bias) + b1

    nothing = both(torch.zeros_like(gain))
    units = torch.eye(len(gain), dtype=gain.dtype)
    return torch.stack([both(unit) - nothing for unit in units], dim=1), nothing


def _weight(gain: Tensor, bias: Tensor, W1: Tensor, b1: Tensor) -> Tensor:
    return W1 * gain


def _bias(gain: Tensor, bias: Tensor, W1: Tensor, b1: Tensor) -> Tensor:
    return W1 @ bias + b1


_BIASES: tuple[Part, ...] = (
    _bias,
    lambda g, b, W1, b1: b1,
    lambda g, b, W1, b1: W1 @ b,
    lambda g, b, W1, b1: b + b1,
    lambda g, b, W1, b1: W1 @ (g * b) + b1,
    lambda g, b, W1, b1: g * b1,
    lambda g, b, W1, b1: g * b1 + b,
)


def _weights(*weights: Part) -> tuple[Callable[..., Folded], ...]:
    """Answers with these matrices, whatever they say of the bias."""

    def answer(weight: Part, bias: Part) -> Callable[..., Folded]:
        return lambda *inputs: (weight(*inputs), bias(*inputs))

    return tuple(answer(weight, bias) for weight in weights for bias in _BIASES)


def _biases(*biases: Part) -> tuple[Callable[..., Folded], ...]:
    """Answers with the right matrix and these biases."""

    def answer(bias: Part) -> Callable[..., Folded]:
        return lambda *inputs: (_weight(*inputs), bias(*inputs))

    return tuple(map(answer, biases))


FOLD_NORM = Exercise(
    name="fold_norm",
    chapter=6,
    parameters=("gain", "bias", "W1", "b1"),
    outputs=("W", "b"),
    reference=_reference,
    cases=_cases,
    hint="Write W1 (gain · n + bias) + b1 out for one hidden feature: a sum over the features of n."
    " What stands in front of each, and what stands alone?",
    misconceptions=(
        Misconception(
            name="rows-scaled",
            answers=_weights(
                lambda g, b, W1, b1: g[:, None] * W1,
                lambda g, b, W1, b1: torch.diag(g) @ W1,
            ),
            message="The gain scales the rows of W1, one for each hidden feature. It belongs to"
            " what comes in, and the features that come in are the columns.",
            hint="`W1` is (F, C) and `gain` (C). With which of the two axes does it line up?",
        ),
        Misconception(
            name="gain-forgotten",
            answers=_weights(lambda g, b, W1, b1: W1),
            message="W is W1 as it was: the gain is not in it, and the norm no longer applies it.",
            hint="Set `bias` and `b1` to zero. What is left to be folded?",
        ),
        Misconception(
            name="gain-summed",
            answers=(
                *_weights(lambda g, b, W1, b1: W1 + g, lambda g, b, W1, b1: W1 / g),
                lambda g, b, W1, b1: (W1 @ g, _bias(g, b, W1, b1)),
            ),
            message="The gain is not multiplied into each column of W1: it is added, divided by, or"
            " summed away.",
            hint="A gain of 2 for one feature should double that feature's column, and no other.",
        ),
        Misconception(
            name="turned",
            answers=_weights(
                lambda g, b, W1, b1: (W1 * g).mT,
                lambda g, b, W1, b1: W1.mT,
                lambda g, b, W1, b1: g[:, None] * W1.mT,
                lambda g, b, W1, b1: W1.mT * g,
            ),
            message="W is turned: it is wanted as `nn.Linear` stores it, (F, C), like W1.",
            hint="Where is the `.mT`, and is it needed?",
        ),
        Misconception(
            name="bias-forgotten",
            answers=_biases(lambda g, b, W1, b1: b1),
            message="W is right. The norm's bias has gone: b is b1 as it was.",
            hint="What do the two steps make of a token that is zero everywhere?",
        ),
        Misconception(
            name="bias-not-mapped",
            answers=_biases(lambda g, b, W1, b1: b + b1),
            message="W is right. The norm's bias is added to b1 as it is; but it stands before the"
            " linear map, and goes through it.",
            hint="The two have different shapes, (C) and (F). What leads from one to the other?",
        ),
        Misconception(
            name="b1-forgotten",
            answers=_biases(lambda g, b, W1, b1: W1 @ b, lambda g, b, W1, b1: W1 * g @ b),
            message="W is right. b is what becomes of the norm's bias alone; b1 is missing.",
            hint="Set the norm's bias to zero. What should b be then?",
        ),
        Misconception(
            name="bias-scaled",
            answers=_biases(
                lambda g, b, W1, b1: W1 @ (g * b) + b1,
                lambda g, b, W1, b1: W1 @ (b / g) + b1,
            ),
            message="W is right. In b the gain is applied to the norm's bias as well; the norm adds"
            " it after the gain.",
            hint="Which matrix meets the bias, the folded one or the old one?",
        ),
        Misconception(
            name="b1-mapped",
            answers=_biases(
                lambda g, b, W1, b1: g * b1 + b,
                lambda g, b, W1, b1: W1 @ (b + b1),
                lambda g, b, W1, b1: W1 @ b + g * b1,
            ),
            message="W is right. b1 is scaled or mapped; it is added after the linear map, and"
            " nothing comes behind it.",
            hint="Follow b1 through W1 (gain · n + bias) + b1: what multiplies it?",
        ),
    ),
)
