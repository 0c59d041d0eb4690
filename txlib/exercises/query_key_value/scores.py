"""`scaled_scores`: every query held against every key, in a batch."""

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception


def _cases() -> list[tuple[Tensor, Tensor]]:
    """B = T_k = D lets a fully reversed key run, T_q = T_k a flat product; the others differ."""
    random = torch.Generator().manual_seed(2017)
    sizes = ((2, 3, 5, 4), (3, 4, 3, 3), (1, 2, 6, 7), (2, 5, 5, 3))  # (B, T_q, T_k, D)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    return [(normal(b, t_q, d), normal(b, t_k, d)) for b, t_q, t_k, d in sizes]


def _dots(query: Tensor, key: Tensor) -> Tensor:
    return torch.einsum("bqd,bkd->bqk", query, key)


def _reference(query: Tensor, key: Tensor) -> Tensor:
    return _dots(query, key) / query.shape[-1] ** 0.5


def _viewed(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.reshape(len(key), key.shape[2], key.shape[1])


def _reversed(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.permute(2, 1, 0)


SCALED_SCORES = Exercise(
    name="scaled_scores",
    chapter=3,
    parameters=("query", "key"),
    outputs=("the scores",),
    reference=_reference,
    cases=_cases,
    hint="Take one sentence, one query and one key: which single number should stand in the row of"
    " that query and the column of that key?",
    misconceptions=(
        Misconception(
            name="no-scale",
            answers=(_dots,),
            message="These are the plain dot products: the scale is forgotten, and the wider the"
            " vectors, the larger the scores.",
            hint="Which number of the equation stands under the line?",
        ),
        Misconception(
            name="divides-by-width",
            answers=(lambda q, k: _dots(q, k) / q.shape[-1],),
            message="The dot products are divided by D itself. That is too much: for wide vectors"
            " all scores come close to 0 and the softmax hardly chooses.",
            hint="The sum of D random products spreads like which function of D?",
        ),
        Misconception(
            name="multiplies",
            answers=(lambda q, k: _dots(q, k) * q.shape[-1] ** 0.5,),
            message="The scale goes the wrong way: the dot products are multiplied by the square"
            " root of D.",
            hint="Scores grow with D all by themselves. Should the scale add to that?",
        ),
        Misconception(
            name="scales-by-length",
            answers=(
                lambda q, k: _dots(q, k) / k.shape[-2] ** 0.5,
                lambda q, k: _dots(q, k) / q.shape[-2] ** 0.5,
                lambda q, k: _dots(q, k) / k.shape[-2],
                lambda q, k: _dots(q, k) / len(q) ** 0.5,
            ),
            message="The scale is taken from the wrong axis: your scores depend on how many words"
            " or sentences there are, not on how wide the vectors are.",
            hint="Over which axis does a dot product sum? Its length is the one that matters.",
        ),
        Misconception(
            name="view-for-transpose",
            answers=(
                lambda q, k: _viewed(q, k) / q.shape[-1] ** 0.5,
                _viewed,
            ),
            message="`view` and `reshape` give the keys the shape of a transpose, but they only cut"
            " the same row of numbers anew: your columns mix pieces of different keys.",
            hint="Try it on [[1, 2, 3], [4, 5, 6]] and look at the first column. Which operation"
            " swaps two axes?",
        ),
        Misconception(
            name="reverses-all-axes",
            answers=(
                lambda q, k: _reversed(q, k) / q.shape[-1] ** 0.5,
                _reversed,
            ),
            message="All three axes of `key` are reversed, so the batch ends up where the words"
            " should be. It runs only where the sizes happen to agree.",
            hint="On three axes `.T` does more than you want. Two axes should change places.",
        ),
        Misconception(
            name="turned",
            answers=(
                lambda q, k: _reference(q, k).mT,
                lambda q, k: _dots(q, k).mT,
            ),
            message="Rows and columns have changed places: your rows are keys and your columns"
            " queries.",
            hint="Each row becomes one query's weights. Which factor comes first in the product?",
        ),
        Misconception(
            name="softmax-too",
            answers=(
                lambda q, k: _reference(q, k).softmax(-1),
                lambda q, k: _dots(q, k).softmax(-1),
            ),
            message="These rows sum to 1: they are the weights already. The scores are what goes"
            " into the softmax.",
            hint="Stop one step earlier.",
        ),
    ),
)
