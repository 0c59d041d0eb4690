"""`accept_drafts`: which drafted tokens the target keeps, and what it draws from otherwise."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Keep = Callable[[Tensor, Tensor, Tensor], Tensor]
Rest = Callable[[Tensor, Tensor, Tensor], Tensor]
Accept = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def _cases() -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """(N, V) of four sizes, square in one; some tokens that the target gives nothing."""
    random = torch.Generator().manual_seed(2023)

    def case(n: int, v: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        p, q = 1.5 * torch.randn(2, n, v, generator=random, dtype=torch.float64)
        p[0, 0] = -torch.inf
        p, q = p.softmax(-1), q.softmax(-1)
        tokens = torch.multinomial(q, 1, generator=random)[:, 0]
        tokens[0] = 0
        return p, q, tokens, torch.rand(n, generator=random, dtype=torch.float64)

    return [case(9, 4), case(5, 5), case(12, 3), case(7, 10)]


def _reference(p: Tensor, q: Tensor, tokens: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Row by row and token by token."""
    kept, rest = [], []
    for i, token in enumerate(tokens.tolist()):
        kept.append(bool(u[i] * q[i, token] < p[i, token]))
        more = [max(0.0, wanted - given) for wanted, given in zip(p[i], q[i], strict=True)]
        rest.append([x / sum(more) for x in more])
    return torch.tensor(kept), torch.tensor(rest, dtype=p.dtype)


def _of(x: Tensor, tokens: Tensor) -> Tensor:
    return x.gather(1, tokens[:, None]).squeeze(1)


def _shared_out(x: Tensor) -> Tensor:
    return x / x.sum(dim=-1, keepdim=True)


def _more(p: Tensor, q: Tensor, tokens: Tensor) -> Tensor:
    return _shared_out((p - q).clamp(min=0))


def _one_hot(p: Tensor, tokens: Tensor) -> Tensor:
    return torch.zeros_like(p).scatter(1, tokens[:, None], 1.0)


def _others(p: Tensor, q: Tensor, tokens: Tensor) -> Tensor:
    return _shared_out(p * (1 - _one_hot(p, tokens)))


def _ratio(p: Tensor, q: Tensor, u: Tensor) -> Tensor:
    return u < p / q


def _accept(keep: Keep = _ratio, rest: Rest = _more) -> Accept:
    """`keep` gets both models' probability of the drafted token, and u."""

    def answer(p: Tensor, q: Tensor, tokens: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        return keep(_of(p, tokens), _of(q, tokens), u), rest(p, q, tokens)

    return answer


def _keeps(*keeps: Keep) -> tuple[Accept, ...]:
    """Answers that keep like this, whatever they draw from afterwards."""
    rests = (_more, lambda p, q, t: p, _others, lambda p, q, t: (p - q).clamp(min=0))
    return tuple(_accept(keep, rest) for rest in rests for keep in keeps)


def _rests(*rests: Rest) -> tuple[Accept, ...]:
    return tuple(_accept(rest=rest) for rest in rests)


def _only_where_rejected(otherwise: Rest) -> Accept:
    def answer(p: Tensor, q: Tensor, tokens: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        kept, rest = _accept()(p, q, tokens, u)
        return kept, torch.where(kept[:, None], otherwise(p, q, tokens), rest)

    return answer


def _by_rank(p: Tensor, q: Tensor, tokens: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    return p.argmax(dim=-1) == tokens, _more(p, q, tokens)


ACCEPT_DRAFTS = Exercise(
    name="accept_drafts",
    chapter=8,
    parameters=("p", "q", "tokens", "u"),
    outputs=("kept", "rest"),
    reference=_reference,
    cases=_cases,
    hint="Look up both models' probability of each drafted token with `gather`, and compare `u`"
    " with their ratio. For the rest: where does the target want more than the draft gives?",
    misconceptions=(
        Misconception(
            name="upside-down",
            answers=_keeps(lambda p, q, u: u < q / p),
            message="The ratio is upside down: tokens that the draft likes more than the target"
            " does are kept always, and they should be kept seldom.",
            hint="A token that the target never writes: what should its ratio be?",
        ),
        Misconception(
            name="kept-and-rejected-swapped",
            answers=_keeps(lambda p, q, u: u > p / q),
            message="Kept and rejected have changed places.",
            hint="The greater p / q, the more often should `u` lie on the side that keeps.",
        ),
        Misconception(
            name="draft-ignored",
            answers=_keeps(lambda p, q, u: u < p, lambda p, q, u: u < p * q),
            message="A token is kept with the target's probability, or with the product of both."
            " So even a draft that agrees with the target in all would mostly be rejected.",
            hint="With p = q every token should be kept. What must p be divided by?",
        ),
        Misconception(
            name="without-chance",
            answers=(
                *_keeps(
                    lambda p, q, u: p >= q,
                    lambda p, q, u: p > 0.5,
                    lambda p, q, u: torch.ones_like(p).bool(),
                ),
                _by_rank,
            ),
            message="`u` plays no part: the same token is always kept, or never. Then the target's"
            " distribution does not come out.",
            hint="Where p is half of q, half of these tokens should stay.",
        ),
        Misconception(
            name="difference-for-ratio",
            answers=_keeps(
                lambda p, q, u: u < p - q,
                lambda p, q, u: u < 1 - (p - q).abs(),
                lambda p, q, u: u < 1 - (q - p),
            ),
            message="The probabilities are subtracted in the test. Down from 0.02 to 0.01 is as far"
            " as from 0.52 to 0.51; but there half should go, and here hardly any.",
            hint="Which operation tells how many times too often the draft writes a token?",
        ),
        Misconception(
            name="drawn-from-target",
            answers=_rests(lambda p, q, t: p),
            message="The right tokens are kept. A rejected one is drawn anew from the target's own"
            " `p`: tokens that the draft likes get a second chance and come too often.",
            hint="What the draft has supplied already must not be supplied again.",
        ),
        Misconception(
            name="only-the-token-struck-out",
            answers=_rests(_others, lambda p, q, t: p * (1 - _one_hot(p, t))),
            message="The right tokens are kept. For the rest you strike out the rejected token and"
            " leave all others of `p` as they are; the draft supplies some of these too.",
            hint="The rest depends on `p` and `q` alone, not on which token was drafted.",
        ),
        Misconception(
            name="not-normalised",
            answers=_rests(lambda p, q, t: (p - q).clamp(min=0)),
            message="The right tokens are kept and the rest has the right form, but its rows do not"
            " sum to 1.",
            hint="What is drawn from must be a distribution.",
        ),
        Misconception(
            name="normalised-across-rows",
            answers=_rests(
                lambda p, q, t: (p - q).clamp(min=0) / (p - q).clamp(min=0).sum(),
                lambda p, q, t: ((p - q).clamp(min=0) / (p - q).clamp(min=0).sum(0)).nan_to_num(),
                lambda p, q, t: (p - q).clamp(min=0) / (p - q).clamp(min=0).sum(0),
            ),
            message="The right tokens are kept. The rest is divided by a sum over the rows: each"
            " row should sum to 1 by itself.",
            hint="`rest` is (N, V). Over which axis runs a distribution, and does `keepdim` help?",
        ),
        Misconception(
            name="negative-parts",
            answers=_rests(
                lambda p, q, t: p - q,
                lambda p, q, t: _shared_out(p - q),
                lambda p, q, t: (p - q) / (p - q).clamp(min=0).sum(-1, keepdim=True),
                lambda p, q, t: (p - q).abs(),
                lambda p, q, t: _shared_out((p - q).abs()),
            ),
            message="The right tokens are kept. Where the draft gives more than the target wants,"
            " your rest is not 0.",
            hint="A token of which there is too much already should not be drawn at all.",
        ),
        Misconception(
            name="too-much-for-too-little",
            answers=_rests(lambda p, q, t: _shared_out((q - p).clamp(min=0)), lambda p, q, t: q),
            message="The right tokens are kept. What is drawn instead is what the draft has too"
            " much of, or the draft's own distribution.",
            hint="Which of the two models should have the last word?",
        ),
        Misconception(
            name="softmax-of-the-difference",
            answers=_rests(
                lambda p, q, t: (p - q).softmax(-1),
                lambda p, q, t: (p - q).clamp(min=0).softmax(-1),
                lambda p, q, t: _shared_out(p / q),
            ),
            message="The right tokens are kept. The rest is put through a softmax, or it is a"
            " ratio; these are probabilities already, and a difference of 0 must stay 0.",
            hint="Dividing by the sum of a row is enough.",
        ),
        Misconception(
            name="only-where-rejected",
            answers=(
                _only_where_rejected(lambda p, q, t: torch.zeros_like(p)),
                _only_where_rejected(lambda p, q, t: p),
                _only_where_rejected(lambda p, q, t: q),
                _only_where_rejected(lambda p, q, t: _one_hot(p, t)),
                _only_where_rejected(lambda p, q, t: torch.full_like(p, torch.nan)),
            ),
            message="All is right where a token is rejected. In rows that keep theirs you give"
            " something else; here every row's rest was asked for.",
            hint="`rest` needs no look at `kept`.",
        ),
    ),
)
