"""Answers as learners write them: all of the first list pass, each of the others is named."""

import math

import pytest
import torch

from txlib.attention import tiled_attention
from txlib.attention.traffic import count_traffic
from txlib.exercises import check
from txlib.exercises.flash_and_cache import EXERCISES


def by_loops(n, d, tile_q, tile_k):
    read = 0
    for i in range(0, n, tile_q):
        queries = min(tile_q, n - i)
        read += queries * d
        for j in range(0, n, tile_k):
            if j < i + queries:
                read += 2 * d * min(tile_k, n - j)
    return read


def by_rows_of_tiles(n, d, tile_q, tile_k):
    ends = [min(i + tile_q, n) for i in range(0, n, tile_q)]
    keys = [min(math.ceil(end / tile_k) * tile_k, n) for end in ends]
    return n * d + 2 * d * sum(keys)


def loops(seen, width=2, per_round=0, of_queries=1, short=True):
    """Over all pairs of tiles: first and last query, first and last key, both ends included."""

    def answer(n, d, tile_q, tile_k):
        read = 0
        for i in range(0, n, tile_q):
            t_q = min(tile_q, n - i) if short else tile_q
            read += of_queries * t_q * d
            for j in range(0, n, tile_k):
                t_k = min(tile_k, n - j) if short else tile_k
                if seen(i, i + t_q - 1, j, j + t_k - 1):
                    read += (width * t_k + per_round * t_q) * d
        return read

    return answer


def right(i, i_last, j, j_last):
    return j <= i_last


def no_mask(n, d, tile_q, tile_k):
    return n * d + 2 * n * d * math.ceil(n / tile_q)


WRONG = {
    "nothing-skipped": [no_mask],
    "half-of-all": [
        lambda *sizes: no_mask(*sizes) // 2,
        lambda n, d, q, k: n * d + n * d * math.ceil(n / q),
    ],
    "tiles-cut-at-the-diagonal": [
        lambda n, d, q, k: n * d + 2 * d * sum(min(i + q, n) for i in range(0, n, q)),
        lambda n, d, q, k: n * d + n * (n + 1) * d,
    ],
    "by-the-first-query": [loops(lambda i, i_last, j, j_last: j <= i)],
    "diagonal-skipped": [
        loops(lambda i, i_last, j, j_last: j_last <= i_last),
        loops(lambda i, i_last, j, j_last: j_last < i),
        loops(lambda i, i_last, j, j_last: j < i),
    ],
    "one-tile-too-many": [loops(lambda i, i_last, j, j_last: j <= i_last + 1)],
    "past-skipped": [
        loops(lambda i, i_last, j, j_last: j_last >= i),
        loops(lambda i, i_last, j, j_last: j_last > i_last),
    ],
    "by-number-of-the-tile": [
        lambda n, d, q, k: n * d + 2 * d * sum(min((i // q + 1) * k, n) for i in range(0, n, q)),
    ],
    "padded": [loops(right, short=False)],
    "keys-or-values": [loops(right, width=1)],
    "queries-forgotten": [loops(right, of_queries=0)],
    "queries-again": [loops(right, of_queries=0, per_round=1)],
    "context-too": [lambda n, d, q, k: by_loops(n, d, q, k) + n * d],
    "vectors-for-numbers": [lambda n, d, q, k: by_loops(n, 1, q, k)],
}


@pytest.mark.parametrize("answer", [by_loops, by_rows_of_tiles])
def test_right_answers_pass(answer):
    verdict = check("causal_reads", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("causal_reads", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["causal_reads"].misconceptions}


def test_by_hand():
    count = EXERCISES["causal_reads"].reference
    # tiles of 4 queries end behind 4, 8 and 10: 6, 9 and 10 keys in tiles of 3
    assert count(10, 1, 4, 3) == 10 + 2 * (6 + 9 + 10)
    assert count(1024, 64, 128, 128) == 1024 * 64 + 2 * 128 * 64 * (8 * 9 // 2)


@pytest.mark.parametrize(("n", "tile_q", "tile_k"), [(24, 6, 3), (25, 6, 2), (16, 16, 4)])
def test_the_library_reads_as_much_where_tiles_meet_the_diagonal(n, tile_q, tile_k):
    query, key, value = torch.randn(3, 1, 1, n, 5)
    with count_traffic() as traffic:
        tiled_attention(query, key, value, is_causal=True, tile_q=tile_q, tile_k=tile_k)
    assert traffic.read == EXERCISES["causal_reads"].reference(n, 5, tile_q, tile_k)


def test_a_quotient_is_no_count():
    verdict = check("causal_reads", lambda *sizes: by_loops(*sizes) / 1)
    assert verdict.diagnosis == "type"
    assert "the numbers read should be a whole number" in verdict.message
