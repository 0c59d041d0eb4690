"""`alibi`: a penalty for each pair of words that grows with their distance."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Bias = Callable[[int, int, float], Tensor]


def _reference(num_queries: int, num_keys: int, slope: float) -> Tensor:
    """In loops: query i stands at the place of key num_keys - num_queries + i."""
    first = num_keys - num_queries
    rows = [[-slope * abs(first + i - j) for j in range(num_keys)] for i in range(num_queries)]
    return torch.tensor(rows)


def _distance(q: int, k: int, first: int) -> Tensor:
    """Key's place minus query's, if query 0 stands at place `first`."""
    return torch.arange(k) - torch.arange(first, first + q)[:, None]


def _signed(q: int, k: int) -> Tensor:
    return _distance(q, k, k - q)


def _far(q: int, k: int) -> Tensor:
    return _signed(q, k).abs()


def _same_row(row: Callable[[int], Tensor]) -> Bias:
    return lambda q, k, slope: (slope * row(k)).expand(q, -1)


def _without_future(q: int, k: int, slope: float) -> Tensor:
    return (-slope * _far(q, k)).masked_fill(_signed(q, k) > 0, -torch.inf)


ALIBI = Exercise(
    name="alibi",
    chapter=4,
    parameters=("num_queries", "num_keys", "slope"),
    outputs=("the bias",),
    reference=_reference,
    cases=lambda: [(4, 4, 0.5), (2, 5, 0.25), (1, 6, 0.125), (3, 7, 2.0), (5, 6, 0.75)],
    hint="Take 2 queries and 5 keys with a slope of 1. The last query stands at the last key: its"
    " row is -4, -3, -2, -1, 0. Which row is the one above?",
    misconceptions=(
        Misconception(
            name="plus-sign",
            answers=(lambda q, k, slope: slope * _far(q, k),),
            message="The farther a key, the larger its score: your bias rewards distance, where it"
            " should charge for it.",
            hint="The bias is added. At distance 0 it is 0; is it above or below that elsewhere?",
        ),
        Misconception(
            name="upper-left",
            answers=(lambda q, k, slope: -slope * _distance(q, k, 0).abs(),),
            message="Right for equal lengths. With fewer queries than keys yours stand at the first"
            " places, 0, 1, …; they should be the last words.",
            hint="The last query stands at the last key. At which place does query 0 stand?",
        ),
        Misconception(
            name="upper-left-and-sign",
            answers=(
                lambda q, k, slope: slope * _distance(q, k, 0).abs(),
                lambda q, k, slope: slope * _distance(q, k, 0),
                lambda q, k, slope: -slope * _distance(q, k, 0),
            ),
            message="Two things are wrong: the sign of some or all entries, and, where there are"
            " fewer queries than keys, the place at which the queries begin.",
            hint="First make 4 queries and 4 keys right, where only the sign can go wrong.",
        ),
        Misconception(
            name="past-rewarded",
            answers=(lambda q, k, slope: -slope * _signed(q, k),),
            message="Right for keys of the future only: the distance keeps its sign, so keys of the"
            " past get a reward.",
            hint="Two places before and two places after are equally far. What does a distance of"
            " -2 make of your sum?",
        ),
        Misconception(
            name="future-rewarded",
            answers=(lambda q, k, slope: slope * _signed(q, k),),
            message="Right for keys of the past only: the distance keeps its sign, so keys of the"
            " future get a reward.",
            hint="Two places after should cost what two places before cost. What makes a number"
            " lose its sign?",
        ),
        Misconception(
            name="future-free",
            answers=(
                lambda q, k, slope: -slope * (-_signed(q, k)).clamp(min=0),
                lambda q, k, slope: -slope * _signed(q, k).clamp(min=0),
            ),
            message="Only one side pays: keys on the other side of the query have a bias of 0, as"
            " if they were all as near as the query's own word.",
            hint="Here a key pays by its distance, before the query or after it.",
        ),
        Misconception(
            name="hides-the-future",
            answers=(_without_future,),
            message="A causal mask is built in: keys of the future get minus infinity. Right for a"
            " decoder, but the mask is a matter of its own.",
            hint="Give keys of the future a penalty as well, by the same rule.",
        ),
        Misconception(
            name="one-row-for-all",
            answers=(
                _same_row(lambda k: torch.arange(k)),
                _same_row(lambda k: -torch.arange(k)),
                _same_row(lambda k: torch.arange(k) - k + 1),
            ),
            message="Every query gets the same row: the key's own place counts, not how far it is"
            " from the query.",
            hint="Two places make a distance. Where does the query's place come in?",
        ),
        Misconception(
            name="factor",
            answers=(
                lambda q, k, slope: (-slope * _far(q, k)).exp(),
                lambda q, k, slope: slope ** _far(q, k),
            ),
            message="These are factors, 1 at distance 0, by which one could multiply a weight. A"
            " bias is added to a score, before the softmax takes the exponential.",
            hint="At distance 0 the score should stay as it is. Which number changes nothing when"
            " it is added?",
        ),
        Misconception(
            name="slope-misused",
            answers=(
                lambda q, k, slope: -_far(q, k),
                lambda q, k, slope: -_far(q, k).float(),
                lambda q, k, slope: -_far(q, k) / slope,
                lambda q, k, slope: -slope - _far(q, k),
            ),
            message="The distances are right and the slope is not used as one: a step of distance"
            " should cost `slope`, whatever its size.",
            hint="A key three places away costs three times the slope.",
        ),
        Misconception(
            name="curved",
            answers=(
                lambda q, k, slope: -slope * _far(q, k) ** 2,
                lambda q, k, slope: -slope * _far(q, k) ** 0.5,
                lambda q, k, slope: -slope * _far(q, k).float().log1p(),
            ),
            message="The penalty is a curve in the distance; ALiBi's is a straight line.",
            hint="Each further step costs as much as the first.",
        ),
        Misconception(
            name="off-by-one",
            answers=(
                lambda q, k, slope: -slope * _distance(q, k, k - q + 1).abs(),
                lambda q, k, slope: -slope * _distance(q, k, k - q - 1).abs(),
                lambda q, k, slope: -slope * (_far(q, k) + 1),
                lambda q, k, slope: -slope * (_far(q, k) - 1).clamp(min=0),
            ),
            message="The distances are off by one: a query's own word should be at distance 0, the"
            " words on either side of it at 1.",
            hint="In which column of the last row is your smallest penalty, and how large is it?",
        ),
        Misconception(
            name="square",
            answers=(
                lambda q, k, slope: -slope * _far(k, k),
                lambda q, k, slope: -slope * _far(q, q),
            ),
            message="The bias is always a square; one of the two numbers is not used.",
            hint="One row for each query, one column for each key.",
        ),
        Misconception(
            name="turned",
            answers=(
                lambda q, k, slope: -slope * _far(q, k).mT,
                lambda q, k, slope: -slope * _distance(k, q, 0).abs(),
            ),
            message="Rows and columns have changed places: yours has a row for each key.",
            hint="In this book queries are rows and keys are columns, always.",
        ),
    ),
)
