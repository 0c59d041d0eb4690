"""Learning-rate schedules: pure functions from a step to a factor of the peak rate.

Steps count from 0. Bind the settings with `functools.partial` or a lambda:
`fit(..., schedule=partial(linear_warmup, warmup_steps=50))`.
"""

import math

from txlib.checks import check_number, check_whole


def constant(step: int) -> float:
    """The peak rate at every step."""
    _check_step(step)
    return 1.0


def linear_warmup(step: int, *, warmup_steps: int) -> float:
    """A straight climb to the peak in `warmup_steps` steps, then the peak for good.

    The first step already moves: its factor is 1 / `warmup_steps`. With 0 there is no climb.

    Example:
        >>> [linear_warmup(step, warmup_steps=4) for step in range(6)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    """
    _check_step(step)
    check_whole("warmup_steps", warmup_steps, least=0)
    return min(1.0, (step + 1) / max(1, warmup_steps))


def warmup_cosine(step: int, *, warmup_steps: int, total_steps: int, floor: float = 0.0) -> float:
    """A straight climb to the peak, then half a cosine down to `floor` at the last step.

    Args:
        step: 0 ... `total_steps` - 1; beyond, the factor stays at `floor`.
        warmup_steps: length of the climb; the peak is first reached at step `warmup_steps` - 1.
        total_steps: length of the whole run, more than `warmup_steps`.
        floor: the last factor, in 0 ... 1.

    Raises:
        ValueError: if a setting lies outside its range.

    Example:
        >>> rates = [warmup_cosine(step, warmup_steps=2, total_steps=6) for step in range(7)]
        >>> [round(rate, 2) for rate in rates]
        [0.5, 1.0, 0.85, 0.5, 0.15, 0.0, 0.0]
    """
    check_number("floor", floor)
    for name, count in (("total_steps", total_steps), ("warmup_steps", warmup_steps)):
        check_whole(name, count)
    if not 0 <= floor <= 1:
        raise ValueError(f"floor must be in 0 ... 1, got {floor}")
    if total_steps <= warmup_steps:
        raise ValueError(
            f"total_steps must exceed warmup_steps, got {total_steps} and {warmup_steps}"
        )
    climb = linear_warmup(step, warmup_steps=warmup_steps)
    done = (step + 1 - warmup_steps) / (total_steps - warmup_steps)
    done = min(1.0, max(0.0, done))
    return climb * (floor + (1 - floor) * (1 + math.cos(math.pi * done)) / 2)


def inverse_square_root(step: int, *, warmup_steps: int) -> float:
    r"""A straight climb to the peak, then a fall with the root of the step.

    Source: Vaswani et al. 2017, section 5.3. With the paper's step number $s = $ `step` + 1 the
    factor is $\min(s / w, \sqrt{w / s})$, w for `warmup_steps`. With a peak of
    `paper_rate` it is equation 3.

    Args:
        step: 0 or more; the fall has no end.
        warmup_steps: length of the climb; the peak is reached at step `warmup_steps` - 1.

    Raises:
        ValueError: if a number is out of range.

    Example:
        >>> [inverse_square_root(step, warmup_steps=4) for step in (1, 3, 15, 63)]
        [0.5, 1.0, 0.5, 0.25]
    """
    _check_warmup(warmup_steps)
    return min(linear_warmup(step, warmup_steps=warmup_steps), math.sqrt(warmup_steps / (step + 1)))


def paper_rate(d_model: int, warmup_steps: int) -> float:
    r"""The peak rate that makes `inverse_square_root` the paper's schedule.

    Source: Vaswani et al. 2017, equation 3, at its highest: $d_\text{model}^{-1/2} \, w^{-1/2}$;
    7e-4 for the base model's 512 features and 4000 steps.

    Args:
        d_model: C, features of a token, at least 1.
        warmup_steps: w, steps of the climb, at least 1.

    Raises:
        ValueError: if a number is out of range.

    Example:
        >>> round(paper_rate(d_model=512, warmup_steps=4000), 6)  # the paper's highest rate
        0.000699
    """
    _check_warmup(warmup_steps)
    check_whole("d_model", d_model, least=1)
    return 1 / math.sqrt(d_model * warmup_steps)


def _check_warmup(warmup_steps: int) -> None:
    check_whole("warmup_steps", warmup_steps, least=1)


def _check_step(step: int) -> None:
    check_whole("step", step, least=0)
