"""`beam_step`: one step of a search that keeps several beginnings."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Step = tuple[Tensor, Tensor, Tensor]
Search = Callable[[Tensor, Tensor, int], Step]


def _cases() -> list[tuple[Tensor, Tensor, int]]:
    """K, V and the beam's size: from one beginning, to a narrower beam, and of even sizes."""
    random = torch.Generator().manual_seed(2014)
    sizes = ((3, 5, 3), (1, 6, 4), (4, 7, 2), (2, 3, 5), (3, 8, 3), (4, 4, 4))

    def inputs(k: int, v: int, beam_size: int) -> tuple[Tensor, Tensor, int]:
        log_probs = 2 * torch.randn(k, v, generator=random, dtype=torch.float64)
        scores = -3 * torch.rand(k, generator=random, dtype=torch.float64)
        return scores.sort(descending=True).values - 0.5, log_probs.log_softmax(-1), beam_size

    return [inputs(*size) for size in sizes]


def _reference(scores: Tensor, log_probs: Tensor, beam_size: int) -> Step:
    """By a list of all candidates, sorted."""
    found = [
        (scores[k].item() + log_prob, k, token)
        for k, row in enumerate(log_probs.tolist())
        for token, log_prob in enumerate(row)
    ]
    best = sorted(found, reverse=True)[:beam_size]
    new, parent, token = zip(*best, strict=True)
    return torch.tensor(new, dtype=scores.dtype), torch.tensor(parent), torch.tensor(token)


def _added(scores: Tensor, log_probs: Tensor) -> Tensor:
    return scores[:, None] + log_probs


def _flat(x: Tensor) -> Tensor:
    return x.flatten()


def _search(
    sums: Callable[[Tensor, Tensor], Tensor] = _added,
    shown: Callable[[Tensor, Tensor], Tensor] | None = None,
    parent: Callable[[Tensor, int, int], Tensor] = lambda i, k, v: i // v,
    token: Callable[[Tensor, int, int], Tensor] = lambda i, k, v: i % v,
    flat: Callable[[Tensor], Tensor] = _flat,
    *,
    largest: bool = True,
) -> Search:
    """Right in all parts but the ones that are named; `shown` are the scores that come back."""

    def answer(scores: Tensor, log_probs: Tensor, beam_size: int) -> Step:
        k, v = log_probs.shape
        index = flat(sums(scores, log_probs)).topk(beam_size, largest=largest).indices
        values = flat((shown or sums)(scores, log_probs))[index]
        return values, parent(index, k, v), token(index, k, v)

    return answer


def _by_rows(count: Callable[[int, int], int], *, ranked: bool) -> Search:
    """The best tokens of each beginning, the same number of each."""

    def answer(scores: Tensor, log_probs: Tensor, beam_size: int) -> Step:
        sums = _added(scores, log_probs)
        values, token = sums.topk(count(len(scores), beam_size), dim=1)
        parent = torch.arange(len(scores))[:, None].expand_as(token)
        values, parent, token = values.flatten(), parent.flatten(), token.flatten()
        order = values.argsort(descending=True) if ranked else torch.arange(len(values))
        return values[order], parent[order], token[order]

    return answer


def _first_row(scores: Tensor, log_probs: Tensor, beam_size: int) -> Step:
    values, token = _added(scores, log_probs)[0].topk(beam_size)
    return values, torch.zeros_like(token), token


def _reordered(order: Callable[..., Step]) -> Search:
    return lambda *inputs: order(*_search()(*inputs))


def _even(scores: Tensor, log_probs: Tensor, beam_size: int) -> bool:
    return len(scores) == beam_size


def _fits(scores: Tensor, log_probs: Tensor, beam_size: int) -> bool:
    return beam_size <= log_probs.shape[1]


def _several(scores: Tensor, log_probs: Tensor, beam_size: int) -> bool:
    return len(scores) > 1


BEAM_STEP = Exercise(
    name="beam_step",
    chapter=7,
    parameters=("scores", "log_probs", "beam_size"),
    outputs=("scores", "parent", "token"),
    reference=_reference,
    cases=_cases,
    hint="There are K times V candidates. Put them into one row, let `topk` choose, and work out"
    " from the place in the row which beginning it was and which token.",
    misconceptions=(
        Misconception(
            name="best-of-each",
            answers=tuple(_by_rows(lambda k, b: 1, ranked=ranked) for ranked in (True, False)),
            applies=_even,
            message="Every beginning goes on with its own best token. These are K greedy searches"
            " side by side: two good continuations of one beginning can never both stay.",
            hint="All K times V candidates compete with each other.",
        ),
        Misconception(
            name="some-of-each",
            answers=tuple(_by_rows(lambda k, b: b, ranked=ranked) for ranked in (True, False)),
            applies=lambda s, p, b: _fits(s, p, b) and _several(s, p, b),
            message="Every beginning brings its best `beam_size` tokens, and all of them are kept:"
            " the beam grows in each step.",
            hint="What is kept is `beam_size` in all.",
        ),
        Misconception(
            name="first-only",
            answers=(_first_row,),
            applies=lambda s, p, b: _fits(s, p, b) and _several(s, p, b),
            message="Only the first beginning is continued. That is right in the first step of a"
            " search, when there is no other.",
            hint="`scores` holds K beginnings.",
        ),
        Misconception(
            name="scores-forgotten",
            answers=(
                _search(lambda s, p: p),
                _search(lambda s, p: p, _added),
                _search(_added, lambda s, p: p),
            ),
            message="What the beginnings have cost so far is left out, in the choice or in the"
            " result: a bad beginning with a good last word would win.",
            hint="A beginning's score is the sum over all its tokens.",
        ),
        Misconception(
            name="multiplied",
            answers=(
                _search(lambda s, p: s[:, None] * p),
                _search(lambda s, p: s[:, None] * p, largest=False),
                _search(lambda s, p: s[:, None] * p.exp()),
            ),
            message="Old scores and log-probabilities are multiplied. Probabilities are; their"
            " logarithms are added.",
            hint="What is log(p · q) in log p and log q?",
        ),
        Misconception(
            name="probability-added",
            answers=(
                _search(lambda s, p: s[:, None] + p.exp()),
                _search(_added, lambda s, p: _added(s, p).exp()),
                _search(lambda s, p: s.exp()[:, None] * p.exp()),
            ),
            message="There is an `exp` in it: scores come in as logarithms and should go out as"
            " such.",
            hint="Nothing but a sum is needed before the choice.",
        ),
        Misconception(
            name="parent-and-token-swapped",
            answers=(
                _search(parent=lambda i, k, v: i % v, token=lambda i, k, v: i // v),
                _reordered(lambda s, parent, token: (s, token, parent)),
            ),
            message="The scores are right; parent and token have changed places.",
            hint="A place in the row is parent times V, plus token. What does `//` give, what `%`?",
        ),
        Misconception(
            name="divided-by-another",
            answers=(
                _search(parent=lambda i, k, v: i // k, token=lambda i, k, v: i % k),
                _search(parent=lambda i, k, v: i % k, token=lambda i, k, v: i // k),
                lambda s, p, b: _search(parent=lambda i, k, v: i // b, token=lambda i, k, v: i % b)(
                    s, p, b
                ),
            ),
            applies=lambda s, p, b: b != p.shape[1] != len(s),
            message="The scores are right. The place in the row is divided by another number than"
            " the length of a row of `log_probs`.",
            hint="Each beginning fills V places of the long row.",
        ),
        Misconception(
            name="place-for-token",
            answers=(
                _search(token=lambda i, k, v: i),
                _search(parent=lambda i, k, v: i),
            ),
            applies=_several,
            message="A place among all K times V candidates is given back where a token, or a"
            " parent, was asked for.",
            hint="Tokens are smaller than V, parents smaller than K.",
        ),
        Misconception(
            name="worst",
            answers=(_search(largest=False),),
            message="You keep the worst candidates. A log-probability near 0 is a good one.",
            hint="Of -1 and -5, which is the likelier?",
        ),
        Misconception(
            name="best-last",
            answers=(_reordered(lambda *parts: tuple(part.flip(0) for part in parts)),),
            message="The right candidates, with the best one last; it should be first.",
            hint="`topk` sorts from the largest down; `sort` and `argsort` go up unless told.",
        ),
        Misconception(
            name="by-columns",
            answers=(
                _search(flat=lambda x: x.T.flatten()),
                _search(lambda s, p: s.repeat(p.shape[1]).view(p.shape) + p),
            ),
            applies=_several,
            message="Rows and columns are mixed up: a beginning's score meets the tokens of"
            " another one, or the row of candidates is filled column by column.",
            hint="`scores[:, None]` is (K, 1): one score for a whole row of `log_probs`.",
        ),
    ),
)
