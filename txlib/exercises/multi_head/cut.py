"""`split_qkv`: one wide projection, cut into queries, keys and values, and each into heads."""

from collections.abc import Callable
from itertools import permutations

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Triple = tuple[Tensor, ...]
Heads = Callable[[Tensor, int], Tensor]


def _cases() -> list[tuple[Tensor, int]]:
    random = torch.Generator().manual_seed(1706)
    sizes = ((2, 4, 3, 5), (3, 6, 2, 4), (1, 5, 4, 3), (4, 3, 2, 3))  # (B, T, H, D)

    def wide(b: int, t: int, h: int, d: int) -> Tensor:
        return torch.randn(b, t, 3 * h * d, generator=random, dtype=torch.float64)

    return [(wide(*size), size[2]) for size in sizes]


def _heads(part: Tensor, num_heads: int) -> Tensor:
    """By slices: head h is the h-th stretch of neighbouring features."""
    width = part.shape[-1] // num_heads
    return torch.stack([part[..., h * width : (h + 1) * width] for h in range(num_heads)], dim=1)


def _parts(x: Tensor) -> Triple:
    width = x.shape[-1] // 3
    return tuple(x[..., i * width : (i + 1) * width] for i in range(3))


def _each(heads: Heads) -> Callable[[Tensor, int], Triple]:
    """An answer that finds the three parts and goes on with each of them in this way."""
    return lambda x, n: tuple(heads(part, n) for part in _parts(x))


def _reference(x: Tensor, num_heads: int) -> Triple:
    return _each(_heads)(x, num_heads)


def _viewed(part: Tensor, n: int) -> Tensor:
    b, t, c = part.shape
    return part.reshape(b, n, t, c // n)


def _strided(part: Tensor, n: int) -> Tensor:
    return torch.stack([part[..., h::n] for h in range(n)], dim=1)


def _head_by_head(x: Tensor, n: int) -> Triple:
    own = _heads(x, n)  # (B, H, T, 3 * D)
    return tuple(own.chunk(3, dim=-1))


def _chunked(dim: int) -> Callable[[Tensor, int], Triple]:
    def answer(x: Tensor, n: int) -> Triple:
        query, key, value = x.chunk(3, dim=dim)
        return _heads(query, n), _heads(key, n), _heads(value, n)

    return answer


def _in_order(order: tuple[int, ...]) -> Callable[[Tensor, int], Triple]:
    return lambda x, n: tuple(_reference(x, n)[i] for i in order)


SPLIT_QKV = Exercise(
    name="split_qkv",
    chapter=5,
    parameters=("x", "num_heads"),
    outputs=("the queries", "the keys", "the values"),
    reference=_reference,
    cases=_cases,
    hint="Take one word, `x[0, 0]`, and write down by hand which of its features are the query of"
    " head 0. Then look for them in your result.",
    misconceptions=(
        Misconception(
            name="view-for-transpose",
            answers=(
                _each(_viewed),
                lambda x, n: tuple(x.reshape(len(x), 3, n, x.shape[1], -1).unbind(1)),
                lambda x, n: tuple(x.reshape(3, len(x), n, x.shape[1], -1)),
                lambda x, n: x.reshape(len(x), n, x.shape[1], -1).chunk(3, dim=-1),
                lambda x, n: tuple(_viewed(x.reshape(3, *x.shape[:2], -1)[i], n) for i in range(3)),
            ),
            message="The shape is right and the words are mixed: `view` and `reshape` go through"
            " memory in order, so that one word's features become several words.",
            hint="Features of a word lie side by side. Cut them first, without moving anything;"
            " then let two axes change places.",
        ),
        Misconception(
            name="not-transposed",
            answers=(_each(lambda part, n: _heads(part, n).transpose(1, 2)),),
            message="The cut is right, but the heads still stand behind the positions:"
            " (B, T, H, D). A product of the last two axes would compare heads with heads.",
            hint="Which two axes must change places, for each head to have its own table of words?",
        ),
        Misconception(
            name="strided",
            answers=(_each(_strided),),
            message="The features are dealt out like cards, one to each head in turn. A head owns a"
            " stretch of neighbours: the first D, the next D.",
            hint="When features become two axes, heads and D, which of the two must come last?",
        ),
        Misconception(
            name="head-by-head",
            answers=(_head_by_head,),
            message="You read the features head by head, each with its own query, key and value."
            " Here all the queries come first, then all the keys, then all the values.",
            hint="First cut into three parts, then each part into heads.",
        ),
        Misconception(
            name="every-third",
            answers=(lambda x, n: tuple(_heads(x[..., i::3], n) for i in range(3)),),
            message="Query, key and value take features by turns, every third one. They lie in"
            " three blocks, one after the other.",
            hint="Where does the second block begin, if there are three of C features each?",
        ),
        Misconception(
            name="cuts-sentences",
            answers=(_chunked(0), _chunked(1)),
            message="It cuts the sentences or the words into three lots, not the features: `chunk`"
            " and `split` take the first axis unless you name another.",
            hint="Every word needs a query, a key and a value. Which axis holds all three?",
        ),
        Misconception(
            name="order",
            answers=tuple(map(_in_order, list(permutations(range(3)))[1:])),
            message="All three are there and cut into the right heads, but they come back in"
            " another order.",
            hint="The exercise says which block comes first, and which result.",
        ),
        Misconception(
            name="turned",
            answers=(
                _each(lambda part, n: _heads(part, n).mT),
                _each(lambda part, n: _strided(part, n).mT),
            ),
            message="Positions and features have changed places: (B, H, D, T).",
            hint="A head's table has one row for each word. The keys are turned later, in the"
            " product.",
        ),
        Misconception(
            name="heads-in-the-batch",
            answers=(_each(lambda part, n: _heads(part, n).flatten(0, 1)),),
            message="The heads are folded into the batch: (B * H, T, D). The numbers are right, but"
            " a mask or a result can no longer tell a sentence from a head.",
            hint="Leave the heads an axis of their own, the second.",
        ),
    ),
)
