"""`grouped_attention`: several heads of queries look through one head of keys and values."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Inputs = tuple[Tensor, Tensor, Tensor, Tensor]
Share = Callable[[Tensor, int], Tensor]
Weigh = Callable[[Tensor, Tensor], Tensor]


def _cases() -> list[Inputs]:
    """The second runs with the mask's batch beside the heads, the third with its queries there."""
    random = torch.Generator().manual_seed(2305)
    sizes = ((2, 4, 2, 3, 5, 6), (3, 3, 1, 2, 4, 5), (2, 4, 2, 4, 5, 3), (1, 6, 3, 2, 7, 4))

    def case(b: int, h: int, g: int, t_q: int, t_k: int, d: int) -> Inputs:
        shapes = (b, h, t_q, d), (b, g, t_k, d), (b, g, t_k, d)
        q, k, v = (torch.randn(s, generator=random, dtype=torch.float64) for s in shapes)
        mask = torch.rand(b, t_q, t_k, generator=random) < 0.6
        first, second = torch.eye(t_k).bool()[:2]
        return q, k, v, (mask | first) & ~second  # each row allows some and hides some

    return [case(*size) for size in sizes]


def _reference(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
    """One head at a time, each with the key that it shares."""
    group = query.shape[1] // key.shape[1]
    heads = []
    for h in range(query.shape[1]):
        scores = query[:, h] @ key[:, h // group].mT / query.shape[-1] ** 0.5  # (B, T_q, T_k)
        weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=-1)
        heads.append(weights @ value[:, h // group])
    return torch.stack(heads, dim=1)


def _share(x: Tensor, h: int) -> Tensor:
    return x.repeat_interleave(h // x.shape[1], dim=1)


def _tile(x: Tensor, h: int) -> Tensor:
    return x.repeat(1, h // x.shape[1], 1, 1)


def _first(x: Tensor, h: int) -> Tensor:
    return x[:, :1].expand(-1, h, -1, -1)


def _last(x: Tensor, h: int) -> Tensor:
    return x[:, -1:].expand(-1, h, -1, -1)


def _mean(x: Tensor, h: int) -> Tensor:
    return x.mean(dim=1, keepdim=True).expand(-1, h, -1, -1)


def _hide(scores: Tensor, mask: Tensor, fill: float = -torch.inf) -> Tensor:
    return scores.masked_fill(~mask, fill)


def _weigh(scores: Tensor, mask: Tensor) -> Tensor:
    return _hide(scores, mask[:, None]).softmax(dim=-1)


def _along(dim: int) -> tuple[Weigh, ...]:
    """The softmax over this axis; with minus infinity it may be NaN, repaired or not."""
    return (
        lambda s, mask: _hide(s, mask[:, None]).softmax(dim),
        lambda s, mask: _hide(s, mask[:, None]).softmax(dim).nan_to_num(),
        lambda s, mask: _hide(s, mask[:, None], -1e9).softmax(dim),
    )


def _answer(
    keys: Share = _share,
    values: Share = _share,
    weigh: Weigh = _weigh,
    scale: Callable[[Tensor, Tensor], float] = lambda q, k: q.shape[-1] ** 0.5,
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Right in all parts but the ones that are named."""

    def answer(query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        h = query.shape[1]
        scores = query @ keys(key, h).mT / scale(query, key)  # (B, H, T_q, T_k)
        return weigh(scores, mask) @ values(value, h)

    return answer


GROUPED_ATTENTION = Exercise(
    name="grouped_attention",
    chapter=5,
    parameters=("query", "key", "value", "mask"),
    outputs=("the context",),
    reference=_reference,
    cases=_cases,
    hint="Take 4 heads of queries and 2 of keys. Give the keys as many heads as the queries have;"
    " from there on it is attention as before, with one axis more.",
    misconceptions=(
        Misconception(
            name="tiled",
            answers=(
                _answer(_tile, _tile),
                _answer(_tile, _share),
                _answer(_share, _tile),
            ),
            message="The heads of keys or values are handed out by turns, 0, 1, 0, 1, as `repeat`"
            " does it. Neighbours should share: 0, 0, 1, 1.",
            hint="Which PyTorch function repeats each item before it goes on to the next?",
        ),
        Misconception(
            name="one-head-for-all",
            answers=(
                _answer(_first, _first),
                _answer(_last, _last),
                _answer(_share, _first),
                _answer(_first, _share),
            ),
            message="All heads of queries look through the same head of keys or values; the others"
            " are never read.",
            hint="With 4 heads of queries and 2 of keys, which one serves query head 3?",
        ),
        Misconception(
            name="mean-head",
            answers=(_answer(_mean, _mean), _answer(_mean, _share), _answer(_share, _mean)),
            message="The heads of keys or values are averaged into one. They were made different so"
            " that they can say different things.",
            hint="Each group of query heads reads one of them, unmixed.",
        ),
        Misconception(
            name="mask-beside-heads",
            answers=(
                _answer(weigh=lambda s, mask: _hide(s, mask).softmax(-1)),
                _answer(weigh=lambda s, mask: _hide(s, mask[None]).softmax(-1)),
                _answer(weigh=lambda s, mask: _hide(s, mask[:, :, None]).softmax(-1)),
            ),
            message="The mask (B, T_q, T_k) meets scores with one axis more, and its axes line up"
            " with the wrong ones. It runs only where sizes happen to agree, and is then wrong.",
            hint="The mask of a sentence is the same for all of its heads. Where does it need an"
            " axis of length 1?",
        ),
        Misconception(
            name="mask-reversed",
            answers=(
                _answer(weigh=lambda s, mask: _hide(s, ~mask[:, None]).softmax(-1)),
                _answer(weigh=lambda s, mask: s.softmax(-1) * ~mask[:, None]),
            ),
            message="The mask is reversed: each query sees what it must not see, and nothing else.",
            hint="True means: may attend. Which entries does `masked_fill` fill?",
        ),
        Misconception(
            name="mask-after-softmax",
            answers=(_answer(weigh=lambda s, mask: s.softmax(-1) * mask[:, None]),),
            message="The mask comes after the softmax: hidden keys have already taken their share,"
            " so that the weights that are left sum to less than 1.",
            hint="What must a score be, for the softmax to make a 0 of it?",
        ),
        Misconception(
            name="masked-with-zero",
            answers=(_answer(weigh=lambda s, mask: _hide(s, mask[:, None], 0.0).softmax(-1)),),
            message="Hidden scores are set to 0. That is an ordinary score: its key still gets a"
            " weight, since exp(0) is 1.",
            hint="Which number x has exp(x) = 0?",
        ),
        Misconception(
            name="ignores-mask",
            answers=(_answer(weigh=lambda s, mask: s.softmax(-1)),),
            message="The mask changes nothing: every query sees every key.",
            hint="Where does the mask come in, before the softmax or after?",
        ),
        Misconception(
            name="wrong-axis",
            answers=tuple(_answer(weigh=weigh) for dim in (0, 1, 2) for weigh in _along(dim)),
            message="The softmax runs over the wrong axis: heads compete with heads, or queries"
            " with queries. With four axes, `dim=1` and `dim=2` are not the keys.",
            hint="The scores are (B, H, T_q, T_k). Along which axis must the weights sum to 1?",
        ),
        Misconception(
            name="no-scale",
            answers=(_answer(scale=lambda q, k: 1.0),),
            message="The scale is forgotten: the dot products go into the softmax as they are.",
            hint="Each head has a scale, too. Which width does it go by?",
        ),
        Misconception(
            name="scale-of-the-model",
            answers=(
                _answer(scale=lambda q, k: (q.shape[1] * q.shape[-1]) ** 0.5),
                _answer(scale=lambda q, k: (k.shape[1] * k.shape[-1]) ** 0.5),
            ),
            message="The scale goes by the width of all heads together, which is too much: a dot"
            " product of one head sums over D features only.",
            hint="How many products are added up in one score?",
        ),
        Misconception(
            name="wrong-scale",
            answers=(
                _answer(scale=lambda q, k: q.shape[-1]),
                _answer(scale=lambda q, k: q.shape[-1] ** -0.5),
                _answer(scale=lambda q, k: k.shape[-2] ** 0.5),
                _answer(scale=lambda q, k: q.shape[-2] ** 0.5),
                _answer(scale=lambda q, k: q.shape[1] ** 0.5),
            ),
            message="There is a scale, but another one: not one over the square root of the width"
            " of a head.",
            hint="Two things to look at: square root or not, and which axis.",
        ),
    ),
)
