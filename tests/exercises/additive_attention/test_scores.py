"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch
from torch import nn

from txlib.attention.additive import AdditiveAttention
from txlib.exercises import check
from txlib.exercises.additive_attention import EXERCISES


def in_three_lines(query, memory, W, U, v):
    asked = query @ W.T
    offered = memory @ U.T
    return torch.tanh(asked[:, :, None] + offered[:, None]) @ v


def in_loops(query, memory, W, U, v):
    rows = []
    for b in range(len(query)):
        for s in query[b]:
            rows.append(torch.stack([(v * torch.tanh(W @ s + U @ h)).sum() for h in memory[b]]))
    return torch.stack(rows).reshape(len(query), query.shape[1], memory.shape[1])


def by_einsum(query, memory, W, U, v):
    asked = torch.einsum("bif,af->bia", query, W).unsqueeze(2)
    offered = torch.einsum("bjf,af->bja", memory, U).unsqueeze(1)
    return torch.einsum("bija,a->bij", (asked + offered).tanh(), v)


def by_concatenation(query, memory, W, U, v):
    T_q, T_k = query.shape[1], memory.shape[1]
    left = query.repeat_interleave(T_k, dim=1)
    right = memory.repeat(1, T_q, 1)
    hidden = nn.functional.linear(torch.cat([left, right], -1), torch.cat([W, U], -1)).tanh()
    return nn.functional.linear(hidden, v[None]).view(-1, T_q, T_k)


def by_the_library(query, memory, W, U, v):
    layer = AdditiveAttention(W.shape[1], U.shape[1], len(v)).to(query.dtype)
    with torch.no_grad():
        for weight, given in ((layer.query_proj, W), (layer.key_proj, U), (layer.score_proj, v)):
            weight.weight.copy_(given)
    return layer.scores(query, layer.project(memory)[0])


def hidden(query, memory, W, U, bend=torch.tanh):
    return bend((query @ W.T).unsqueeze(2) + (memory @ U.T).unsqueeze(1))


WRONG = {
    "no-tanh": [
        lambda q, m, W, U, v: (q @ W.T @ v)[:, :, None] + (m @ U.T @ v)[:, None],
        lambda q, m, W, U, v: hidden(q, m, W, U, bend=lambda x: x) @ v,
    ],
    "tanh-each": [
        lambda q, m, W, U, v: (
            torch.tanh(q @ W.T).unsqueeze(2) * v + torch.tanh(m @ U.T).unsqueeze(1) * v
        ).sum(-1)
    ],
    "tanh-outside": [
        lambda q, m, W, U, v: torch.tanh((q @ W.T @ v)[:, :, None] + (m @ U.T @ v)[:, None])
    ],
    "sigmoid": [lambda q, m, W, U, v: hidden(q, m, W, U, bend=lambda x: 1 / (1 + (-x).exp())) @ v],
    "no-v": [
        lambda q, m, W, U, v: hidden(q, m, W, U) @ torch.ones_like(v),
        lambda q, m, W, U, v: hidden(q, m, W, U).mean(dim=3),
    ],
    "mean": [lambda q, m, W, U, v: hidden(q, m, W, U) @ v / len(v)],
    "wrong-axis": [
        lambda q, m, W, U, v: torch.einsum("bija,a->bia", hidden(q, m, W, U), v),
        lambda q, m, W, U, v: torch.einsum("bija,a->bja", hidden(q, m, W, U), v),
    ],
    "axes-swapped": [
        lambda q, m, W, U, v: torch.tanh((q @ W.T)[:, None] + (m @ U.T)[:, :, None]) @ v
    ],
    "no-pairs": [
        lambda q, m, W, U, v: ((q @ W.T + m @ U.T).tanh() * v).sum(dim=-1),
    ],
    "weights-swapped": [lambda q, m, W, U, v: by_einsum(q, m, U, W, v)],
    "already-weights": [lambda *inputs: torch.softmax(by_einsum(*inputs), dim=2)],
}


@pytest.mark.parametrize(
    "answer", [in_three_lines, in_loops, by_einsum, by_concatenation, by_the_library]
)
def test_right_answers_pass(answer):
    verdict = check("additive_scores", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("additive_scores", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["additive_scores"].misconceptions}


def test_table_on_its_side_in_words():
    verdict = check("additive_scores", WRONG["axes-swapped"][0])
    assert "your rows are positions of the memory" in repr(verdict)


def test_forgotten_transpose_shows_the_line():
    verdict = check("additive_scores", lambda q, m, W, U, v: hidden(q, m, W.T, U.T) @ v)
    assert verdict.diagnosis == "raises"
    assert "RuntimeError" in verdict.message


def test_linear_scores_rank_alike():
    """What the messages of no-tanh and tanh-each say about rankings."""
    for query, memory, W, U, v in EXERCISES["additive_scores"].cases():
        for name in ("no-tanh", "tanh-each"):
            order = WRONG[name][0](query, memory, W, U, v).argsort(-1)
            assert (order == order[:, :1]).all()
    first = EXERCISES["additive_scores"].cases()[0]
    order = in_three_lines(*first).argsort(-1)
    assert not (order == order[:, :1]).all()
