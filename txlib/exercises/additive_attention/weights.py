"""`masked_softmax`: weights from scores, over the keys that a query may attend to."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception


def _cases() -> list[tuple[Tensor, Tensor]]:
    """Holes with a row that sees nothing; a triangle; padding with an empty sentence; all open."""
    random = torch.Generator().manual_seed(1989)
    holes = torch.ones(2, 3, 5, dtype=torch.bool)
    holes[0, 0, 1] = holes[1, 0, 2:4] = holes[:, 1, 0] = False
    holes[1, 2] = False
    triangle = torch.ones(1, 4, 4, dtype=torch.bool).tril()
    padding = (torch.arange(6) < torch.tensor([4, 0, 6])[:, None])[:, None].repeat(1, 2, 1)
    everywhere = torch.ones(2, 4, 3, dtype=torch.bool)
    return [
        (2 * torch.randn(mask.shape, generator=random, dtype=torch.float64), mask)
        for mask in (holes, triangle, padding, everywhere)
    ]


def _open_only(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    return scores.masked_fill(~mask, -torch.inf).softmax(dim)  # NaN where nothing is allowed


def _reference(scores: Tensor, mask: Tensor) -> Tensor:
    """Row by row: a softmax of the allowed scores alone."""
    weights = torch.zeros_like(scores)
    for b, i in torch.cartesian_prod(*map(torch.arange, scores.shape[:2])).tolist():
        allowed = mask[b, i]
        weights[b, i, allowed] = scores[b, i, allowed].softmax(0)
    return weights


def _filled(value: float) -> Callable[[Tensor, Tensor], Tensor]:
    """A softmax that reads a finite number where nothing may be attended to."""
    return lambda scores, mask: scores.masked_fill(~mask, value).softmax(-1)


MASKED_SOFTMAX = Exercise(
    name="masked_softmax",
    chapter=2,
    parameters=("scores", "mask"),
    outputs=("the weights",),
    reference=_reference,
    cases=_cases,
    hint="Ask three things of each row: is it zero where the mask is False, does it sum to 1 over"
    " the rest, and what happens if there is no rest?",
    misconceptions=(
        Misconception(
            name="ignores-mask",
            answers=(lambda scores, mask: scores.softmax(-1),),
            message="Every key gets a weight, allowed or not: `mask` changes nothing yet.",
            hint="What must a score be, so that its exponential is 0?",
        ),
        Misconception(
            name="mask-reversed",
            answers=(
                lambda scores, mask: _open_only(scores, ~mask),
                lambda scores, mask: _open_only(scores, ~mask).nan_to_num(),
                lambda scores, mask: _open_only(scores, ~mask).masked_fill(~mask, 0),
                lambda scores, mask: _filled(-1e9)(scores, ~mask),
            ),
            message="The mask is reversed: the keys that may be attended to are shut out, and the"
            " others are left in.",
            hint="In this book True means: may attend. `masked_fill` fills where it reads True.",
        ),
        Misconception(
            name="after-softmax",
            answers=(lambda scores, mask: scores.softmax(-1) * mask,),
            message="The mask comes after the softmax. The forbidden keys have already taken their"
            " share, so what is left of a row sums to less than 1.",
            hint="Shut a key out before the shares are handed out.",
        ),
        Misconception(
            name="zero-scores",
            answers=(_filled(0.0), lambda scores, mask: _filled(0.0)(scores, mask) * mask),
            message="Forbidden scores are set to zero. Zero is a score like any other: its"
            " exponential is 1, and it takes its share.",
            hint="Which score has an exponential of 0?",
        ),
        Misconception(
            name="nan-rows",
            answers=(_open_only,),
            message="All is right but for the rows in which nothing may be attended to: there you"
            " divide 0 by 0, which is NaN.",
            hint="Every forbidden place of the result is 0, in such a row too. Can you fill it in"
            " last?",
        ),
        Misconception(
            name="uniform-rows",
            answers=(_filled(-1e9), lambda scores, mask: (scores + ~mask * -1e9).softmax(-1)),
            message="All is right but for the rows in which nothing may be attended to: they still"
            " sum to 1. A large negative number is only low in comparison, and there is nothing"
            " to compare with.",
            hint="Minus infinity does not compare. Then see what becomes of such a row.",
        ),
        Misconception(
            name="zero-times-infinity",
            answers=(lambda scores, mask: (scores + ~mask * -torch.inf).softmax(-1),),
            message="Every weight is NaN. You multiply by infinity to choose where it goes, and 0"
            " times infinity is not 0.",
            hint="`masked_fill` or `torch.where` put a number in some places and leave the others"
            " alone.",
        ),
        Misconception(
            name="over-queries",
            answers=(
                lambda scores, mask: _open_only(scores, mask, dim=1),
                lambda scores, mask: _open_only(scores, mask, dim=1).nan_to_num(),
            ),
            message="The softmax runs over the queries: your columns sum to 1, so that queries"
            " compete for a key instead of keys for a query.",
            hint="Which of the three axes is the one with the keys?",
        ),
        Misconception(
            name="not-divided",
            answers=(lambda scores, mask: scores.exp() * mask,),
            message="The exponentials are right and masked; nothing divides them, so a row does"
            " not sum to 1.",
            hint="Shares are parts of a whole. What is the whole of one row?",
        ),
    ),
)
