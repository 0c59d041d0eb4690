"""`learning_rate`: the schedule of 2017, equation 3."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Rate = Callable[[Tensor, int, int], Tensor]


def _cases() -> list[tuple[Tensor, int, int]]:
    """Steps before, at and after the peak; in the last the paper's own sizes."""

    def steps(*numbers: int) -> Tensor:
        return torch.tensor(numbers, dtype=torch.float64)

    return [
        (steps(1, 2, 3, 4, 5, 16), 16, 4),
        (steps(1, 5, 10, 11, 40, 90, 200), 9, 10),
        (steps(3, 1, 100), 2, 3),
        (steps(1, 2, 50, 7), 100, 20),
        (steps(1, 2000, 4000, 100_000), 512, 4000),
    ]


def _reference(steps: Tensor, d_model: int, warmup_steps: int) -> Tensor:
    """By steps, as a share of the peak."""
    peak = 1 / math.sqrt(d_model * warmup_steps)
    shares = [
        step / warmup_steps if step < warmup_steps else math.sqrt(warmup_steps / step)
        for step in steps.tolist()
    ]
    return peak * torch.tensor(shares, dtype=steps.dtype)


def _rate(
    width: Callable[[int], float] = lambda c: c**-0.5,
    fall: Callable[[Tensor], Tensor] = lambda s: s**-0.5,
    slope: Callable[[int], float] = lambda w: w**-1.5,
    joined: Callable[[Tensor, Tensor, int], Tensor] = lambda a, b, w: torch.minimum(a, b),
    shift: int = 0,
) -> Rate:
    """Right in all parts but the ones that are named."""

    def answer(steps: Tensor, d_model: int, warmup_steps: int) -> Tensor:
        s = steps + shift
        climb = s * slope(warmup_steps)
        return width(d_model) * joined(fall(s), climb, warmup_steps)

    return answer


def _factor(steps: Tensor, d_model: int, warmup_steps: int) -> Tensor:
    return torch.minimum(steps / warmup_steps, (warmup_steps / steps).sqrt())


LEARNING_RATE = Exercise(
    name="learning_rate",
    chapter=7,
    parameters=("steps", "d_model", "warmup_steps"),
    outputs=("the rates",),
    reference=_reference,
    cases=_cases,
    hint="`steps` is a tensor: Python's `min` cannot compare two of those, `torch.minimum` can. At"
    " the step number `warmup_steps` both terms should be equal.",
    misconceptions=(
        Misconception(
            name="greater-of-the-two",
            answers=(_rate(joined=lambda a, b, w: torch.maximum(a, b)),),
            message="You take the greater of the two terms: the rate starts high, falls until the"
            " warm-up is over, and then grows for ever.",
            hint="In the first step, which of the two terms is the careful one?",
        ),
        Misconception(
            name="width-forgotten",
            answers=(_rate(width=lambda c: 1.0),),
            message="The steps are right. The width of the model is left out: a model of 1024"
            " features gets the same rate as one of 64.",
            hint="One of the three arguments is not used.",
        ),
        Misconception(
            name="width-upside-down",
            answers=(_rate(width=lambda c: c**0.5),),
            message="The rate grows with the root of the width; it should fall with it.",
            hint="Look at the sign of the exponent of d_model.",
        ),
        Misconception(
            name="width-without-root",
            answers=(_rate(width=lambda c: 1 / c), _rate(width=lambda c: c)),
            message="The steps are right. The width comes in whole and not by its root.",
            hint="For four times the features the rate should be half as high.",
        ),
        Misconception(
            name="counted-from-0",
            answers=(_rate(shift=-1), _rate(shift=1)),
            message="The curve is right and one step off. Here the first step is 1, and the peak"
            " is at step `warmup_steps` itself.",
            hint="`steps` needs no 1 added or taken away: it is counted as in the paper.",
        ),
        Misconception(
            name="stays-at-the-peak",
            answers=(
                _rate(joined=lambda a, b, w: b.clamp(max=w**-0.5)),
                _rate(joined=lambda a, b, w: torch.where(b < w**-0.5, b, w**-0.5)),
            ),
            message="The climb is right. Behind it the rate stays at its peak and should fall.",
            hint="One of the terms has the step in it, with a negative exponent.",
        ),
        Misconception(
            name="climbs-for-ever",
            answers=(_rate(joined=lambda a, b, w: b),),
            message="The climb is right, and it never ends: there is no second term to stop it.",
            hint="Which term falls while this one climbs? Take the smaller.",
        ),
        Misconception(
            name="no-warm-up",
            answers=(_rate(joined=lambda a, b, w: a),),
            message="The fall is right from the peak on. There is no warm-up: the very first step"
            " is the largest of all.",
            hint="`warmup_steps` is not used yet.",
        ),
        Misconception(
            name="wrong-slope",
            answers=tuple(_rate(slope=lambda w, e=e: w**e) for e in (-0.5, -1.0, -2.0)),
            message="Climb and fall do not meet at step `warmup_steps`: the exponent of"
            " `warmup_steps` in the climb is another one.",
            hint="Both terms are equal at s = w. So which power of w makes s · w^… into s^-½?",
        ),
        Misconception(
            name="another-fall",
            answers=(
                _rate(fall=lambda s: 1 / s),
                _rate(fall=lambda s: s**-1.5),
                _rate(fall=lambda s: s**-2),
            ),
            message="The rate falls too fast: four times as many steps should halve it.",
            hint="It falls with the root of the step.",
        ),
        Misconception(
            name="grows-with-the-root",
            answers=(_rate(fall=lambda s: s**0.5),),
            message="One of the terms grows with the root of the step. So both grow, and the rate"
            " never comes down.",
            hint="A minus is missing in an exponent.",
        ),
        Misconception(
            name="share-of-the-peak",
            answers=(
                _factor,
                lambda steps, d_model, warmup: d_model**-0.5 * _factor(steps, d_model, warmup),
            ),
            message="The form is right, but scaled so that the peak is 1, or 1 over the root of"
            " the width. That is a share of the peak, as `txlib`'s schedules give it.",
            hint="At its peak, equation 3 of the paper gives d_model^-½ · warmup_steps^-½.",
        ),
    ),
)
