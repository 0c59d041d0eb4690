"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch
from torch import nn

from txlib.exercises import check
from txlib.exercises.recurrence import EXERCISES


def chunks(x, h, w_ih, w_hh, bias):
    return (x @ w_ih.T + h @ w_hh.T + bias).chunk(4, dim=1)


def by_chunks(x, h, c, weight_ih, weight_hh, bias):
    i, f, g, o = chunks(x, h, weight_ih, weight_hh, bias)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def gate_by_gate(x, h, c, weight_ih, weight_hh, bias):
    size = h.shape[1]

    def part(index):
        rows = slice(index * size, (index + 1) * size)
        return nn.functional.linear(x, weight_ih[rows], bias[rows]) + h @ weight_hh[rows].T

    new_c = torch.sigmoid(part(1)) * c + torch.sigmoid(part(0)) * torch.tanh(part(2))
    return [torch.sigmoid(part(3)) * torch.tanh(new_c), new_c]


def row_by_row(x, h, c, weight_ih, weight_hh, bias):
    rows = [
        by_chunks(x[b : b + 1], h[b : b + 1], c[b : b + 1], weight_ih, weight_hh, bias)
        for b in range(len(x))
    ]
    return torch.cat([row[0] for row in rows]), torch.cat([row[1] for row in rows])


def figo(x, h, c, w_ih, w_hh, bias):
    f, i, g, o = chunks(x, h, w_ih, w_hh, bias)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def ifog(x, h, c, w_ih, w_hh, bias):
    i, f, o, g = chunks(x, h, w_ih, w_hh, bias)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def all_sigmoid(x, h, c, w_ih, w_hh, bias):
    i, f, g, o = torch.sigmoid(x @ w_ih.T + h @ w_hh.T + bias).chunk(4, dim=1)
    c = f * c + i * g
    return o * torch.tanh(c), c


def raw_candidate(x, h, c, w_ih, w_hh, bias):
    i, f, g, o = chunks(x, h, w_ih, w_hh, bias)
    c = f.sigmoid() * c + i.sigmoid() * g
    return o.sigmoid() * c.tanh(), c


def raw_gates(x, h, c, w_ih, w_hh, bias):
    i, f, g, o = chunks(x, h, w_ih, w_hh, bias)
    c = f * c + i * g.tanh()
    return o * c.tanh(), c


def no_tanh(x, h, c, w_ih, w_hh, bias):
    i, f, g, o = chunks(x, h, w_ih, w_hh, bias)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * c, c


def forget_h(x, h, c, w_ih, w_hh, bias):
    i, f, g, o = chunks(x, h, w_ih, w_hh, bias)
    c = f.sigmoid() * h + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def ungated(x, h, c, w_ih, w_hh, bias):
    _, f, g, o = chunks(x, h, w_ih, w_hh, bias)
    c = f.sigmoid() * c + g.tanh()
    return o.sigmoid() * c.tanh(), c


def old_cell(x, h, c, w_ih, w_hh, bias):
    i, f, g, o = chunks(x, h, w_ih, w_hh, bias)
    h = o.sigmoid() * c.tanh()
    return h, f.sigmoid() * c + i.sigmoid() * g.tanh()


WRONG = {
    "input-forget-swapped": figo,
    "output-before-candidate": ifog,
    "sigmoid-candidate": all_sigmoid,
    "raw-candidate": raw_candidate,
    "raw-gates": raw_gates,
    "no-tanh-on-cell": no_tanh,
    "forget-on-hidden": forget_h,
    "candidate-not-gated": ungated,
    "old-cell": old_cell,
    "returned-c-first": lambda *inputs: by_chunks(*inputs)[::-1],
    "no-bias": lambda x, h, c, wi, wh, b: by_chunks(x, h, c, wi, wh, torch.zeros_like(b)),
}


@pytest.mark.parametrize("answer", [by_chunks, gate_by_gate, row_by_row])
def test_right_answers_pass(answer):
    verdict = check("lstm_step", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), WRONG.items())
def test_wrong_answers_are_named(name, answer):
    verdict = check("lstm_step", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["lstm_step"].misconceptions}


def test_only_h_returned():
    verdict = check("lstm_step", lambda *inputs: by_chunks(*inputs)[0])
    assert verdict.diagnosis == "type"
    assert "2 results (the new h, the new c) are expected" in verdict.message
