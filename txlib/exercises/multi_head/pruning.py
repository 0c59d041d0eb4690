"""`keep_heads`: heads cut out of the four matrices, or put into another order."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Matrices = tuple[Tensor, ...]
Inputs = tuple[Tensor, Tensor, Tensor, Tensor, int, list[int]]
Features = Callable[[Tensor, int, list[int]], list[int]]
Cut = Callable[[Tensor, list[int]], Tensor]


def _cases() -> list[Inputs]:
    """H, D, C and the heads that stay: H * D is C only in the first two."""
    random = torch.Generator().manual_seed(2018)
    sizes = (
        (3, 4, 12, [0, 2]),
        (4, 2, 8, [1, 2, 3]),
        (3, 2, 9, [2, 0, 1]),
        (4, 3, 6, [1]),
        (4, 3, 5, [3, 0]),
    )

    def matrices(width: int, c: int) -> Matrices:
        shapes = (width, c), (width, c), (width, c), (c, width)
        return tuple(torch.randn(s, generator=random, dtype=torch.float64) for s in shapes)

    return [(*matrices(h * d, c), h, keep) for h, d, c, keep in sizes]


def _block(head: int, width: int) -> list[int]:
    return list(range(head * width, (head + 1) * width))


def _own(q: Tensor, num_heads: int, keep: list[int]) -> list[int]:
    """The features of these heads, head by head."""
    return [f for head in keep for f in _block(head, len(q) // num_heads)]


def _rows(x: Tensor, features: list[int]) -> Tensor:
    return x[features]


def _columns(x: Tensor, features: list[int]) -> Tensor:
    return x[:, features]


def _whole(x: Tensor, features: list[int]) -> Tensor:
    return x


def _answer(
    features: Features = _own,
    q: Cut = _rows,
    k: Cut = _rows,
    v: Cut = _rows,
    out: Cut = _columns,
) -> Callable[..., Matrices]:
    """Right in all parts but the ones that are named."""

    def answer(
        q_weight: Tensor,
        k_weight: Tensor,
        v_weight: Tensor,
        out_weight: Tensor,
        num_heads: int,
        keep: list[int],
    ) -> Matrices:
        own = features(q_weight, num_heads, keep)
        return q(q_weight, own), k(k_weight, own), v(v_weight, own), out(out_weight, own)

    return answer


def _others(q: Tensor, num_heads: int, keep: list[int]) -> list[int]:
    return _own(q, num_heads, [h for h in range(num_heads) if h not in keep])


def _ascending(q: Tensor, num_heads: int, keep: list[int]) -> list[int]:
    return _own(q, num_heads, sorted(keep))


def _by_model(q: Tensor, num_heads: int, keep: list[int]) -> list[int]:
    return [f for head in keep for f in _block(head, q.shape[1] // num_heads)]


def _by_kept(q: Tensor, num_heads: int, keep: list[int]) -> list[int]:
    return [f for head in keep for f in _block(head, len(q) // len(keep))]


def _as_slices(features: Features) -> Features:
    """A slice that runs over the end is cut short, where an index would stop."""
    return lambda q, num_heads, keep: [f for f in features(q, num_heads, keep) if f < len(q)]


def _dealt(q: Tensor, num_heads: int, keep: list[int]) -> list[int]:
    """One feature for each head in turn."""
    return [f for head in keep for f in range(head, len(q), num_heads)]


def _dealt_by_turns(q: Tensor, num_heads: int, keep: list[int]) -> list[int]:
    return [f + head for f in range(0, len(q), num_heads) for head in keep]


def _zeroed(dim: int) -> Cut:
    def cut(x: Tensor, features: list[int]) -> Tensor:
        others = [f for f in range(x.shape[dim]) if f not in features]
        return x.index_fill(dim, torch.tensor(others, dtype=torch.long), 0.0)

    return cut


def _viewed(*shape: str) -> Callable[..., Matrices]:
    """`out_weight` cut into heads by a view alone, to (H, C, D) or (H, D, C)."""

    def answer(
        q: Tensor, k: Tensor, v: Tensor, out: Tensor, num_heads: int, keep: list[int]
    ) -> Matrices:
        c, width = len(out), len(q) // num_heads
        sizes = {"C": c, "D": width}
        heads = out.reshape(num_heads, *(sizes[s] for s in shape))[keep]
        if shape == ("D", "C"):
            heads = heads.mT  # (heads, C, D)
        kept = heads.transpose(0, 1).reshape(c, -1)
        return (*_answer()(q, k, v, out, num_heads, keep)[:3], kept)

    return answer


KEEP_HEADS = Exercise(
    name="keep_heads",
    chapter=5,
    parameters=("q_weight", "k_weight", "v_weight", "out_weight", "num_heads", "keep"),
    outputs=("q_weight", "k_weight", "v_weight", "out_weight"),
    reference=_answer(),
    cases=_cases,
    hint="Three heads of width 4: which rows of `q_weight` make the queries of head 1, and which"
    " part of `out_weight` reads what head 1 has found?",
    misconceptions=(
        Misconception(
            name="removes-them",
            answers=(_answer(_others),),
            message="The heads in `keep` are the ones that you take out.",
            hint="`keep` names those that stay.",
        ),
        Misconception(
            name="ascending",
            answers=(_answer(_ascending),),
            message="The right heads stay, but in ascending order. As a module it computes the"
            " same; here the heads should stand in the order of `keep`.",
            hint="A yes or no for each head forgets the order; a list of features does not.",
        ),
        Misconception(
            name="rows-of-out",
            answers=(_answer(out=_rows),),
            message="`out_weight` is cut by rows. Its rows are the features of the result; what"
            " comes from the heads goes into its columns.",
            hint="`nn.Linear` keeps (out, in). On which side of `out_proj` do the heads stand?",
        ),
        Misconception(
            name="columns-everywhere",
            answers=(_answer(q=_columns, k=_columns, v=_columns),),
            message="The projections are cut by columns: those read features of the word, which"
            " every head needs. The rows write features of the heads.",
            hint="`nn.Linear` keeps (out, in). On which side of `q_proj` do the heads stand?",
        ),
        Misconception(
            name="both-turned",
            answers=(_answer(q=_columns, k=_columns, v=_columns, out=_rows),),
            message="Rows and columns are exchanged in all four matrices, as if they were kept"
            " (in, out).",
            hint="`nn.Linear` computes `x @ weight.T`. What does a row of `weight` make?",
        ),
        Misconception(
            name="out-whole",
            answers=(_answer(out=_whole),),
            message="`out_weight` still has the columns of all heads: it would wait for features"
            " that nobody writes any more.",
            hint="Which of its columns read the heads that are gone?",
        ),
        Misconception(
            name="projection-whole",
            answers=(
                _answer(k=_whole, v=_whole),
                _answer(q=_whole, k=_whole),
                _answer(q=_whole, v=_whole),
                _answer(q=_whole),
                _answer(k=_whole),
                _answer(v=_whole),
                _answer(q=_whole, k=_whole, v=_whole),
            ),
            message="At least one of the three projections keeps the rows of all heads.",
            hint="A head has its own queries, its own keys and its own values.",
        ),
        Misconception(
            name="silenced",
            answers=(
                _answer(q=_zeroed(0), k=_zeroed(0), v=_zeroed(0), out=_zeroed(1)),
                _answer(q=_whole, k=_whole, v=_whole, out=_zeroed(1)),
            ),
            message="The other heads are set to zero and still there: they add nothing, and cost as"
            " much as before. `silence_heads` does that.",
            hint="The matrices should become smaller.",
        ),
        Misconception(
            name="one-row-a-head",
            answers=(_answer(lambda q, n, keep: list(keep)),),
            message="Each head gets a single row: the numbers of heads are taken for numbers of"
            " features.",
            hint="A head is D features wide. Where does the block of head 2 begin?",
        ),
        Misconception(
            name="dealt-like-cards",
            answers=(_answer(_dealt), _answer(_dealt_by_turns)),
            message="The features are dealt out to the heads by turns. A head owns a block of"
            " neighbours.",
            hint="With 3 heads of width 4, head 1 has features 4, 5, 6 and 7.",
        ),
        Misconception(
            name="width-from-d-model",
            answers=(_answer(_by_model), _answer(_as_slices(_by_model))),
            message="The width of a head is taken as C / H. That holds only as long as no head has"
            " been taken out; afterwards the heads are together narrower than the stream.",
            hint="Which of the two sizes of `q_weight` belongs to the heads?",
        ),
        Misconception(
            name="width-from-keep",
            answers=(_answer(_as_slices(_by_kept)),),
            message="The features are shared out among the heads that stay, so that your blocks are"
            " too wide.",
            hint="The matrices that you are given hold all `num_heads` heads.",
        ),
        Misconception(
            name="view-for-transpose",
            answers=(_viewed("C", "D"), _viewed("D", "C")),
            message="The projections are right. `out_weight` is cut by `view` alone, which goes"
            " through memory in order and mixes rows into the heads.",
            hint="Heads are blocks of columns. Cut the columns where they lie, as (C, H, D).",
        ),
    ),
)
