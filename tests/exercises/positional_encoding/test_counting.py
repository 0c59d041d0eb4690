"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.positional_encoding import EXERCISES
from txlib.positions import RelativeKeys


def by_formula(length, max_distance):
    reach = min(length - 1, max_distance)
    beyond = max(length - 1 - max_distance, 0)
    return 2 * reach + 1, beyond * (beyond + 1)


def by_sum(length, max_distance):
    clipped = 2 * sum(length - d for d in range(max_distance + 1, length))
    return min(2 * max_distance, 2 * length - 2) + 1, clipped


def by_table(length, max_distance):
    places = torch.arange(length)
    distance = places - places[:, None]
    rows = distance.clamp(-max_distance, max_distance).unique()
    return len(rows), (distance.abs() > max_distance).sum()


def in_loops(length, max_distance):
    seen, clipped = set(), 0
    for i in range(length):
        for j in range(length):
            seen.add(max(-max_distance, min(max_distance, j - i)))
            clipped += not -max_distance <= j - i <= max_distance
    return [len(seen), clipped]


def rows(n, k):
    return by_formula(n, k)[0]


def beyond(n, k):
    return by_formula(n, k)[1]


WRONG = {
    "whole-table": [
        lambda n, k: (2 * k + 1, beyond(n, k)),
        lambda n, k: (2 * k + 1, (n - k) * (n - k - 1)),
    ],
    "never-clipped": [lambda n, k: (2 * n - 1, beyond(n, k)), lambda n, k: (2 * n - 1, 0)],
    "no-row-for-zero": [
        lambda n, k: (2 * min(k, n - 1), beyond(n, k)),
        lambda n, k: (2 * k, max(0, n - k) ** 2),
    ],
    "one-direction": [
        lambda n, k: (min(k + 1, n), beyond(n, k) // 2),
        lambda n, k: (k + 1, beyond(n, k) // 2),
    ],
    "off-by-one": [lambda n, k: (2 * min(n, k) + 1, beyond(n, k))],
    "a-row-per-pair": [lambda n, k: (n * n, beyond(n, k))],
    "other-order": [lambda n, k: by_sum(n, k)[::-1]],
    "limit-counted": [
        lambda n, k: (rows(n, k), sum(abs(i - j) >= k for i in range(n) for j in range(n)))
    ],
    "pairs-of-one-side": [
        lambda n, k: (rows(n, k), sum(j - i > k for i in range(n) for j in range(n)))
    ],
    "distances-for-pairs": [lambda n, k: (rows(n, k), 2 * n - 1 - rows(n, k))],
    "within-for-beyond": [
        lambda n, k: (rows(n, k), sum(abs(i - j) <= k for i in range(n) for j in range(n)))
    ],
    "below-zero": [lambda n, k: (rows(n, k), (n - 1 - k) * (n - k))],
    "whole-square": [lambda n, k: (rows(n, k), max(n - k, 0) ** 2)],
}


@pytest.mark.parametrize("answer", [by_formula, by_sum, by_table, in_loops])
def test_right_answers_pass(answer):
    verdict = check("distances_met", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("distances_met", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["distances_met"].misconceptions}


def test_by_hand():
    assert EXERCISES["distances_met"].reference(5, 2) == (5, 6)
    assert EXERCISES["distances_met"].reference(3, 5) == (5, 0)


@pytest.mark.parametrize(("length", "max_distance"), [(3, 5), (6, 2)])
def test_what_is_asked_are_the_rows_that_a_gradient_reaches(length, max_distance):
    keys = RelativeKeys(4, max_distance)
    keys(torch.ones(1, 1, length, 4), length).sum().backward()
    moved = int((keys.table.grad.abs().sum(dim=1) > 0).sum())
    assert moved == EXERCISES["distances_met"].reference(length, max_distance)[0]


def test_one_number_is_half_an_answer():
    verdict = check("distances_met", rows)
    assert verdict.diagnosis == "type"
    assert "2 results (the rows that training meets, the pairs beyond the limit)" in verdict.message


def test_floats_are_no_counts():
    verdict = check("distances_met", lambda n, k: (float(rows(n, k)), beyond(n, k)))
    assert verdict.diagnosis == "type"
    assert "should be a whole number" in verdict.message
