"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.additive_attention import EXERCISES
from txlib.metrics import alignment as library


def by_counts(predicted, gold):
    return 1 - 2 * (predicted & gold).sum() / (predicted.sum() + gold.sum())


def by_disagreement(predicted, gold):
    return (predicted != gold).sum() / (predicted.sum() + gold.sum())


def as_sets(table):
    return {tuple(link) for link in table.nonzero().tolist()}


def by_sets(predicted, gold):
    a, s = as_sets(predicted), as_sets(gold)
    return torch.tensor(1 - 2 * len(a & s) / (len(a) + len(s)))


def in_loops(predicted, gold):
    common = links = 0
    for p, g in zip(predicted.flatten().tolist(), gold.flatten().tolist(), strict=True):
        common += p and g
        links += p + g
    return torch.tensor(1 - 2 * common / links)


def by_the_library(predicted, gold):
    rate = library.alignment_error_rate(list(map(as_sets, predicted)), list(map(as_sets, gold)))
    return torch.tensor(rate)


def precision(p, g):
    return g[p].float().mean()


def recall(p, g):
    return p[g].float().mean()


def harmonic(p, g):
    return 2 / (1 / precision(p, g) + 1 / recall(p, g))


def by_harmonic_mean(p, g):
    both = precision(p, g) + recall(p, g)
    return 1 - 2 * precision(p, g) * recall(p, g) / both


WRONG = {
    "score": [lambda p, g: 2 * (p * g).sum() / (p.sum() + g.sum())],
    "no-factor-2": [lambda p, g: 1 - (p & g).sum() / (p.sum() + g.sum())],
    "precision-only": [lambda p, g: 1 - precision(p, g), lambda p, g: (p & ~g).sum() / p.sum()],
    "recall-only": [lambda p, g: 1 - recall(p, g), lambda p, g: (g & ~p).sum() / g.sum()],
    "every-cell": [
        lambda p, g: (p == g).sum() / p.numel(),
        lambda p, g: (p ^ g).sum() / p.numel(),
        lambda p, g: 1 - (p == g).float().mean(),
    ],
    "jaccard": [lambda p, g: (p ^ g).sum() / (p | g).sum()],
    "arithmetic": [lambda p, g: 1 - (precision(p, g) + recall(p, g)) / 2],
    "mean-of-sentences": [
        lambda p, g: (1 - 2 * (p & g).sum((1, 2)) / (p.sum((1, 2)) + g.sum((1, 2)))).mean()
    ],
    "nothing-in-common": [by_harmonic_mean],
}


@pytest.mark.parametrize(
    "answer",
    [
        by_counts,
        by_disagreement,
        by_sets,
        in_loops,
        by_the_library,
        lambda p, g: 1 - harmonic(p, g),  # 1 / 0 is infinite, and 2 over it is 0
    ],
)
def test_right_answers_pass(answer):
    verdict = check("alignment_error_rate", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("alignment_error_rate", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["alignment_error_rate"].misconceptions}


def test_inputs_span_the_scale():
    exercise = EXERCISES["alignment_error_rate"]
    rates = [exercise.reference(*inputs).item() for inputs in exercise.cases()]
    assert {0.0, 1.0} < set(rates)
    assert sum(0.1 < rate < 0.9 for rate in rates) >= 3


def test_no_sentence_is_without_links():
    for tables in EXERCISES["alignment_error_rate"].cases():
        assert all(table.any(-1).any(-1).all() for table in tables)


def test_a_rate_is_a_tensor():
    verdict = check("alignment_error_rate", lambda *inputs: by_counts(*inputs).item())
    assert verdict.diagnosis == "type"
