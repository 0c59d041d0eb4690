"""`alignment_error_rate`: how far the links that a model makes are those of the corpus."""

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception


def _cases() -> list[tuple[Tensor, Tensor]]:
    """Sentences of several lengths in a batch, padded; all links right; no link right."""
    random = torch.Generator().manual_seed(2003)
    cases = []
    for lengths, tq, tk, share in (
        (((5, 4), (2, 3)), 5, 6, 0.6),
        (((3, 7), (6, 5), (1, 2)), 6, 7, 0.3),
        (((4, 4),), 4, 4, 0.8),
    ):
        predicted = torch.zeros(len(lengths), tq, tk, dtype=torch.bool)
        gold = predicted.clone()
        for b, (rows, columns) in enumerate(lengths):
            links = torch.randint(columns, (rows,), generator=random)
            gold[b, torch.arange(rows), links] = True
            kept = torch.rand(rows, generator=random) < share
            moved = torch.randint(columns, (rows,), generator=random)
            predicted[b, torch.arange(rows), links.where(kept, moved)] = True
            gold[b, 0] = torch.arange(tk) < min(2 + b, columns)  # a word that needs several
        cases.append((predicted, gold))
    diagonal = torch.eye(3, 5, dtype=torch.bool)[None]
    return [*cases, (diagonal, diagonal.clone()), (diagonal, diagonal.roll(1, dims=2))]


def _counts(predicted: Tensor, gold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Common links, predicted links, gold links."""
    return (predicted & gold).sum(), predicted.sum(), gold.sum()


def _rate(predicted: Tensor, gold: Tensor) -> Tensor:
    common, made, wanted = _counts(predicted, gold)
    return 1 - 2 * common / (made + wanted)


def _harmonic(predicted: Tensor, gold: Tensor) -> Tensor:
    common, made, wanted = _counts(predicted, gold)
    precision, recall = common / made, common / wanted
    return 1 - 2 * precision * recall / (precision + recall)


def _arithmetic(predicted: Tensor, gold: Tensor) -> Tensor:
    common, made, wanted = _counts(predicted, gold)
    return 1 - (common / made + common / wanted) / 2


def _by_sentence(predicted: Tensor, gold: Tensor) -> Tensor:
    return torch.stack([_rate(p, g) for p, g in zip(predicted, gold, strict=True)]).mean()


def _jaccard(predicted: Tensor, gold: Tensor) -> Tensor:
    return 1 - (predicted & gold).sum() / (predicted | gold).sum()


ALIGNMENT_ERROR_RATE = Exercise(
    name="alignment_error_rate",
    chapter=2,
    parameters=("predicted", "gold"),
    outputs=("the error rate",),
    reference=lambda predicted, gold: (predicted ^ gold).sum() / (predicted.sum() + gold.sum()),
    cases=_cases,
    hint="Three counts are enough: links predicted, links in gold, links in both. Try them on a"
    " model that is always right and on one that is always wrong.",
    misconceptions=(
        Misconception(
            name="score",
            answers=(lambda p, g: 1 - _rate(p, g),),
            message="This is how much is right, the F1 score. A model without a fault gets 1 from"
            " you, and an error rate of 1 means that all is wrong.",
            hint="What is the error rate of a model that makes exactly the gold links?",
        ),
        Misconception(
            name="no-factor-2",
            answers=(lambda p, g: (1 + _rate(p, g)) / 2,),
            message="The common links count once, but the divisor counts them twice, as predicted"
            " and as gold: a model without a fault gets 0.5.",
            hint="Put the same links in both arguments. Which number makes that 0?",
        ),
        Misconception(
            name="precision-only",
            answers=(lambda p, g: 1 - _counts(p, g)[0] / _counts(p, g)[1],),
            message="This is 1 - precision, the share of predicted links that are wrong. A model"
            " that makes one safe link and leaves all others out gets 0.",
            hint="Which links should be there and are missing?",
        ),
        Misconception(
            name="recall-only",
            answers=(lambda p, g: 1 - _counts(p, g)[0] / _counts(p, g)[2],),
            message="This is 1 - recall, the share of gold links that are missing. A model that"
            " links everything with everything gets 0.",
            hint="Which links are there and should not be?",
        ),
        Misconception(
            name="every-cell",
            answers=(
                lambda p, g: (p == g).float().mean(),
                lambda p, g: (p != g).float().mean(),
            ),
            message="Every cell of the tables counts, the empty ones too. Nearly all cells are"
            " empty in both, so a model that makes no link at all looks good.",
            hint="Divide by a number of links, not by a number of cells.",
        ),
        Misconception(
            name="jaccard",
            answers=(_jaccard,),
            message="Each link counts once, although it stands in both tables: this is 1 - Jaccard,"
            " common links over all different links.",
            hint="The divisor is the predicted links plus the gold links, common ones twice.",
        ),
        Misconception(
            name="arithmetic",
            answers=(_arithmetic,),
            message="This is 1 minus the plain mean of precision and recall. The error rate puts"
            " both counts under one divisor, which is their harmonic mean.",
            hint="Add the counts first and divide once.",
        ),
        Misconception(
            name="mean-of-sentences",
            answers=(_by_sentence,),
            message="Each sentence is rated on its own and then the rates are averaged: a link in"
            " a short sentence weighs more than one in a long sentence.",
            hint="Count the links of the whole batch before you divide.",
        ),
        Misconception(
            name="nothing-in-common",
            answers=(_harmonic,),
            message="All is right but for tables without a common link: precision and recall are"
            " both 0 there, and their harmonic mean is 0/0, which is NaN.",
            hint="Written with counts alone, the fraction has a divisor that is not 0.",
        ),
    ),
)
