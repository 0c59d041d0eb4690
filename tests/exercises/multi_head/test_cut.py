"""Answers as learners write them: all of the first list pass, each of the others is named."""

import numpy as np
import pytest
import torch

from txlib.exercises import check
from txlib.exercises.multi_head import EXERCISES


def chunk_then_view(x, num_heads):
    b, t, wide = x.shape
    query, key, value = x.chunk(3, dim=-1)
    size = b, t, num_heads, wide // 3 // num_heads
    return tuple(part.view(size).transpose(1, 2) for part in (query, key, value))


def all_at_once(x, num_heads):
    return x.unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


def by_list(x, num_heads):
    width = x.shape[-1] // 3
    parts = x.split(width, dim=2)
    return [torch.stack(p.split(width // num_heads, dim=-1), dim=1) for p in parts]


def in_loops(x, num_heads):
    b, t, wide = x.shape
    d = wide // 3 // num_heads
    found = torch.empty(3, b, num_heads, t, d, dtype=x.dtype)
    for i in range(3):
        for h in range(num_heads):
            for f in range(d):
                found[i, :, h, :, f] = x[:, :, i * num_heads * d + h * d + f]
    return found[0], found[1], found[2]


def parts(x):
    return x.chunk(3, dim=-1)


def sizes(x, n):
    return len(x), x.shape[1], n, x.shape[2] // 3 // n


WRONG = {
    "view-for-transpose": [
        lambda x, n: tuple(p.contiguous().view(len(x), n, x.shape[1], -1) for p in parts(x)),
        lambda x, n: tuple(p.reshape(len(x), n, -1, sizes(x, n)[3]) for p in parts(x)),
        lambda x, n: x.view(3, len(x), n, x.shape[1], -1).unbind(),
        lambda x, n: x.view(len(x), n, x.shape[1], -1).chunk(3, dim=-1),
    ],
    "not-transposed": [
        lambda x, n: tuple(p.unflatten(-1, (n, -1)) for p in parts(x)),
        lambda x, n: x.view(*x.shape[:2], 3, n, -1).unbind(2),
    ],
    "strided": [
        lambda x, n: tuple(p.unflatten(-1, (-1, n)).permute(0, 3, 1, 2) for p in parts(x)),
    ],
    "head-by-head": [
        lambda x, n: x.unflatten(-1, (n, -1)).transpose(1, 2).chunk(3, dim=-1),
        lambda x, n: x.unflatten(-1, (n, 3, -1)).permute(3, 0, 2, 1, 4).unbind(),
    ],
    "every-third": [
        lambda x, n: tuple(x[..., i::3].unflatten(-1, (n, -1)).transpose(1, 2) for i in range(3)),
        lambda x, n: x.unflatten(-1, (n, -1, 3)).transpose(1, 2).unbind(-1),
    ],
    "cuts-sentences": [
        lambda x, n: [p.unflatten(-1, (n, -1)).transpose(1, 2) for p in checked(x.chunk(3))],
        lambda x, n: [p.unflatten(-1, (n, -1)).transpose(1, 2) for p in checked(x.chunk(3, 1))],
    ],
    "order": [
        lambda x, n: chunk_then_view(x, n)[::-1],
        lambda x, n: [chunk_then_view(x, n)[i] for i in (0, 2, 1)],
    ],
    "turned": [
        lambda x, n: [p.mT for p in chunk_then_view(x, n)],
        lambda x, n: [p.reshape(*sizes(x, n)).permute(0, 2, 3, 1) for p in parts(x)],
    ],
    "heads-in-the-batch": [
        lambda x, n: [p.reshape(-1, *p.shape[2:]) for p in chunk_then_view(x, n)],
    ],
}


def checked(found):
    query, key, value = found
    return query, key, value


@pytest.mark.parametrize("answer", [chunk_then_view, all_at_once, by_list, in_loops])
def test_right_answers_pass(answer):
    verdict = check("split_qkv", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("split_qkv", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["split_qkv"].misconceptions}


def test_first_word_by_hand():
    x = torch.arange(24.0, dtype=torch.float64).view(1, 2, 12)  # two words, 2 heads of width 2
    query, key, value = EXERCISES["split_qkv"].reference(x, 2)
    assert query[0].tolist() == [[[0, 1], [12, 13]], [[2, 3], [14, 15]]]
    assert key[0, 0].tolist() == [[4, 5], [16, 17]]
    assert value[0, 1].tolist() == [[10, 11], [22, 23]]


def test_arrays_of_numpy_are_told_from_tensors():
    def answer(x, num_heads):
        b, t, h, d = sizes(x, num_heads)
        return tuple(np.asarray(x).reshape(b, t, 3, h, d).transpose(2, 0, 3, 1, 4))

    verdict = check("split_qkv", answer)
    assert verdict.diagnosis == "type"
    assert "the queries should be a tensor of shape (2, 3, 4, 5)" in verdict.message
    assert "`ndarray`" in verdict.message


def test_one_result_is_a_third_of_the_answer():
    verdict = check("split_qkv", lambda x, n: chunk_then_view(x, n)[0])
    assert verdict.diagnosis == "type"
    assert "3 results (the queries, the keys, the values) are expected" in verdict.message


def test_view_on_a_chunk_shows_the_learners_line():
    verdict = check("split_qkv", lambda x, n: [p.view(len(x), n, -1, 5) for p in x.chunk(3, -1)])
    assert verdict.diagnosis == "raises"
    assert "view size is not compatible" in verdict.message
