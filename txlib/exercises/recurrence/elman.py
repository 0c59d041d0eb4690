"""`rnn_step`: one step of an Elman network, for a batch."""

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception


def _cases() -> list[tuple[Tensor, ...]]:
    """Square sizes let swapped or untransposed weights run; the others make them fail."""
    random = torch.Generator().manual_seed(1990)
    sizes = ((2, 3, 3), (4, 5, 2), (1, 2, 6), (3, 4, 4))  # (B, input, hidden)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    return [
        (normal(b, i), normal(b, h), normal(h, i), normal(h, h), normal(h)) for b, i, h in sizes
    ]


def _reference(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, bias: Tensor) -> Tensor:
    return torch.rnn_tanh_cell(x, h, w_ih, w_hh, bias, torch.zeros_like(bias))


RNN_STEP = Exercise(
    name="rnn_step",
    chapter=1,
    parameters=("x", "h", "weight_ih", "weight_hh", "bias"),
    outputs=("the new h",),
    reference=_reference,
    cases=_cases,
    hint="Write the equation of the chapter beside your line and compare them term by term; the"
    " new h has the shape of the old one.",
    misconceptions=(
        Misconception(
            name="no-tanh",
            answers=(lambda x, h, wi, wh, b: x @ wi.T + h @ wh.T + b,),
            message="These are the numbers before the squashing: nothing keeps the new state"
            " between -1 and 1.",
            hint="Which function stands around the whole sum in the equation?",
        ),
        Misconception(
            name="sigmoid",
            answers=(lambda x, h, wi, wh, b: torch.sigmoid(x @ wi.T + h @ wh.T + b),),
            message="The sum is right, but it is squashed to 0…1: these are a sigmoid's numbers.",
            hint="An Elman state may be negative. Which squashing function allows that?",
        ),
        Misconception(
            name="no-bias",
            answers=(lambda x, h, wi, wh, b: torch.tanh(x @ wi.T + h @ wh.T),),
            message="Your numbers are those of a step whose bias is left out.",
            hint="One of the five arguments is not used yet.",
        ),
        Misconception(
            name="bias-outside",
            answers=(lambda x, h, wi, wh, b: torch.tanh(x @ wi.T + h @ wh.T) + b,),
            message="The bias is added after the squashing, so the state can leave -1…1.",
            hint="Look at where the bracket of the squashing function closes.",
        ),
        Misconception(
            name="weights-swapped",
            answers=(lambda x, h, wi, wh, b: torch.tanh(x @ wh.T + h @ wi.T + b),),
            message="The two weight matrices have changed places: the input is multiplied by"
            " `weight_hh` and the state by `weight_ih`.",
            hint="Read ih as 'from input to hidden'. The shapes agree with only one pairing once"
            " input and hidden differ in size.",
        ),
        Misconception(
            name="input-twice",
            answers=(lambda x, h, wi, wh, b: torch.tanh(x @ wi.T + x @ wh.T + b),),
            message="Both products use `x`, so the step never sees the old state.",
            hint="What carries the memory from the step before?",
        ),
        Misconception(
            name="no-state",
            answers=(lambda x, h, wi, wh, b: torch.tanh(x @ wi.T + b),),
            message="The old state plays no part: this network forgets each word at the next.",
            hint="The equation adds two products; one of them is missing.",
        ),
        Misconception(
            name="not-transposed",
            answers=(lambda x, h, wi, wh, b: torch.tanh(x @ wi + h @ wh + b),),
            message="The weights are used as they lie, without a transpose: that runs where"
            " input and hidden have one size, and computes something else.",
            hint="`weight_ih` is (hidden, input) and x is (batch, input). Which axes must meet?",
        ),
    ),
)
