"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch
from torch.nn.functional import pad

from txlib.exercises import check
from txlib.exercises.positional_encoding import EXERCISES
from txlib.positions import relative_scores_gather


def by_line(by_distance):
    T = len(by_distance)
    return by_distance.flatten()[T - 1 : -1].view(T, 2 * T - 2)[:, :T]


def by_padding(by_distance):
    """As in Transformer-XL: a column in front, and the table read in its other shape."""
    T, width = by_distance.shape
    return pad(by_distance, (1, 0)).view(width + 1, T)[1:].view(T, width)[:, :T]


def by_gather(by_distance):
    places = torch.arange(len(by_distance))
    return by_distance.gather(1, places - places[:, None] + len(places) - 1)


def by_stride(by_distance):
    T = len(by_distance)
    return by_distance.contiguous().as_strided((T, T), (2 * T - 2, 1), T - 1)


def by_rolling(by_distance):
    T = len(by_distance)
    return torch.stack([row.roll(i + 1 - T)[:T] for i, row in enumerate(by_distance)])


def in_loops(by_distance):
    T = len(by_distance)
    scores = torch.zeros(T, T, dtype=by_distance.dtype)
    for i in range(T):
        for j in range(T):
            scores[i, j] = by_distance[i, j - i + T - 1]
    return scores


def picked(column):
    """By two index tensors; an index below 0 counts from the end, as in Python."""

    def answer(x):
        places = torch.arange(len(x))
        return x[places[:, None], column(places[:, None], places, len(x)) % x.shape[1]]

    return answer


def read_from(start):
    """By the line, from another start; zeros where it ends."""

    def answer(x):
        T = len(x)
        return pad(x.flatten(), (0, 3 * T))[start(T) :][: T * (2 * T - 2)].view(T, -1)[:, :T]

    return answer


WRONG = {
    "not-shifted": [
        lambda x: x[:, : len(x)],
        lambda x: x[:, len(x) - 1 :],
        lambda x: x[:, -len(x) :],
        lambda x: x[:, len(x) // 2 :][:, : len(x)],
    ],
    "cut-anew": [
        lambda x: x.flatten()[: len(x) ** 2].view(len(x), len(x)),
        lambda x: x.reshape(-1)[len(x) - 1 :][: len(x) ** 2].reshape(len(x), -1),
    ],
    "other-way": [lambda x: torch.stack([row[i : i + len(x)] for i, row in enumerate(x)])],
    "mirrored": [picked(lambda i, j, T: i - j + T - 1), lambda x: by_line(x.flip(1))],
    "turned": [lambda x: by_line(x).T, lambda x: by_line(x.flip(1)).T],
    "starts-too-late": [read_from(lambda T: T), picked(lambda i, j, T: T + j - i)],
    "starts-too-early": [read_from(lambda T: T - 2), picked(lambda i, j, T: T + j - i - 2)],
    "nothing-dropped": [read_from(lambda T: 0), picked(lambda i, j, T: j - i)],
    "past-only": [lambda x: by_line(x).tril(), lambda x: torch.tril(by_gather(x))],
    "too-wide": [lambda x: x.flatten()[len(x) - 1 : -1].view(len(x), -1)],
}


@pytest.mark.parametrize(
    "answer", [by_line, by_padding, by_gather, by_stride, by_rolling, in_loops]
)
def test_right_answers_pass(answer):
    verdict = check("skew", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("skew", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["skew"].misconceptions}


def test_what_is_asked_makes_scores_of_products_with_every_distance():
    query, table = torch.randn(5, 3), torch.randn(9, 3)
    torch.testing.assert_close(
        EXERCISES["skew"].reference(query @ table.T), relative_scores_gather(query, table, 5)
    )


def test_a_cut_that_does_not_fit_shows_the_learners_line():
    verdict = check("skew", lambda x: x.flatten()[len(x) :].view(len(x), -1, 5))
    assert verdict.diagnosis == "raises"
    assert verdict.message.startswith("It stops with `RuntimeError: ")
