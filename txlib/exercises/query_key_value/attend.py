"""`attend`: scores, mask, softmax and average in one function."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]
Attend = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def _cases() -> list[Inputs]:
    """Two chequered masks, the second with D = D_v, a causal one, and two with empty rows."""
    random = torch.Generator().manual_seed(2017)

    def qkv(b: int, t_q: int, t_k: int, d: int, d_v: int) -> tuple[Tensor, Tensor, Tensor]:
        shapes = (b, t_q, d), (b, t_k, d), (b, t_k, d_v)
        q, k, v = (torch.randn(s, generator=random, dtype=torch.float64) for s in shapes)
        return q, k, v

    def chequered(t_q: int, t_k: int) -> Tensor:
        board = (torch.arange(t_q)[:, None] + torch.arange(t_k)) % 2 == 0
        return torch.stack([board, ~board])  # (2, T_q, T_k)

    padded = torch.ones(2, 3, 6, dtype=torch.bool)
    padded[0, :, 4:] = False
    padded[1, 1] = False  # a query that may see nothing
    return [
        (*qkv(2, 3, 4, 5, 6), chequered(3, 4)),
        (*qkv(2, 4, 5, 3, 3), chequered(4, 5)),
        (*qkv(1, 5, 5, 4, 2), torch.ones(1, 5, 5).tril().bool()),
        (*qkv(2, 3, 6, 4, 5), padded),
        (*qkv(2, 1, 3, 2, 4), torch.tensor([[[True, False, True]], [[False] * 3]])),
    ]


def _plain(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> bool:
    """Whether each row and column allows some and hides some: nobody's softmax is NaN there."""
    return all(bool((mask.any(dim) & ~mask.all(dim)).all()) for dim in (1, 2))


def _scores(query: Tensor, key: Tensor) -> Tensor:
    return query @ key.mT / query.shape[-1] ** 0.5


def _hidden(scores: Tensor, mask: Tensor, fill: float = -torch.inf) -> Tensor:
    return scores.masked_fill(~mask, fill)


def _reference(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """By sums: exponentials of what is allowed, over their sum or over 1 where there is none."""
    scores = _scores(query, key)
    parts = (scores - scores.amax(-1, keepdim=True)).exp() * mask
    total = parts.sum(-1, keepdim=True)
    return parts / total.where(total > 0, 1.0) @ value


def _scaled_by(scale: Callable[[Tensor, Tensor, Tensor], float]) -> Attend:
    def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        return _hidden(q @ k.mT * scale(q, k, v), mask).softmax(-1) @ v

    return attend


ATTEND = Exercise(
    name="attend",
    chapter=3,
    parameters=("query", "key", "value", "mask"),
    outputs=("the context",),
    reference=_reference,
    cases=_cases,
    hint="Four steps in this order: scores, mask, softmax over the keys, average of the values."
    " Print the shape after each.",
    misconceptions=(
        Misconception(
            name="mask-reversed",
            answers=(
                lambda q, k, v, mask: _hidden(_scores(q, k), ~mask).softmax(-1) @ v,
                lambda q, k, v, mask: (_scores(q, k).softmax(-1) * ~mask) @ v,
            ),
            applies=_plain,
            message="The mask is reversed: each query sees what it must not see, and nothing else.",
            hint="True means: may attend. Which entries does `masked_fill` fill?",
        ),
        Misconception(
            name="mask-after-softmax",
            answers=(lambda q, k, v, mask: (_scores(q, k).softmax(-1) * mask) @ v,),
            applies=_plain,
            message="The mask comes after the softmax: hidden keys have already taken their share,"
            " so that the weights that are left sum to less than 1.",
            hint="What must a score be, for the softmax to make a 0 of it?",
        ),
        Misconception(
            name="masked-with-zero",
            answers=(lambda q, k, v, mask: _hidden(_scores(q, k), mask, 0.0).softmax(-1) @ v,),
            applies=_plain,
            message="Hidden scores are set to 0. That is an ordinary score: its key still gets a"
            " weight, since exp(0) is 1.",
            hint="Which number x has exp(x) = 0?",
        ),
        Misconception(
            name="ignores-mask",
            answers=(lambda q, k, v, mask: _scores(q, k).softmax(-1) @ v,),
            applies=_plain,
            message="The mask changes nothing: every query sees every key.",
            hint="One of the four arguments is not used, or its result is thrown away:"
            " `masked_fill` returns a new tensor.",
        ),
        Misconception(
            name="wrong-axis",
            answers=(
                lambda q, k, v, mask: _hidden(_scores(q, k), mask).softmax(1) @ v,
                lambda q, k, v, mask: _hidden(_scores(q, k), mask).softmax(0) @ v,
            ),
            applies=_plain,
            message="The softmax runs over the wrong axis: queries, or whole sentences, compete for"
            " a key instead of keys for a query.",
            hint="The scores are (B, T_q, T_k). Along which axis must the weights sum to 1?",
        ),
        Misconception(
            name="no-scale",
            answers=(_scaled_by(lambda q, k, v: 1.0),),
            applies=_plain,
            message="The scale is forgotten: the dot products go into the softmax as they are.",
            hint="`scaled_scores` above did this part already.",
        ),
        Misconception(
            name="wrong-scale",
            answers=(
                _scaled_by(lambda q, k, v: 1 / q.shape[-1]),
                _scaled_by(lambda q, k, v: q.shape[-1] ** 0.5),
                _scaled_by(lambda q, k, v: v.shape[-1] ** -0.5),
                _scaled_by(lambda q, k, v: k.shape[-2] ** -0.5),
                _scaled_by(lambda q, k, v: q.shape[-2] ** -0.5),
            ),
            applies=_plain,
            message="There is a scale, but another one: not one over the square root of the width"
            " of the queries.",
            hint="Two things to look at: square root or not, and the last axis of which tensor.",
        ),
        Misconception(
            name="keys-as-values",
            answers=(lambda q, k, v, mask: _hidden(_scores(q, k), mask).softmax(-1) @ k,),
            applies=_plain,
            message="The weights are right, and they average the keys: a key says where to look,"
            " the value is what is found there.",
            hint="One of the four arguments is not used yet.",
        ),
        Misconception(
            name="values-as-keys",
            answers=(lambda q, k, v, mask: _hidden(_scores(q, v), mask).softmax(-1) @ v,),
            applies=_plain,
            message="The queries are compared with the values; the keys are never read.",
            hint="Which two tensors are sure to share the width D?",
        ),
        Misconception(
            name="nan-row",
            answers=(lambda q, k, v, mask: _hidden(_scores(q, k), mask).softmax(-1) @ v,),
            message="Right wherever a query may see something. One that may see nothing divides"
            " 0 by 0, and its NaN would spread to all that is computed from it.",
            hint="Its weights should all be 0. When can you still say so, after the softmax?",
        ),
        Misconception(
            name="forbidden-mean",
            answers=(
                lambda q, k, v, mask: _hidden(_scores(q, k), mask, -1e9).softmax(-1) @ v,
                lambda q, k, v, mask: (_scores(q, k) - 1e9 * ~mask).softmax(-1) @ v,
            ),
            message="A query that may see nothing gets an average of values that are all hidden"
            " from it: a large negative number hides a score only beside one that is not hidden.",
            hint="If every score in a row is -1e9, what is the softmax of that row?",
        ),
    ),
)
