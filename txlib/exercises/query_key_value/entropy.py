"""`entropy`: how widely each query spreads its weights, in nats."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception


def _cases() -> list[tuple[Tensor]]:
    """The first two hold no zero; the others a causal triangle, and rows with all on one key."""
    random = torch.Generator().manual_seed(1948)

    def scores(*shape: int) -> Tensor:
        return 2 * torch.randn(*shape, generator=random, dtype=torch.float64)

    causal = scores(2, 4, 4).masked_fill(torch.ones(4, 4).triu(1).bool(), -torch.inf)
    certain = scores(1, 3, 6).softmax(-1)
    certain[0, 1] = torch.eye(6)[2]
    plain = [scores(2, 3, 5).softmax(-1), scores(3, 4, 2).softmax(-1)]
    return [(weights,) for weights in (*plain, causal.softmax(-1), certain)]


def _no_zero(weights: Tensor) -> bool:
    return bool((weights > 0).all())


def _terms(weights: Tensor) -> Tensor:
    return -weights * weights.log()  # NaN where a weight is 0


def _with_epsilon(epsilon: float) -> tuple[Callable[[Tensor], Tensor], ...]:
    """Ways to keep the logarithm away from 0; they show where `epsilon` is large."""
    return (
        lambda w: -(w * (w + epsilon).log()).sum(-1),
        lambda w: _terms(w + epsilon).sum(-1),
        lambda w: _terms(w.clamp(min=epsilon)).sum(-1),
    )


ENTROPY = Exercise(
    name="entropy",
    chapter=3,
    parameters=("weights",),
    outputs=("the entropy",),
    reference=lambda weights: torch.special.entr(weights).sum(dim=-1),
    cases=_cases,
    hint="Try one row by hand: two weights of a half give ln 2, about 0.693; all the weight on one"
    " key gives 0.",
    misconceptions=(
        Misconception(
            name="nan-at-zero",
            answers=(lambda w: _terms(w).sum(-1),),
            message="Right until a weight is exactly 0, as behind a mask: there 0 times minus"
            " infinity is NaN, and the whole row with it.",
            hint="A key without weight should add 0. `torch.special` has functions that know this;"
            " `masked_fill` can say it too.",
        ),
        Misconception(
            name="large-epsilon",
            answers=tuple(
                answer
                for epsilon in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
                for answer in _with_epsilon(epsilon)
            ),
            message="No NaN, but the small number that keeps the logarithm away from 0 is so large"
            " that it shows in the result.",
            hint="1e-12 would do no harm; leaving the zeros out needs no such number.",
        ),
        Misconception(
            name="bits",
            answers=(lambda w: -(w * w.log2()).sum(-1),),
            applies=_no_zero,
            message="This is the entropy in bits, by the logarithm to base 2.",
            hint="The exercise asks for nats. Which logarithm is the natural one?",
        ),
        Misconception(
            name="base-10",
            answers=(lambda w: -(w * w.log10()).sum(-1),),
            applies=_no_zero,
            message="The logarithm is the one to base 10.",
            hint="In PyTorch and in this book `log` without a base is the natural one.",
        ),
        Misconception(
            name="sign",
            answers=(lambda w: -_terms(w).sum(-1),),
            applies=_no_zero,
            message="The size is right and the sign is not: the logarithm of a weight is never"
            " positive, an entropy never negative.",
            hint="What stands in front of the sum?",
        ),
        Misconception(
            name="mean",
            answers=(lambda w: _terms(w).mean(-1), lambda w: -_terms(w).mean(-1)),
            applies=_no_zero,
            message="You take the mean over the keys. The weights are already the shares of a mean:"
            " dividing by the number of keys does it twice.",
            hint="A fair choice among more keys should have the larger entropy. Does yours?",
        ),
        Misconception(
            name="all-rows-at-once",
            answers=(
                lambda w: _terms(w).sum(),
                lambda w: _terms(w).sum(-1).mean(),
                lambda w: _terms(w).mean(),
                lambda w: _terms(w).sum((-2, -1)),
                lambda w: _terms(w).sum(-1).mean(-1),
            ),
            applies=_no_zero,
            message="All queries are thrown together: a sharp one and a wide one can no longer be"
            " told apart.",
            hint="Each row is a distribution of its own. What shape should the result have?",
        ),
        Misconception(
            name="wrong-axis",
            answers=(
                lambda w: _terms(w).sum(1),
                lambda w: _terms(w).sum(0),
            ),
            applies=_no_zero,
            message="The sum runs over the wrong axis: not over the keys of one query.",
            hint="Which axis of the weights sums to 1?",
        ),
        Misconception(
            name="unweighted",
            answers=(
                lambda w: -w.log().sum(-1),
                lambda w: -w.log().mean(-1),
            ),
            applies=_no_zero,
            message="Every key's surprise, its -log, counts the same; it should count as often as"
            " the key is drawn.",
            hint="An entropy is an expected value. By what is each term weighted?",
        ),
        Misconception(
            name="softmax-again",
            answers=(
                lambda w: torch.special.entr(w.softmax(-1)).sum(-1),
                lambda w: -(w * w.log_softmax(-1)).sum(-1),
            ),
            message="A softmax is taken of the weights. They come out of one already; a second"
            " flattens them.",
            hint="Do the rows that you are given sum to 1?",
        ),
    ),
)
