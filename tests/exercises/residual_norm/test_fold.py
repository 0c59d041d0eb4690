"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch
from torch import nn

from txlib.exercises import check
from txlib.exercises.residual_norm import EXERCISES


def in_one_line(gain, bias, W1, b1):
    return W1 * gain, W1 @ bias + b1


def by_diagonal(gain, bias, W1, b1):
    return [torch.mm(W1, gain.diag()), torch.addmv(b1, W1, bias)]


def in_loops(gain, bias, W1, b1):
    weight, shift = torch.zeros_like(W1), b1.clone()
    for f, c in torch.cartesian_prod(*map(torch.arange, W1.shape)).tolist():
        weight[f, c] = W1[f, c] * gain[c]
        shift[f] += W1[f, c] * bias[c]
    return weight, shift


def as_rows(gain, bias, W1, b1):
    return torch.einsum("fc,c->fc", W1, gain), (bias @ W1.T) + b1


def by_linear(gain, bias, W1, b1):
    linear = nn.utils.skip_init(nn.Linear, *W1.mT.shape, dtype=W1.dtype)
    with torch.no_grad():
        linear.weight.copy_(W1)
        linear.bias.copy_(b1)
    return linear.weight * gain, linear(bias)


WRONG = {
    "rows-scaled": [
        lambda g, b, W1, b1: (g.diag() @ W1, W1 @ b + b1),
        lambda g, b, W1, b1: (W1 * g[:, None], b + b1),
        lambda g, b, W1, b1: ((W1.T * g).T, W1 @ b + b1),
    ],
    "gain-forgotten": [
        lambda g, b, W1, b1: (W1, W1 @ b + b1),
        lambda g, b, W1, b1: (W1, b1),
        lambda g, b, W1, b1: (W1.clone(), W1 @ (g * b) + b1),
    ],
    "gain-summed": [
        lambda g, b, W1, b1: (W1 @ g, W1 @ b + b1),
        lambda g, b, W1, b1: (W1 + g, W1 @ b + b1),
        lambda g, b, W1, b1: (W1 / g, W1 @ b + b1),
    ],
    "turned": [
        lambda g, b, W1, b1: ((W1 * g).T, W1 @ b + b1),
        lambda g, b, W1, b1: (g.diag() @ W1.T, b @ W1.T + b1),
    ],
    "bias-forgotten": [lambda g, b, W1, b1: (W1 @ g.diag(), b1)],
    "bias-not-mapped": [lambda g, b, W1, b1: (W1 * g, b1 + b)],
    "b1-forgotten": [
        lambda g, b, W1, b1: (W1 * g, b @ W1.T),
        lambda g, b, W1, b1: (W1 * g, (W1 * g) @ b),
    ],
    "bias-scaled": [
        lambda g, b, W1, b1: (W1 * g, (W1 * g) @ b + b1),
        lambda g, b, W1, b1: (W1 * g, W1 @ (b / g) + b1),
    ],
    "b1-mapped": [
        lambda g, b, W1, b1: (W1 * g, g * b1 + b),
        lambda g, b, W1, b1: (W1 * g, W1 @ (b + b1)),
    ],
}


@pytest.mark.parametrize("answer", [in_one_line, by_diagonal, in_loops, as_rows, by_linear])
def test_right_answers_pass(answer):
    verdict = check("fold_norm", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("fold_norm", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["fold_norm"].misconceptions}


def test_folded_weights_do_what_norm_and_linear_did():
    norm, linear = nn.LayerNorm(3), nn.Linear(3, 5)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 4, 3)
    weight, bias = EXERCISES["fold_norm"].reference(
        norm.weight, norm.bias, linear.weight, linear.bias
    )
    plain = nn.functional.layer_norm(x, (3,))
    torch.testing.assert_close(plain @ weight.mT + bias, linear(norm(x)))


def test_two_results_are_wanted():
    verdict = check("fold_norm", lambda g, b, W1, b1: W1 * g)
    assert verdict.diagnosis == "type"
    assert "2 results (W, b)" in verdict.message


def test_writing_into_the_weights_is_noticed():
    def in_place(gain, bias, W1, b1):
        b1 += W1 @ bias
        return W1 * gain, b1

    assert check("fold_norm", in_place).diagnosis == "mutates"
