"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest

from txlib.exercises import check
from txlib.exercises.flash_and_cache import EXERCISES


def size(n, h, d, t, b, w=None):
    return 2 * n * h * d * (t if w is None else min(t, w)) * b


def formula(free_bytes, num_layers, num_kv_heads, head_dim, tokens, bytes_per_number, window=None):
    if window is not None and window < tokens:
        tokens = window
    return free_bytes // (2 * num_layers * num_kv_heads * head_dim * tokens * bytes_per_number)


def by_floor(free, *shape):
    return math.floor(free / size(*shape))


def by_int(free, n, h, d, t, b, w):
    of_token = (h * d + h * d) * b * n
    return int(free / (of_token * min(t, w or math.inf)))


def fits(one):
    return lambda free, *shape: free // one(*shape)


WRONG = {
    "keys-or-values": [fits(lambda n, h, d, t, b, w: n * h * d * min(t, w or t) * b)],
    "queries-too": [fits(lambda n, h, d, t, b, w: 3 * n * h * d * min(t, w or t) * b)],
    "window-ignored": [fits(lambda n, h, d, t, b, w: size(n, h, d, t, b))],
    "window-of-a-short-text": [fits(lambda n, h, d, t, b, w: size(n, h, d, w or t, b))],
    "window-as-factor": [
        fits(lambda n, h, d, t, b, w: size(n, h, d, t * w if w else t, b)),
        fits(lambda n, h, d, t, b, w: size(n, h, d, max(t, w or 0), b)),
    ],
    "numbers-for-bytes": [
        fits(lambda n, h, d, t, b, w: size(n, h, d, t, 1, w)),
        fits(lambda n, h, d, t, b, w: size(n, h, d, t, 2, w)),
    ],
    "one-layer": [fits(lambda n, h, d, t, b, w: size(1, h, d, t, b, w))],
    "one-head": [fits(lambda n, h, d, t, b, w: size(n, 1, d, t, b, w))],
    "head-width-forgotten": [fits(lambda n, h, d, t, b, w: size(n, h, 1, t, b, w))],
    "scores-kept": [fits(lambda n, h, d, t, b, w: n * h * min(t, w or t) ** 2 * b)],
    "rounded-up": [
        lambda free, *shape: math.ceil(free / size(*shape)),
        lambda free, *shape: round(free / size(*shape)),
    ],
    "bytes-given": [lambda free, *shape: size(*shape)],
}


@pytest.mark.parametrize("answer", [formula, by_floor, by_int])
def test_right_answers_pass(answer):
    verdict = check("conversations", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("conversations", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["conversations"].misconceptions}


def test_numbers_of_the_text():
    count = EXERCISES["conversations"].reference
    shape = 128, 8192, 2
    assert count(64 * 10**9, 32, 8, *shape, None) == 59
    assert count(64 * 10**9, 32, 32, *shape, None) == 14
    assert count(64 * 10**9, 32, 8, *shape, 4096) == 119


def test_part_of_a_conversation_is_no_count():
    verdict = check("conversations", lambda free, *shape: free / size(*shape))
    assert verdict.diagnosis == "type"
    assert "the number of conversations should be a whole number" in verdict.message


def test_a_window_of_none_stops_at_the_learners_line():
    def answer(free, n, h, d, t, b, w):
        return free // size(n, h, d, min(t, w), b)

    verdict = check("conversations", answer)
    assert verdict.diagnosis == "raises"
    assert "not supported between instances of 'NoneType' and 'int'" in verdict.message
    assert "window = None" in verdict.message
