"""`additive_scores`: how well each query goes with each position of the memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception


def _cases() -> list[tuple[Tensor, ...]]:
    """Q = K lets swapped weights run, T_q = T_k and T_q = 1 let a sum run that pairs nothing."""
    random = torch.Generator().manual_seed(2015)
    sizes = (  # (B, T_q, T_k, Q, K, A)
        (2, 3, 4, 5, 6, 7),
        (1, 2, 3, 4, 4, 5),
        (3, 4, 4, 2, 3, 6),
        (2, 1, 5, 3, 6, 4),
    )

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    return [
        (normal(b, tq, q), normal(b, tk, k), normal(a, q), normal(a, k), normal(a))
        for b, tq, tk, q, k, a in sizes
    ]


def _pairs(query: Tensor, memory: Tensor, W: Tensor, U: Tensor) -> Tensor:
    return (query @ W.T)[:, :, None] + (memory @ U.T)[:, None]  # (B, T_q, T_k, A)


def _reference(query: Tensor, memory: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
    """Pair by pair, as the equation is written."""
    scores = query.new_empty(len(query), query.shape[1], memory.shape[1])
    for b, i, j in torch.cartesian_prod(*map(torch.arange, scores.shape)).tolist():
        scores[b, i, j] = v @ torch.tanh(W @ query[b, i] + U @ memory[b, j])
    return scores


def _scored(activation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    return lambda query, memory, W, U, v: activation(_pairs(query, memory, W, U)) @ v


def _entries(query: Tensor, memory: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
    return _pairs(query, memory, W, U).tanh() * v  # (B, T_q, T_k, A), one sum short of scores


def _tanh_each(query: Tensor, memory: Tensor, W: Tensor, U: Tensor, v: Tensor) -> Tensor:
    return ((query @ W.T).tanh()[:, :, None] + (memory @ U.T).tanh()[:, None]) @ v


ADDITIVE_SCORES = Exercise(
    name="additive_scores",
    chapter=2,
    parameters=("query", "memory", "W", "U", "v"),
    outputs=("the scores",),
    reference=_reference,
    cases=_cases,
    hint="Write down the shape after each step: each query with each position of the memory makes"
    " (B, T_q, T_k, A), and only A disappears at the end.",
    misconceptions=(
        Misconception(
            name="no-tanh",
            answers=(_scored(lambda x: x),),
            message="There is no tanh. Then a score is a number of the query plus a number of the"
            " memory, and every query ranks the positions alike.",
            hint="Something bends the sum before `v` reads it.",
        ),
        Misconception(
            name="tanh-each",
            answers=(_tanh_each,),
            message="Each projection is squashed by itself and then added. Query and memory never"
            " meet inside the tanh, so every query ranks the positions alike.",
            hint="Look at where the bracket of the tanh opens and closes: how many things are"
            " inside it?",
        ),
        Misconception(
            name="tanh-outside",
            answers=(lambda q, m, W, U, v: (_pairs(q, m, W, U) @ v).tanh(),),
            message="The tanh comes last, around the product with `v`: the scores cannot leave"
            " -1…1, and the hidden layer is not bent at all.",
            hint="Which of the two comes first in the equation, the tanh or `v`?",
        ),
        Misconception(
            name="sigmoid",
            answers=(_scored(torch.sigmoid),),
            message="The sum is right, but it is squashed to 0…1: these are a sigmoid's numbers.",
            hint="The hidden layer of the equation may be negative.",
        ),
        Misconception(
            name="no-v",
            answers=(
                lambda *inputs: _pairs(*inputs[:4]).tanh().sum(-1),
                lambda *inputs: _pairs(*inputs[:4]).tanh().mean(-1),
            ),
            message="The hidden features are added up as they are; `v`, which says how much each"
            " of them counts, is not used.",
            hint="One of the five arguments is left over.",
        ),
        Misconception(
            name="mean",
            answers=(lambda *inputs: _entries(*inputs).mean(-1),),
            message="The features are averaged instead of added: every score is too small by a"
            " factor of A.",
            hint="A dot product with `v` adds. What would divide?",
        ),
        Misconception(
            name="wrong-axis",
            answers=(
                lambda *inputs: _entries(*inputs).sum(1),
                lambda *inputs: _entries(*inputs).sum(2),
            ),
            message="The sum runs over positions and the hidden features are still there: the"
            " result has A as its last axis.",
            hint="A pair of a query and a position gets one number. Which axis must go?",
        ),
        Misconception(
            name="axes-swapped",
            answers=(lambda *inputs: _entries(*inputs).sum(-1).mT,),
            message="The numbers are right and the table lies on its side: your rows are positions"
            " of the memory, your columns are queries.",
            hint="Queries are rows, keys are columns, everywhere in this book.",
        ),
        Misconception(
            name="no-pairs",
            answers=(lambda q, m, W, U, v: torch.tanh(q @ W.T + m @ U.T) @ v,),
            message="Query 1 meets position 1, query 2 position 2, and so on. That runs only where"
            " the lengths agree or one of them is 1, and it does not make pairs.",
            hint="Give each projection an axis of size 1 where the other one has its positions.",
        ),
        Misconception(
            name="weights-swapped",
            answers=(lambda q, m, W, U, v: _scored(torch.tanh)(q, m, U, W, v),),
            message="`W` and `U` have changed places: the query is multiplied by `U` and the"
            " memory by `W`. That runs only where Q and K are equal.",
            hint="`W` is (A, Q). With whom does it share an axis?",
        ),
        Misconception(
            name="already-weights",
            answers=(lambda *inputs: _entries(*inputs).sum(-1).softmax(-1),),
            message="These are weights already: a softmax has been taken over the keys.",
            hint="Scores may be any real numbers. The next exercise turns them into weights.",
        ),
    ),
)
