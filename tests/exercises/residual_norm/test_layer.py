"""Answers as learners write them: all of the first list pass, each of the others is named."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from txlib.exercises import check
from txlib.exercises.residual_norm import EXERCISES


def in_two_lines(x, gain, bias, eps):
    centred = x - x.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + eps).sqrt() * gain + bias


def by_var(x, gain, bias, eps):
    variance, mean = torch.var_mean(x, dim=2, correction=0, keepdim=True)
    return torch.addcmul(bias, gain, (x - mean) * torch.rsqrt(variance + eps))


def by_moments(x, gain, bias, eps):
    mean = x.mean(-1, keepdim=True)
    variance = (x**2).mean(-1, keepdim=True) - mean**2
    return (x - mean) / torch.sqrt(variance + eps) * gain + bias


def by_einsum(x, gain, bias, eps):
    features = x.shape[-1]
    centre = torch.eye(features, dtype=x.dtype) - 1 / features
    centred = torch.einsum("btc,cd->btd", x, centre)
    square = torch.einsum("btc,btc->bt", centred, centred) / features
    return gain * centred / (square + eps)[..., None] ** 0.5 + bias


def by_torch(x, gain, bias, eps):
    return functional.layer_norm(x, gain.shape, gain, bias, eps)


def with_std(x, gain, bias, eps):
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + eps) * gain + bias


def over(axis):
    def answer(x, gain, bias, eps):
        return (
            torch.sub(x, x.mean(axis, keepdim=True))
            / torch.sqrt(x.var(axis, keepdim=True, correction=0) + eps)
            * gain
            + bias
        )

    return answer


def centred(x):
    return x - x.mean(-1, keepdim=True)


def root(x, eps):
    return torch.sqrt((centred(x) ** 2).mean(-1, keepdim=True) + eps)


WRONG = {
    "unbiased": [
        with_std,
        lambda x, g, b, eps: centred(x) / (x.var(-1, keepdim=True) + eps) ** 0.5 * g + b,
        lambda x, g, b, eps: g * (centred(x) / x.std(dim=2, keepdim=True)) + b,
    ],
    "eps-outside": [
        lambda x, g, b, eps: g * centred(x) / (x.std(-1, correction=0, keepdim=True) + eps) + b
    ],
    "eps-forgotten": [lambda x, g, b, eps: centred(x) / root(x, 0) * g + b],
    "over-words": [
        over(1),
        over(0),
        over((0, 1)),
        lambda x, g, b, eps: g * (x - x.mean(1, True)) / x.std(1, keepdim=True) + b,
    ],
    "over-too-much": [
        over((1, 2)),
        over((0, 1, 2)),
        lambda x, g, b, eps: (x - x.mean()) / (x.std() + eps) * g + b,
    ],
    "rms": [lambda x, g, b, eps: functional.rms_norm(x, g.shape, g, eps) + b],
    "half-centred": [
        lambda x, g, b, eps: x / root(x, eps) * g + b,
        lambda x, g, b, eps: centred(x) / ((x * x).mean(-1, keepdim=True) + eps).sqrt() * g + b,
    ],
    "root-forgotten": [
        lambda x, g, b, eps: centred(x) / (root(x, 0) ** 2 + eps) * g + b,
    ],
    "gain-forgotten": [
        lambda x, g, b, eps: functional.layer_norm(x, g.shape, eps=eps),
        lambda x, g, b, eps: functional.layer_norm(x, g.shape, g, None, eps),
        lambda x, g, b, eps: functional.layer_norm(x, g.shape, None, b, eps),
    ],
    "bias-first": [
        lambda x, g, b, eps: (centred(x) / root(x, eps) + b) * g,
        lambda x, g, b, eps: functional.layer_norm(x, g.shape, b, g, eps),
    ],
}


@pytest.mark.parametrize("answer", [in_two_lines, by_var, by_moments, by_einsum, by_torch])
def test_right_answers_pass(answer):
    verdict = check("layer_norm", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("layer_norm", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["layer_norm"].misconceptions}


def test_by_hand():
    token = torch.tensor([[[2.0, 4, 4, 6]]])  # deviations -2, 0, 0, 2: variance 2
    right = EXERCISES["layer_norm"].reference(token, torch.full((4,), 10.0), torch.ones(4), 0.0)
    torch.testing.assert_close(right, torch.tensor([[[1 - 200**0.5, 1, 1, 1 + 200**0.5]]]))


def test_pytorch_std_in_words():
    assert "divided by C - 1" in repr(check("layer_norm", with_std))


def test_numpy_is_told_from_torch():
    def by_numpy(x, gain, bias, eps):
        return np.asarray(by_torch(x, gain, bias, eps))

    assert "should be a tensor of shape (2, 3, 5)" in check("layer_norm", by_numpy).message


def test_a_mean_of_one_token_for_all_has_the_wrong_shape():
    verdict = check("layer_norm", lambda x, g, b, eps: by_torch(x, g, b, eps)[0])
    assert verdict.diagnosis == "shape"


def test_centring_in_place_is_noticed():
    def in_place(x, gain, bias, eps):
        x -= x.mean(-1, keepdim=True)
        return by_torch(x, gain, bias, eps)

    assert check("layer_norm", in_place).diagnosis == "mutates"
