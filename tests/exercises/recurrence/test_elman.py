"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch
from torch import nn

from txlib.exercises import check
from txlib.exercises.recurrence import EXERCISES


def in_one_line(x, h, weight_ih, weight_hh, bias):
    return torch.tanh(x @ weight_ih.T + h @ weight_hh.T + bias)


def in_loops(x, h, weight_ih, weight_hh, bias):
    new = torch.empty_like(h)
    for b in range(len(x)):
        for unit in range(len(bias)):
            total = bias[unit]
            for i in range(x.shape[1]):
                total = total + weight_ih[unit, i] * x[b, i]
            for j in range(h.shape[1]):
                total = total + weight_hh[unit, j] * h[b, j]
            new[b, unit] = torch.tanh(total)
    return new


def by_concatenation(x, h, weight_ih, weight_hh, bias):
    both, weight = torch.cat([x, h], dim=1), torch.cat([weight_ih, weight_hh], dim=1)
    return nn.functional.linear(both, weight, bias).tanh()


def by_module(x, h, weight_ih, weight_hh, bias):
    cell = nn.RNNCell(x.shape[1], h.shape[1], dtype=x.dtype)
    with torch.no_grad():
        cell.weight_ih.copy_(weight_ih)
        cell.weight_hh.copy_(weight_hh)
        cell.bias_ih.copy_(bias)
        cell.bias_hh.zero_()
    return cell(x, h)


def untransposed(x, h, weight_ih, weight_hh, bias):
    return (torch.einsum("bi,ih->bh", x, weight_ih) + h.mm(weight_hh) + bias).tanh()


def swapped(x, h, weight_ih, weight_hh, bias):
    return torch.tanh(torch.matmul(h, weight_ih.mT) + torch.matmul(x, weight_hh.mT) + bias)


def input_twice(x, h, weight_ih, weight_hh, bias):
    h = x
    return in_one_line(x, h, weight_ih, weight_hh, bias)


WRONG = {
    "no-tanh": [lambda x, h, wi, wh, b: nn.functional.linear(x, wi, b) + h @ wh.T],
    "sigmoid": [lambda x, h, wi, wh, b: 1 / (1 + torch.exp(-(x @ wi.T + h @ wh.T + b)))],
    "no-bias": [lambda x, h, wi, wh, b: (h @ wh.T + x @ wi.T).tanh()],
    "bias-outside": [lambda x, h, wi, wh, b: b + torch.tanh(x @ wi.T + h @ wh.T)],
    "weights-swapped": [swapped],
    "input-twice": [input_twice, lambda x, h, wi, wh, b: torch.tanh(x @ (wi + wh).T + b)],
    "no-state": [lambda x, h, wi, wh, b: nn.functional.linear(x, wi, b).tanh()],
    "not-transposed": [untransposed],
}


@pytest.mark.parametrize("answer", [in_one_line, in_loops, by_concatenation, by_module])
def test_right_answers_pass(answer):
    verdict = check("rnn_step", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("rnn_step", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["rnn_step"].misconceptions}


def test_swapped_weights_in_words():
    assert "`weight_hh` and the state by `weight_ih`" in repr(check("rnn_step", swapped))
