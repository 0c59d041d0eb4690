"""`look_back`: what a query takes home from the memory."""

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception


def _cases() -> list[tuple[Tensor, Tensor]]:
    """Shut keys, and a query that may look nowhere; equal sizes let transposed products run."""
    random = torch.Generator().manual_seed(1473)
    cases = []
    for b, tq, tk, k in ((2, 3, 4, 5), (3, 4, 4, 2), (1, 5, 3, 6), (2, 3, 3, 3)):
        scores = 2 * torch.randn(b, tq, tk, generator=random, dtype=torch.float64)
        scores[0, :, -1] = -torch.inf  # padding
        weights = scores.softmax(-1)
        weights[-1, 1] = 0  # nothing allowed
        cases.append((weights, torch.randn(b, tk, k, generator=random, dtype=torch.float64)))
    return cases


def _products(weights: Tensor, memory: Tensor) -> Tensor:
    return weights[..., None] * memory[:, None]  # (B, T_q, T_k, K), the average without its sum


def _hardest(weights: Tensor, memory: Tensor) -> Tensor:
    best = weights.argmax(-1, keepdim=True).expand(-1, -1, memory.shape[-1])  # (B, T_q, K)
    return memory.gather(1, best)


def _unweighted(weights: Tensor, memory: Tensor) -> Tensor:
    return memory.mean(1, keepdim=True).expand(-1, weights.shape[1], -1)


LOOK_BACK = Exercise(
    name="look_back",
    chapter=2,
    parameters=("weights", "memory"),
    outputs=("the context",),
    reference=lambda weights, memory: torch.einsum("bqk,bkf->bqf", weights, memory),
    cases=_cases,
    hint="Take one query: it has one weight for each position of the memory. Multiply each"
    " position's row by its weight, and add the rows.",
    misconceptions=(
        Misconception(
            name="transposed",
            answers=(lambda weights, memory: weights.mT @ memory,),
            message="The weights are transposed: each position of the memory collects over the"
            " queries. That runs only where there are as many queries as positions.",
            hint="Which axis do `weights` and `memory` share, and is it the one that is summed?",
        ),
        Misconception(
            name="mean",
            answers=(lambda weights, memory: _products(weights, memory).mean(2),),
            message="The weighted rows are averaged: their sum is divided once more, by the number"
            " of positions, and the context shrinks as sentences grow.",
            hint="The weights of a row sum to 1 already. What is left to divide by?",
        ),
        Misconception(
            name="unweighted",
            answers=(_unweighted,),
            message="Every query gets the plain mean of the memory: the weights are not used, and"
            " no query looks anywhere in particular.",
            hint="Two queries with different weights must come home with different things.",
        ),
        Misconception(
            name="hardest",
            answers=(_hardest,),
            message="Each query takes the row with the largest weight and nothing of the others. A"
            " choice like that has no gradient for the weights to learn from.",
            hint="An average listens to every position, to each as much as its weight says.",
        ),
        Misconception(
            name="largest-product",
            answers=(lambda weights, memory: _products(weights, memory).amax(2),),
            message="For each feature you keep the largest weighted number: a maximum over the"
            " positions, in the place of a sum.",
            hint="Which operation makes one row out of several weighted rows?",
        ),
        Misconception(
            name="elementwise",
            answers=(_products, lambda weights, memory: weights * memory),
            message="The products are there, entry by entry, and they are not added up over the"
            " positions.",
            hint="The result has one row a query: the axis of the positions is gone.",
        ),
        Misconception(
            name="wrong-axis",
            answers=(lambda weights, memory: _products(weights, memory).sum(1),),
            message="The products are added up over the queries: there is one row for each"
            " position of the memory, and the queries are mixed.",
            hint="Each query keeps its own context. Which axis has to go?",
        ),
        Misconception(
            name="normalised-again",
            answers=(
                lambda weights, memory: weights.softmax(-1) @ memory,
                lambda weights, memory: weights / weights.sum(-1, keepdim=True) @ memory,
            ),
            message="The weights are normalised a second time. A softmax of weights is nearly"
            " uniform, and dividing by their sum turns a query that sees nothing into NaN.",
            hint="They come out of the softmax: take them as they are.",
        ),
    ),
)
