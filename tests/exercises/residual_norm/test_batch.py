"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from txlib.exercises import check
from txlib.exercises.residual_norm import EXERCISES


def by_list(x, mask):
    real = x[mask]
    normed = (real - real.mean(0)) / (real.var(0, correction=0) + 1e-5).sqrt()
    return torch.zeros_like(x).index_put((mask,), normed)


def by_sums(x, mask):
    mask = mask.unsqueeze(-1)
    number = mask.sum()
    mean = x.masked_fill(~mask, 0).sum((0, 1)) / number
    variance = ((x - mean) ** 2 * mask).sum((0, 1)) / number
    return torch.where(mask, (x - mean) / torch.sqrt(variance + 1e-5), 0)


def by_torch(x, mask):
    normed = torch.zeros_like(x)
    normed[mask] = functional.batch_norm(x[mask], None, None, training=True)
    return normed


def by_nan(x, mask):
    real = torch.where(mask[..., None], x, torch.nan).flatten(0, 1)
    squares = ((real - real.nanmean(0)) ** 2).nanmean(0)
    normed = (x - real.nanmean(0)) / (squares + 1e-5).sqrt()
    return normed * mask[:, :, None]


def over(axes, correction=0):
    def answer(x, mask):
        variance = x.var(axes, correction=correction, keepdim=True)
        return (x - x.mean(axes, keepdim=True)) / (variance + 1e-5) ** 0.5

    return answer


def sentence_by_sentence(x, mask):
    return torch.stack([by_list(x[b : b + 1], mask[b : b + 1])[0] for b in range(len(x))])


def zeroed_first(x, mask):
    return over((0, 1))(x * mask[..., None], mask)


def listed(norm, fill=0.0):
    def answer(x, mask):
        out = torch.full_like(x, fill)
        out[mask] = norm(x[mask])
        return out

    return answer


def real_everywhere(x, mask):
    real = x[mask]
    return (x - real.mean(0)) / (real.var(0, correction=0) + 1e-5).sqrt()


WRONG = {
    "padding-counted": [
        over((0, 1)),
        lambda x, mask: over((0, 1))(x, mask) * mask[..., None],
        lambda x, mask: nn.BatchNorm1d(x.shape[-1], dtype=x.dtype)(x.mT).mT.detach(),
    ],
    "zeros-counted": [
        zeroed_first,
        lambda x, mask: zeroed_first(x, mask) * mask[..., None],
        lambda x, mask: over((0, 1), correction=1)(x.masked_fill(~mask[..., None], 0), mask),
    ],
    "mask-reversed": [
        lambda x, mask: by_list(x, ~mask),
        lambda x, mask: real_everywhere(x, mask) * ~mask[..., None],
        lambda x, mask: real_everywhere(x, ~mask),
    ],
    "over-features": [
        over(-1),
        listed(lambda real: functional.layer_norm(real, real.shape[1:])),
    ],
    "by-sentence": [over(1), sentence_by_sentence],
    "by-position": [
        over(0),
        lambda x, mask: sentence_by_sentence(x.transpose(0, 1), mask.T).transpose(0, 1),
    ],
    "one-for-all": [
        over((0, 1, 2)),
        listed(lambda real: (real - real.mean()) / (real.var(correction=0) + 1e-5).sqrt()),
    ],
    "unbiased": [
        listed(lambda real: (real - real.mean(0)) / (real.var(0) + 1e-5).sqrt()),
        listed(lambda real: (real - real.mean(0)) / (real.std(0) + 1e-5)),
    ],
    "eps-misplaced": [
        listed(lambda real: (real - real.mean(0)) / (real.std(0, correction=0) + 1e-5)),
        listed(lambda real: (real - real.mean(0)) / real.std(0, correction=0)),
    ],
    "padding-kept": [real_everywhere],
}


@pytest.mark.parametrize("answer", [by_list, by_sums, by_torch, by_nan])
def test_right_answers_pass(answer):
    verdict = check("batch_norm", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("batch_norm", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["batch_norm"].misconceptions}


def test_a_list_of_tokens_is_no_batch():
    verdict = check("batch_norm", lambda x, mask: by_list(x, mask)[mask])
    assert verdict.diagnosis == "shape"
    assert "(2, 4, 3); it has (6, 3)" in verdict.message


def test_writing_into_the_input_is_noticed():
    def in_place(x, mask):
        x[~mask] = 0
        return by_list(x, mask)

    assert check("batch_norm", in_place).diagnosis == "mutates"


def test_a_forgotten_axis_stops_with_the_line():
    verdict = check("batch_norm", lambda x, mask: x * mask)
    assert verdict.diagnosis == "raises"
    assert "It stops with `RuntimeError: " in verdict.message
