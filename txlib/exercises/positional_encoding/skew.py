"""`skew`: a column for each distance slid into a column for each key."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Column = Callable[[Tensor, Tensor, int], Tensor]


def _cases() -> list[tuple[Tensor]]:
    random = torch.Generator().manual_seed(2018)
    sizes = (4, 3, 6, 2)
    return [(torch.randn(t, 2 * t - 1, generator=random, dtype=torch.float64),) for t in sizes]


def _reference(by_distance: Tensor) -> Tensor:
    """One number at a time."""
    t = len(by_distance)
    rows = [[by_distance[i, j - i + t - 1].item() for j in range(t)] for i in range(t)]
    return torch.tensor(rows, dtype=by_distance.dtype)


def _picks(column: Column) -> Callable[[Tensor], Tensor]:
    """An answer whose entry [i, j] stands in this column of row i."""

    def skew(by_distance: Tensor) -> Tensor:
        t = len(by_distance)
        i, j = torch.arange(t)[:, None], torch.arange(t)
        return by_distance[i, column(i, j, t).expand(t, t) % (2 * t - 1)]

    return skew


def _reads(start: Callable[[int], int], width: Callable[[int], int]) -> Callable[[Tensor], Tensor]:
    """An answer that reads the line from `start` on in rows of `width`; zeros where it ends."""

    def skew(by_distance: Tensor) -> Tensor:
        t = len(by_distance)
        line = torch.cat((by_distance.flatten()[start(t) :], by_distance.new_zeros(3 * t)))
        return torch.stack([line[i * width(t) :][:t] for i in range(t)])

    return skew


SKEW = Exercise(
    name="skew",
    chapter=4,
    parameters=("by_distance",),
    outputs=("the scores by key",),
    reference=_reference,
    cases=_cases,
    hint="Number the fields of the left table for T = 3 from 0 to 14, row by row. Which nine are"
    " wanted, and by how much do they grow from each row to the next?",
    misconceptions=(
        Misconception(
            name="not-shifted",
            answers=(
                _picks(lambda i, j, t: j),
                _picks(lambda i, j, t: j + t - 1),
                _picks(lambda i, j, t: j + t // 2),
                _picks(lambda i, j, t: j + (t - 1) // 2),
            ),
            message="Every row is cut at the same columns, so your columns are still distances;"
            " they should be keys.",
            hint="Distance 0 should run down the diagonal. In the left table it runs down a"
            " column.",
        ),
        Misconception(
            name="cut-anew",
            answers=(
                _reads(lambda t: 0, lambda t: t),
                _reads(lambda t: t - 1, lambda t: t),
                lambda x: x.T.reshape(-1)[: len(x) ** 2].view(len(x), len(x)),
            ),
            message="The line of numbers is cut into rows of T, which mixes the scores of different"
            " queries. Each query has more than T numbers in it, and some must be left out.",
            hint="The rows of the line should be one shorter than those of the left table. Of each"
            " you keep only the first T.",
        ),
        Misconception(
            name="other-way",
            answers=(
                _picks(lambda i, j, t: i + j),
                _reads(lambda t: 0, lambda t: 2 * t),
            ),
            message="The rows slide the wrong way: from each query to the next your window moves on"
            " by one column, and it should move back by one.",
            hint="Key 0 is at distance 0 from query 0, and at which one from query 1?",
        ),
        Misconception(
            name="mirrored",
            answers=(
                _picks(lambda i, j, t: i - j + t - 1),
                lambda x: _reference(x.flip(-1)),
            ),
            message="Left and right are reversed: you look up the query's place minus the key's."
            " The first column belongs to the key that stands farthest *before* its query.",
            hint="Which sign has j - i for a key of the past?",
        ),
        Misconception(
            name="turned",
            answers=(
                lambda x: _reference(x).mT,
                lambda x: _reference(x.flip(-1)).mT,
            ),
            message="Rows and columns have changed places: your rows are keys.",
            hint="A row of the left table belongs to one query, and so should a row of the result.",
        ),
        Misconception(
            name="starts-too-late",
            answers=(
                _reads(lambda t: t, lambda t: 2 * t - 2),
                _picks(lambda i, j, t: j - i + t),
            ),
            message="Off by one: the line is read one number too late, each key gets the score of"
            " the next distance, and the diagonal holds distance 1.",
            hint="How many numbers of row 0 stand before distance 0?",
        ),
        Misconception(
            name="starts-too-early",
            answers=(
                _reads(lambda t: t - 2, lambda t: 2 * t - 2),
                _picks(lambda i, j, t: j - i + t - 2),
            ),
            message="Off by one: the line is read one number too early, each key gets the score of"
            " the distance before, and the diagonal holds distance -1.",
            hint="For T = 3, number the fields of the left table from 0 to 14: in which one does"
            " query 0 meet key 0?",
        ),
        Misconception(
            name="nothing-dropped",
            answers=(
                _reads(lambda t: 0, lambda t: 2 * t - 2),
                _picks(lambda i, j, t: j - i),
            ),
            message="The rows slide as they should, but from the wrong start: row 0 begins with the"
            " most distant past, which query 0 has not got.",
            hint="Query 0 needs the distances 0 to T - 1. Where in the line does it find the"
            " first?",
        ),
        Misconception(
            name="past-only",
            answers=(
                lambda x: _reference(x).tril(),
                lambda x: _reference(x).masked_fill(
                    torch.ones(len(x), len(x)).triu(1).bool(), -torch.inf
                ),
            ),
            message="Right for keys of the past; the future is blanked out. Music Transformer needs"
            " no future, but a causal mask is a matter of its own.",
            hint="Your left table has a column for each distance on both sides.",
        ),
        Misconception(
            name="too-wide",
            answers=(
                lambda x: x.flatten()[len(x) - 1 : -1].view(len(x), -1),
                lambda x: torch.stack([x[i].roll(i + 1 - len(x)) for i in range(len(x))]),
            ),
            message="The rows have slid into place and are still too long: behind the last key"
            " stand numbers for words that the sentence has not got.",
            hint="How many keys are there? Keep as many columns.",
        ),
    ),
)
