"""`offset_scores`: how much of each head's weight falls a fixed number of places away."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Score = Callable[[Tensor, int], Tensor]


def _cases() -> list[tuple[Tensor, int]]:
    """Both directions, the word itself, one head, and as many heads as words."""
    random = torch.Generator().manual_seed(2019)
    sizes = ((3, 5, -1), (2, 6, 1), (4, 4, -2), (1, 5, 0), (3, 7, 3))  # H, T, offset

    def weights(h: int, t: int) -> Tensor:
        scores = 2 * torch.randn(h, t, t, generator=random, dtype=torch.float64)
        return scores.softmax(dim=-1)

    return [(weights(h, t), offset) for h, t, offset in sizes]


def _pairs(t: int, offset: int) -> list[tuple[int, int]]:
    return [(q, q + offset) for q in range(t) if 0 <= q + offset < t]


def _found(weights: Tensor, offset: int) -> Tensor:
    """(H, number of queries that have such a key)."""
    return torch.stack([weights[:, q, k] for q, k in _pairs(weights.shape[-1], offset)], dim=-1)


def _reference(weights: Tensor, offset: int) -> Tensor:
    return _found(weights, offset).mean(dim=-1)


def _at(place: Callable[[int, int], int]) -> Score:
    """The mean over all queries of the weight at place(q + offset, T)."""

    def answer(weights: Tensor, offset: int) -> Tensor:
        t = weights.shape[-1]
        found = [weights[:, q, place(q + offset, t)] for q in range(t)]
        return torch.stack(found, dim=-1).mean(dim=-1)

    return answer


def _wrapped_but_for_none(weights: Tensor, offset: int) -> Tensor:
    """By roll, then without the first query, for whatever offset."""
    rolled = weights.roll(-offset, dims=-1).diagonal(dim1=-2, dim2=-1)
    return rolled[:, 1:].mean(dim=-1)


def _wins(weights: Tensor, offset: int, *, of_all: bool = False) -> Tensor:
    t = weights.shape[-1]
    best = weights.argmax(dim=-1)  # (H, T)
    hits = torch.stack([best[:, q] == k for q, k in _pairs(t, offset)], dim=-1).double()
    return hits.sum(dim=-1) / t if of_all else hits.mean(dim=-1)


OFFSET_SCORES = Exercise(
    name="offset_scores",
    chapter=5,
    parameters=("weights", "offset"),
    outputs=("the scores",),
    reference=_reference,
    cases=_cases,
    hint="Draw the table of one head, 4 queries by 4 keys, and mark the cells that count for offset"
    " -1. How many are there?",
    misconceptions=(
        Misconception(
            name="divides-by-all",
            answers=(lambda w, k: _found(w, k).sum(-1) / w.shape[-1],),
            message="The sum is right; it is divided by the number of all words. A head that always"
            " looks one word back would not get 1, for the first word has none before it.",
            hint="How many queries have a key at this offset?",
        ),
        Misconception(
            name="wraps-round",
            answers=(
                _at(lambda place, t: place % t),
                _at(lambda place, t: place),
                _wrapped_but_for_none,
            ),
            message="The sentence is treated as a ring: before the first word you find the last"
            " one. In Python index -1 is the last item, and no error tells you.",
            hint="Leave out the queries whose key would lie outside of the sentence.",
        ),
        Misconception(
            name="clamped",
            answers=(_at(lambda place, t: min(max(place, 0), t - 1)),),
            message="A key outside of the sentence is replaced by the nearest one inside, so that"
            " words at the edge count with a key that is not `offset` away.",
            hint="Such a query has no key at this offset. Should it count?",
        ),
        Misconception(
            name="other-way",
            answers=(
                lambda w, k: _reference(w, -k),
                lambda w, k: _found(w, -k).sum(-1) / w.shape[-1],
            ),
            message="It looks the other way: with offset -1 you score the next word. Either the"
            " sign is turned, or queries and keys are.",
            hint="Queries are rows and keys are columns. On which side of the diagonal is the"
            " word before?",
        ),
        Misconception(
            name="off-by-one",
            answers=(
                lambda w, k: _reference(w, k - 1),
                lambda w, k: _reference(w, k + 1),
            ),
            message="It scores the place next to the one that is asked for: offset 0 should be the"
            " word itself.",
            hint="For query q the key is q + offset, nothing added.",
        ),
        Misconception(
            name="ignores-offset",
            answers=(
                lambda w, k: _reference(w, 0),
                lambda w, k: _reference(w, -1),
                lambda w, k: _reference(w, 1),
            ),
            message="It scores the same place whatever `offset` is.",
            hint="`diagonal` takes an offset too.",
        ),
        Misconception(
            name="heads-as-rows",
            answers=(
                lambda w, k: w.diagonal(k).mean(-1),
                lambda w, k: w.diagonal(k).mean(0),
            ),
            message="The diagonal runs through heads and queries: `diagonal` takes the first two"
            " axes unless you name others.",
            hint="Between which two axes lies the table of queries and keys? `dim1` and `dim2` say"
            " so.",
        ),
        Misconception(
            name="sum",
            answers=(lambda w, k: _found(w, k).sum(-1),),
            message="The weights are added up and not averaged: the longer the sentence, the larger"
            " the score.",
            hint="A head that always looks there should get 1.",
        ),
        Misconception(
            name="all-heads-at-once",
            answers=(
                lambda w, k: _reference(w, k).mean(),
                lambda w, k: _reference(w, k).sum(),
                lambda w, k: _found(w, k).mean(0),
            ),
            message="The heads are averaged or summed away. What one head does is hidden behind the"
            " others, and to tell them apart is what the score is for.",
            hint="One number for each head: which axis must stay?",
        ),
        Misconception(
            name="one-a-query",
            answers=(_found, lambda w, k: _found(w, k).mT),
            message="These are the right weights, one for each head and query; the mean over the"
            " queries is still to come.",
            hint="Which axis should go?",
        ),
        Misconception(
            name="counts-wins",
            answers=(_wins, lambda w, k: _wins(w, k, of_all=True)),
            message="You count how often this key gets the largest weight. That is a score too,"
            " but a head that wins by a hair then looks like one that is sure.",
            hint="Average the weights themselves.",
        ),
    ),
)
