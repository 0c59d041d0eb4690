"""`merge_parts`: the context over all keys, from what was found in parts of them."""

from collections.abc import Callable

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception

Parts = tuple[Tensor, Tensor, Tensor]
Merge = Callable[[Tensor, Tensor, Tensor], Tensor]


def _part(scores: Tensor, values: Tensor) -> Parts:
    """Maximum and total (T_q, 1), context (T_q, D) before the division; a score may be -inf."""
    maximum = scores.amax(dim=-1, keepdim=True)
    weights = (scores - maximum.clamp(min=-1e300)).exp()
    return maximum, weights.sum(dim=-1, keepdim=True), weights @ values


def _cases() -> list[Parts]:
    """As many parts as queries, maxima far apart, parts and a query that see nothing."""
    random = torch.Generator().manual_seed(2022)

    def case(p: int, t: int, d: int, spread: float = 0.0, hidden: str = "") -> Parts:
        parts = []
        offset = spread * torch.arange(t).sub((t - 1) / 2)[:, None]
        for i in range(p):
            scores = 2 * torch.randn(t, 3 + i, generator=random, dtype=torch.float64) + offset
            values = torch.randn(3 + i, d, generator=random, dtype=torch.float64)
            if hidden:
                scores[i % t] = -torch.inf
            if hidden == "all":
                scores[-1] = -torch.inf
            parts.append(_part(scores, values))
        maximum, total, context = (torch.stack(kind) for kind in zip(*parts, strict=True))
        return maximum, total, context

    return [
        case(2, 3, 4),
        case(3, 3, 5),
        case(4, 5, 2, hidden="some"),
        case(2, 3, 6, spread=900.0),
        case(3, 4, 3, hidden="all"),
    ]


def _reference(maximum: Tensor, total: Tensor, context: Tensor) -> Tensor:
    """Query by query, part by part, with the greatest maximum as the common measure."""
    merged = torch.zeros_like(context[0])
    for t in range(maximum.shape[1]):
        greatest = maximum[:, t].max()
        if greatest == -torch.inf:
            continue
        factors = (maximum[:, t] - greatest).exp()
        below = sum(f * part for f, part in zip(factors, total[:, t], strict=True))
        merged[t] = sum(f * part for f, part in zip(factors, context[:, t], strict=True)) / below
    return merged


def _factor(m: Tensor) -> Tensor:
    return (m - m.amax(dim=0)).exp()


def _merge(
    above: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda f, total, c: f * c,
    below: Callable[[Tensor, Tensor], Tensor] = lambda f, total: f * total,
    factor: Callable[[Tensor], Tensor] = _factor,
) -> tuple[Merge, ...]:
    """Both sums over the parts and their quotient: as it comes, and with NaN repaired."""

    def answer(m: Tensor, total: Tensor, context: Tensor) -> Tensor:
        f = factor(m)
        return above(f, total, context).sum(dim=0) / below(f, total).sum(dim=0)

    def zero_blind(m: Tensor, total: Tensor, context: Tensor) -> Tensor:
        return answer(m, total, context).masked_fill(total.sum(dim=0) == 0, 0.0)

    return answer, lambda *parts: answer(*parts).nan_to_num(), zero_blind


def _averages(total: Tensor, context: Tensor) -> Tensor:
    return (context / total).nan_to_num()


def _strongest(m: Tensor, total: Tensor, context: Tensor) -> Tensor:
    best = m.argmax(dim=0).squeeze(-1)
    return _averages(total, context)[best, torch.arange(len(best))]


def _sees_all(m: Tensor, total: Tensor, context: Tensor) -> bool:
    return bool((total > 0).all())


def _plain(m: Tensor, total: Tensor, context: Tensor) -> bool:
    return _sees_all(m, total, context) and m.abs().max().item() < 100


MERGE_PARTS = Exercise(
    name="merge_parts",
    chapter=8,
    parameters=("maximum", "total", "context"),
    outputs=("the context",),
    reference=_reference,
    cases=_cases,
    hint="Take one query and two parts. Each part has measured its exponentials from a maximum of"
    " its own. Bring both to the greater one; then add, and divide once.",
    misconceptions=(
        Misconception(
            name="even-average",
            answers=(
                lambda m, total, c: (c / total).mean(dim=0),
                lambda m, total, c: _averages(total, c).mean(dim=0),
            ),
            applies=_sees_all,
            message="Each part's context is finished by itself, and then all parts count alike."
            " A part with high scores should outweigh one with low scores.",
            hint="Part one holds one key that fits very well, part two three that do not. Should"
            " they have half each?",
        ),
        Misconception(
            name="not-rescaled",
            answers=_merge(lambda f, total, c: c, lambda f, total: total),
            message="The sums are added as they are. Each part has measured from its own maximum,"
            " so a 1 in one is not a 1 in another.",
            hint="By which factor do all exponentials of a part change if its maximum is replaced"
            " by a greater one?",
        ),
        Misconception(
            name="total-not-rescaled",
            answers=_merge(below=lambda f, total: total),
            message="The contexts are rescaled, the totals are not: what you divide by is not the"
            " sum of the weights above it.",
            hint="A total is made of exponentials too, measured from the same maximum as the"
            " context.",
        ),
        Misconception(
            name="context-not-rescaled",
            answers=_merge(lambda f, total, c: c),
            message="The totals are rescaled, the contexts are not.",
            hint="A context is a sum of values times exponentials, measured from the same maximum"
            " as the total.",
        ),
        Misconception(
            name="by-maximum-alone",
            answers=_merge(lambda f, total, c: f * _averages(total, c), lambda f, total: f),
            message="Each part counts by its greatest score alone, as in a softmax over the maxima."
            " A part with five good keys should count for more than a part with one.",
            hint="How much all keys of a part weigh together is in `total`, once it is rescaled.",
        ),
        Misconception(
            name="taken-for-an-average",
            answers=_merge(lambda f, total, c: f * total * c),
            message="Each context is multiplied by its total, as if it were an average. It is a"
            " sum that has not been divided yet.",
            hint="A context of many keys is large already. It only lacks the common maximum.",
        ),
        Misconception(
            name="not-divided",
            answers=(
                lambda m, total, c: (_factor(m) * c).sum(dim=0),
                lambda m, total, c: (_factor(m).nan_to_num() * c).sum(dim=0),
            ),
            message="The sum is right and never divided: the weights of a query do not sum to 1.",
            hint="The totals, rescaled and added up over the parts, are what is missing.",
        ),
        Misconception(
            name="divided-early-and-late",
            answers=_merge(lambda f, total, c: f * _averages(total, c)),
            message="The contexts are divided by their own totals, and by the common one again.",
            hint="Add the sums first; one division at the end is enough.",
        ),
        Misconception(
            name="factor-upside-down",
            answers=_merge(factor=lambda m: (m.amax(dim=0) - m).exp()),
            applies=_sees_all,
            message="The factor is upside down: the part with the lower maximum is made larger.",
            hint="Exponentials measured from a greater maximum are smaller: compare exp(s - 5) and"
            " exp(s - 7).",
        ),
        Misconception(
            name="strongest-part-only",
            answers=(_strongest,),
            message="For each query only the part with the greatest score is kept; what the others"
            " have found is lost.",
            hint="A softmax gives something to every key that may be seen.",
        ),
        Misconception(
            name="maximum-over-queries",
            answers=_merge(factor=lambda m: (m - m.amax(dim=1, keepdim=True)).exp()),
            applies=_plain,
            message="The maximum is taken over the queries of a part. Queries have nothing to do"
            " with each other; the parts of one query must agree.",
            hint="`maximum` is (P, T_q, 1). Along which axis do the parts lie?",
        ),
        Misconception(
            name="one-maximum-for-all",
            answers=_merge(factor=lambda m: (m - m.max()).exp()),
            applies=_sees_all,
            message="All queries share one maximum. That is right on paper; a query whose scores"
            " lie far below it is left with 0 / 0.",
            hint="Each query needs the greatest of its own maxima, over the parts.",
        ),
        Misconception(
            name="no-maximum",
            answers=_merge(factor=lambda m: m.exp()),
            message="Your factor is `exp(maximum)`, with nothing taken away first. That is right on"
            " paper and overflows as soon as a score is in the hundreds.",
            hint="Only differences of maxima matter, and one of them can be 0.",
        ),
        Misconception(
            name="blind-query",
            answers=(_merge()[0],),
            message="All is right but for a query that sees no key in any part: -inf minus -inf is"
            " NaN. It should get zeros.",
            hint="For such a query the totals are 0 as well. What could you put in the place of its"
            " maximum, or of its result?",
        ),
    ),
)
