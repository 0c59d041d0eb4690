"""`lstm_step`: one step of an LSTM, gates in torch's order: input, forget, candidate, output."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

State = tuple[Tensor, Tensor]


def _cases() -> list[tuple[Tensor, ...]]:
    random = torch.Generator().manual_seed(1997)
    sizes = ((2, 3, 3), (4, 5, 2), (1, 2, 6))  # (B, input, hidden)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    return [
        (
            normal(b, i),
            normal(b, h),
            normal(b, h),
            normal(4 * h, i),
            normal(4 * h, h),
            normal(4 * h),
        )
        for b, i, h in sizes
    ]


def _reference(x: Tensor, h: Tensor, c: Tensor, w_ih: Tensor, w_hh: Tensor, bias: Tensor) -> State:
    return torch.lstm_cell(x, (h, c), w_ih, w_hh, bias, torch.zeros_like(bias))


def _step(
    combine: Callable[..., State],
    *,
    order: str = "ifgo",
    gate: Callable[[Tensor], Tensor] = torch.sigmoid,
    candidate: Callable[[Tensor], Tensor] = torch.tanh,
    with_bias: bool = True,
) -> Callable[..., State]:
    """An LSTM step that goes wrong where one of the arguments says so."""

    def step(x: Tensor, h: Tensor, c: Tensor, w_ih: Tensor, w_hh: Tensor, bias: Tensor) -> State:
        raw = x @ w_ih.T + h @ w_hh.T + (bias if with_bias else 0)  # (B, 4 * hidden)
        part = dict(zip(order, raw.chunk(4, dim=-1), strict=True))
        i, f, o = gate(part["i"]), gate(part["f"]), gate(part["o"])
        return combine(h, c, i, f, candidate(part["g"]), o)

    return step


def _right(h: Tensor, c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor) -> State:
    new_c = f * c + i * g
    return o * new_c.tanh(), new_c


def _forget_on_hidden(h: Tensor, c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor) -> State:
    return _right(h, h, i, f, g, o)


def _candidate_ungated(h: Tensor, c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor) -> State:
    return _right(h, c, torch.ones_like(i), f, g, o)


def _no_tanh_on_cell(h: Tensor, c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor) -> State:
    new_c = f * c + i * g
    return o * new_c, new_c


def _old_cell(h: Tensor, c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor) -> State:
    return o * c.tanh(), f * c + i * g


def _turned(h: Tensor, c: Tensor, i: Tensor, f: Tensor, g: Tensor, o: Tensor) -> State:
    return _right(h, c, i, f, g, o)[::-1]


LSTM_STEP = Exercise(
    name="lstm_step",
    chapter=1,
    parameters=("x", "h", "c", "weight_ih", "weight_hh", "bias"),
    outputs=("the new h", "the new c"),
    reference=_reference,
    cases=_cases,
    hint="Check it from the end: the new h is one product of two things, the new c a sum of two"
    " products. The gates lie in the order input, forget, candidate, output.",
    misconceptions=(
        Misconception(
            name="input-forget-swapped",
            answers=(_step(_right, order="figo"),),
            message="Input and forget gate have changed places: what should be kept is written,"
            " and what should be written is kept.",
            hint="Which of the four chunks comes first in torch's order?",
        ),
        Misconception(
            name="output-before-candidate",
            answers=(_step(_right, order="ifog"),),
            message="The third chunk is read as the output gate and the fourth as the candidate;"
            " torch stores them the other way round.",
            hint="Some books write i, f, o, g. Compare with the order in the exercise's text.",
        ),
        Misconception(
            name="sigmoid-candidate",
            answers=(_step(_right, candidate=torch.sigmoid),),
            message="The candidate is squashed to 0…1 like a gate, so the cell can only ever grow.",
            hint="Three of the four chunks are gates. What must the other one be able to be?",
        ),
        Misconception(
            name="raw-candidate",
            answers=(_step(_right, candidate=lambda raw: raw),),
            message="The candidate goes into the cell unsquashed.",
            hint="Each of the four chunks passes through a function before it is used.",
        ),
        Misconception(
            name="raw-gates",
            answers=(_step(_right, gate=lambda raw: raw),),
            message="The gates are used as raw numbers: they can be negative or larger than 1, and"
            " then they do not gate.",
            hint="What turns any number into one from 0 to 1?",
        ),
        Misconception(
            name="no-tanh-on-cell",
            answers=(_step(_no_tanh_on_cell),),
            message="The new cell is right; the output gate lets it out as it is, unsquashed.",
            hint="Something happens to the new cell on its way into h, and to h alone.",
        ),
        Misconception(
            name="forget-on-hidden",
            answers=(_step(_forget_on_hidden),),
            message="The forget gate works on the old `h`; the old cell `c` is never read.",
            hint="Which of the two states is the one that is kept or forgotten?",
        ),
        Misconception(
            name="candidate-not-gated",
            answers=(_step(_candidate_ungated),),
            message="The candidate is added to the cell in full: the input gate has no say.",
            hint="Both terms of the new cell are products.",
        ),
        Misconception(
            name="old-cell",
            answers=(_step(_old_cell),),
            message="The new cell is right, but h is read from the old cell, one step late.",
            hint="Is c already replaced at the moment when h is computed?",
        ),
        Misconception(
            name="returned-c-first",
            answers=(_step(_turned),),
            message="Both numbers are right and come back in the wrong order: c, then h.",
            hint="The caller unpacks `h, c = lstm_step(...)`.",
        ),
        Misconception(
            name="no-bias",
            answers=(_step(_right, with_bias=False),),
            message="The gates are computed without the bias, so a forget gate cannot start open.",
            hint="One of the arguments is not used yet.",
        ),
    ),
)
