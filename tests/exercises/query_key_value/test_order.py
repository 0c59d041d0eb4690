"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.query_key_value import EXERCISES


def by_argsort(context, weights, permutation):
    place = permutation.argsort()
    return context[place], weights[place][:, place]


def by_grid(context, weights, permutation):
    place = torch.argsort(permutation)
    return context.index_select(0, place), weights[place[:, None], place[None]]


def by_matrix(context, weights, permutation):
    shuffle = torch.eye(len(permutation), dtype=context.dtype)[permutation]  # shuffle @ x = x[p]
    return shuffle.T @ context, shuffle.T @ weights @ shuffle


def by_writing(context, weights, permutation):
    old, table = torch.empty_like(context), torch.empty_like(weights)
    old[permutation] = context
    table[permutation[:, None], permutation] = weights
    return [old, table]


def in_loops(context, weights, permutation):
    old, table = torch.empty_like(context), torch.empty_like(weights)
    for i, p in enumerate(permutation.tolist()):
        old[p] = context[i]
        for j, r in enumerate(permutation.tolist()):
            table[p, r] = weights[i, j]
    return old, table


def by_python_lists(context, weights, permutation):
    place = [permutation.tolist().index(i) for i in range(len(permutation))]
    return context[place], weights[place][:, place]


def inverse(permutation):
    place = torch.empty_like(permutation)
    place[permutation] = torch.arange(len(permutation))
    return place


WRONG = {
    "permuted-again": [
        lambda c, w, p: (c[p], w[p][:, p]),
        lambda c, w, p: (c[p], w[p]),
        lambda c, w, p: (c[p.argsort().argsort()], w[p][:, p]),
    ],
    "untouched": [lambda c, w, p: (c, w)],
    "reversed": [
        lambda c, w, p: (c.flip(0), w.flip(0, 1)),
        lambda c, w, p: (torch.flipud(c), torch.flipud(w)),
    ],
    "sorted-values": [
        lambda c, w, p: (c.sort(0)[0], w.sort(0)[0]),
        lambda c, w, p: (c.sort(0)[0], w[inverse(p)][:, inverse(p)]),
    ],
    "rows-only": [lambda c, w, p: (c[inverse(p)], w[inverse(p)])],
    "columns-only": [lambda c, w, p: (c[inverse(p)], w[:, inverse(p)])],
    "weights-untouched": [lambda c, w, p: (c[inverse(p)], w)],
    "context-untouched": [lambda c, w, p: (c, w[inverse(p)][:, inverse(p)])],
    "columns-shuffled": [
        lambda c, w, p: (c[inverse(p)], w[inverse(p)][:, p]),
        lambda c, w, p: (c[inverse(p)], w[p][:, inverse(p)]),
    ],
    "pairs-for-grid": [lambda c, w, p: (c[inverse(p)], w[inverse(p), inverse(p)])],
}


@pytest.mark.parametrize(
    "answer", [by_argsort, by_grid, by_matrix, by_writing, in_loops, by_python_lists]
)
def test_right_answers_pass(answer):
    verdict = check("unpermute", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("unpermute", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["unpermute"].misconceptions}


def test_what_is_asked_undoes_a_shuffle_of_the_words():
    random = torch.Generator().manual_seed(3)
    x = torch.randn(5, 4, generator=random, dtype=torch.float64)
    q_proj, k_proj = torch.randn(2, 4, 3, generator=random, dtype=torch.float64)

    def self_attention(words):
        weights = ((words @ q_proj) @ (words @ k_proj).T).softmax(-1)
        return weights @ words, weights

    permutation = torch.tensor([3, 0, 4, 1, 2])
    shuffled = self_attention(x[permutation])
    torch.testing.assert_close(
        EXERCISES["unpermute"].reference(*shuffled, permutation), self_attention(x)
    )


def test_context_alone_is_half_an_answer():
    verdict = check("unpermute", lambda c, w, p: c[inverse(p)])
    assert verdict.diagnosis == "type"
    assert "2 results (the context, the weights) are expected" in verdict.message
