"""Answers as learners write them: all of the first lists pass, each of the others is named."""

import pytest
import torch
from torch.nn.functional import cross_entropy, pad

from txlib.exercises import check
from txlib.exercises.recurrence import EXERCISES


def new_and_fill(target, bos_id):
    shifted = torch.empty_like(target)
    shifted[:, 0] = bos_id
    shifted[:, 1:] = target[:, :-1]
    return shifted


def roll_and_fill(target, bos_id):
    shifted = target.roll(1, dims=1)
    shifted[:, 0] = bos_id
    return shifted


def by_padding(target, bos_id):
    return pad(target, (1, -1), value=bos_id)


def token_by_token(target, bos_id):
    return torch.tensor([[bos_id, *row[:-1]] for row in target.tolist()])


def bos(target, bos_id):
    return torch.full((len(target), 1), bos_id)


def overwritten(target, bos_id):
    target = target.clone()
    target[:, 0] = bos_id
    return target


WRONG_SHIFT = {
    "shifted-left": [lambda y, b: torch.hstack([y[:, 1:], bos(y, b)])],
    "bos-at-the-end": [lambda y, b: pad(y, (0, 1), value=b)],
    "last-kept": [lambda y, b: pad(y, (1, 0), value=b)],
    "first-lost": [overwritten, lambda y, b: torch.hstack([bos(y, b), y[:, 1:]])],
    "no-bos": [lambda y, b: y[:, :-1], lambda y, b: y[:, 1:]],
    "rolled": [lambda y, b: torch.hstack([y[:, -1:], y[:, :-1]])],
    "fixed-bos": [lambda y, b: new_and_fill(y, 1)],
    "shifted-rows": [lambda y, b: torch.vstack([torch.full_like(y[:1], b), y[:-1]])],
}


def by_selection(logits, targets, mask):
    return cross_entropy(logits[mask], targets[mask])


def by_weighting(logits, targets, mask):
    log_probs = logits.log_softmax(dim=-1)
    picked = log_probs.gather(2, targets.unsqueeze(2)).squeeze(2)
    return -(picked * mask).sum() / mask.sum()


def by_ignore_index(logits, targets, mask):
    marked = targets.masked_fill(~mask, -100)
    return cross_entropy(logits.flatten(0, 1), marked.flatten(), ignore_index=-100)


def in_loops(logits, targets, mask):
    total, count = torch.zeros((), dtype=logits.dtype), 0
    for b, t in mask.nonzero().tolist():
        probabilities = logits[b, t].exp() / logits[b, t].exp().sum()
        total, count = total - probabilities[targets[b, t]].log(), count + 1
    return total / count


def per_token(logits, targets):
    return -logits.log_softmax(-1).gather(-1, targets[..., None]).squeeze(-1)


WRONG_LOSS = {
    "divides-by-all": [lambda z, y, m: (per_token(z, y) * m).sum() / m.numel()],
    "ignores-mask": [lambda z, y, m: cross_entropy(z.flatten(0, 1), y.flatten())],
    "mask-reversed": [
        lambda z, y, m: by_selection(z, y, ~m),
        lambda z, y, m: per_token(z, y).masked_fill(m, 0).sum() / m.sum(),
    ],
    "mean-of-means": [
        lambda z, y, m: torch.stack([by_selection(z[b], y[b], m[b]) for b in range(len(z))]).mean()
    ],
    "blanks-logits": [
        lambda z, y, m: per_token(z.masked_fill(~m[..., None], 0), y).mean(),
        lambda z, y, m: per_token(z * m[..., None], y).sum() / m.sum(),
    ],
    "sum": [lambda z, y, m: cross_entropy(z[m], y[m], reduction="sum")],
    "softmax-twice": [lambda z, y, m: by_selection(z.softmax(-1), y, m)],
    "softmax-over-positions": [
        lambda z, y, m: -torch.log(z.softmax(1)).gather(-1, y[..., None]).squeeze(-1)[m].mean()
    ],
    "sign": [lambda z, y, m: z.log_softmax(-1).gather(-1, y[..., None])[..., 0][m].mean()],
}


def flat(bank):
    return [(name, answer) for name, answers in bank.items() for answer in answers]


@pytest.mark.parametrize("answer", [new_and_fill, roll_and_fill, by_padding, token_by_token])
def test_right_shifts_pass(answer):
    verdict = check("shift_right", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize("answer", [by_selection, by_weighting, by_ignore_index, in_loops])
def test_right_losses_pass(answer):
    verdict = check("masked_loss", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), flat(WRONG_SHIFT))
def test_wrong_shifts_are_named(name, answer):
    verdict = check("shift_right", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


@pytest.mark.parametrize(("name", "answer"), flat(WRONG_LOSS))
def test_wrong_losses_are_named(name, answer):
    verdict = check("masked_loss", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_banks_are_complete():
    for exercise, bank in (("shift_right", WRONG_SHIFT), ("masked_loss", WRONG_LOSS)):
        assert set(bank) == {m.name for m in EXERCISES[exercise].misconceptions}


def test_writing_into_the_target_is_noticed():
    def in_place(target, bos_id):
        target[:, 1:] = target[:, :-1].clone()
        target[:, 0] = bos_id
        return target

    assert check("shift_right", in_place).diagnosis == "mutates"


def test_ids_stay_whole_numbers():
    def with_floats(target, bos_id):
        return torch.cat([bos_id * torch.ones(len(target), 1), target[:, :-1]], dim=1)

    verdict = check("shift_right", with_floats)
    assert verdict.diagnosis == "dtype"
    assert "should be int64; it is float32" in verdict.message


def test_a_loss_is_a_tensor():
    verdict = check("masked_loss", lambda *inputs: by_selection(*inputs).item())
    assert verdict.diagnosis == "type"
