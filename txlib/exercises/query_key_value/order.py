"""`unpermute`: attention on shuffled words, put back into the old order."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Pair = tuple[Tensor, Tensor]
Reorder = Callable[[Tensor, Tensor], Tensor]
Answer = Callable[[Tensor, Tensor, Tensor], Pair]


def _cases() -> list[tuple[Tensor, Tensor, Tensor]]:
    """A swap is its own inverse, so it alone would show little; the others are not."""
    random = torch.Generator().manual_seed(2019)
    orders = (([2, 0, 3, 1, 4], 3), ([1, 2, 0], 6), ([1, 0], 4), ([3, 0, 1, 2], 2))
    cases = []
    for order, d in orders:
        t = len(order)
        context = torch.randn(t, d, generator=random, dtype=torch.float64)
        weights = torch.randn(t, t, generator=random, dtype=torch.float64).softmax(-1)
        cases.append((context, weights, torch.tensor(order)))
    return cases


def _reference(context: Tensor, weights: Tensor, permutation: Tensor) -> Pair:
    """By writing: row i, and column i of the weights, goes to the place `permutation[i]`."""
    rows, columns = permutation[:, None], permutation
    new_weights = weights.new_zeros(weights.shape).index_put((rows, columns), weights)
    return context.new_zeros(context.shape).index_put((permutation,), context), new_weights


def _back(x: Tensor, p: Tensor) -> Tensor:
    return x[p.argsort()]


def _on(x: Tensor, p: Tensor) -> Tensor:
    return x[p]


def _stay(x: Tensor, p: Tensor) -> Tensor:
    return x


def _turn(x: Tensor, p: Tensor) -> Tensor:
    return x.flip(0)


def _sort(x: Tensor, p: Tensor) -> Tensor:
    return x.sort(dim=0).values


def _moves(context: Reorder, *weights: tuple[Reorder, Reorder]) -> tuple[Answer, ...]:
    """Answers that reorder the context so, and rows and columns of the weights so."""

    def answer(rows: Reorder, columns: Reorder) -> Answer:
        return lambda c, w, p: (context(c, p), columns(rows(w, p).mT, p).mT)

    return tuple(answer(rows, columns) for rows, columns in weights)


UNPERMUTE = Exercise(
    name="unpermute",
    chapter=3,
    parameters=("context", "weights", "permutation"),
    outputs=("the context", "the weights"),
    reference=_reference,
    cases=_cases,
    hint="Take three words a, b, c and the permutation [1, 2, 0]: the network read b, c, a. In"
    " which of its rows do you find a?",
    misconceptions=(
        Misconception(
            name="permuted-again",
            answers=_moves(_on, (_on, _on), (_on, _stay), (_stay, _on), (_stay, _stay)),
            message="The words are shuffled once more by the same permutation; only a swap takes"
            " itself back.",
            hint="`permutation[i]` says which word stands in row i. Turn the question round: in"
            " which row does word i stand? `argsort` answers it.",
        ),
        Misconception(
            name="untouched",
            answers=_moves(_stay, (_stay, _stay)),
            message="Both come back in the order in which the network read the words.",
            hint="Row 0 belongs to word `permutation[0]`. Which row should it be?",
        ),
        Misconception(
            name="reversed",
            answers=_moves(_turn, (_turn, _turn), (_turn, _stay), (_stay, _stay)),
            message="The rows are turned round, last to first; the permutation is not used.",
            hint="The old order is in the permutation, and only there.",
        ),
        Misconception(
            name="sorted-values",
            answers=_moves(_sort, (_sort, _sort), (_sort, _stay), (_back, _back), (_stay, _stay)),
            message="The numbers themselves are sorted, each feature by itself, which takes the"
            " vectors apart.",
            hint="Whole rows must move. What can you sort, to learn where they belong?",
        ),
        Misconception(
            name="rows-only",
            answers=_moves(_back, (_back, _stay)),
            message="The context is right. In the weights the rows are back in place and the"
            " columns are not: each word is a query and also a key.",
            hint="Column 0 of the weights belongs to the word that was read first. Which one?",
        ),
        Misconception(
            name="columns-only",
            answers=_moves(_back, (_stay, _back)),
            message="The context is right. In the weights the columns are back in place and the"
            " rows are not: each word is a key and also a query.",
            hint="The weights have a row for each row of the context.",
        ),
        Misconception(
            name="weights-untouched",
            answers=_moves(_back, (_stay, _stay)),
            message="The context is right; the weights are still in the shuffled order.",
            hint="What belongs to each row of the weights, and to each column?",
        ),
        Misconception(
            name="context-untouched",
            answers=_moves(_stay, (_back, _back)),
            message="The weights are right; the context is still in the shuffled order.",
            hint="The context has one row for each query.",
        ),
        Misconception(
            name="columns-shuffled",
            answers=_moves(_back, (_back, _on), (_on, _back), (_on, _on)),
            message="The context is right. In the weights an axis is shuffled once more instead of"
            " being put back.",
            hint="Rows and columns were shuffled alike, so both need the same repair.",
        ),
        Misconception(
            name="pairs-for-grid",
            answers=(
                lambda c, w, p: (_back(c, p), w[p.argsort(), p.argsort()]),
                lambda c, w, p: (_on(c, p), w[p, p]),
            ),
            message="Two index tensors in one pair of brackets are read in pairs: (0, 0), (1, 1), …"
            " That picks a diagonal, not a table.",
            hint="First the rows, then the columns: two pairs of brackets do it.",
        ),
    ),
)
