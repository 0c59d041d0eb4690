"""Answers as learners write them: all of the first list pass, each of the others is named."""

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from txlib.data.batching import make_batch
from txlib.data.vocabulary import BOS, EOS, PAD
from txlib.exercises import check
from txlib.exercises.transformer import EXERCISES


def padded(rows, pad):
    width = max(len(row) for row in rows)
    return torch.tensor([row + [pad] * (width - len(row)) for row in rows])


def by_lists(targets, bos, eos, pad):
    return padded([[bos, *t] for t in targets], pad), padded([[*t, eos] for t in targets], pad)


def by_pad_sequence(targets, bos, eos, pad):
    rows = [torch.tensor([bos, *t, eos]) for t in targets]
    reads, names = [r[:-1] for r in rows], [r[1:] for r in rows]
    return [pad_sequence(r, batch_first=True, padding_value=pad) for r in (reads, names)]


def by_erasing(targets, bos, eos, pad):
    whole = padded([[bos, *t, eos] for t in targets], pad)
    target_in = whole[:, :-1].clone()
    target_in[target_in == eos] = pad
    return target_in, whole[:, 1:]


def pair(read, named):
    def answer(targets, bos, eos, pad):
        return tuple(padded([f(t, bos, eos) for t in targets], pad) for f in (read, named))

    return answer


def pad_first(targets, bos, eos, pad):
    whole = padded([[bos, *t, eos] for t in targets], pad)
    return whole[:, :-1], whole[:, 1:]


def left(targets, bos, eos, pad):
    def to_the_left(rows):
        width = max(map(len, rows))
        return torch.tensor([[pad] * (width - len(row)) + row for row in rows])

    return to_the_left([[bos, *t] for t in targets]), to_the_left([[*t, eos] for t in targets])


def filled(read, named):
    def answer(targets, bos, eos, pad):
        target_in = padded([[bos, *t] for t in targets], read(eos, pad))
        return target_in, padded([[*t, eos] for t in targets], named(eos, pad))

    return answer


WRONG = {
    "not-shifted": [
        pair(lambda t, bos, eos: [bos, *t, eos], lambda t, bos, eos: [bos, *t, eos]),
        lambda targets, bos, eos, pad: (by_lists(targets, bos, eos, pad)[1],) * 2,
    ],
    "wrong-way": [lambda *inputs: by_lists(*inputs)[::-1]],
    "eos-forgotten": [pair(lambda t, bos, eos: [bos, *t], lambda t, bos, eos: t)],
    "eos-read": [pair(lambda t, bos, eos: [bos, *t, eos], lambda t, bos, eos: [*t, eos])],
    "eos-read-in-shorter": [pad_first],
    "bos-named": [pair(lambda t, bos, eos: [bos, *t], lambda t, bos, eos: [bos, *t, eos])],
    "bos-forgotten": [pair(lambda t, bos, eos: t, lambda t, bos, eos: [*t, eos])],
    "two-places": [pair(lambda t, bos, eos: [bos, *t], lambda t, bos, eos: [*t[1:], eos])],
    "last-word-lost": [pair(lambda t, bos, eos: [bos, *t[:-1]], lambda t, bos, eos: [*t, eos])],
    "padded-left": [left],
    "padded-with-another": [
        filled(lambda eos, pad: 0, lambda eos, pad: 0),
        filled(lambda eos, pad: pad, lambda eos, pad: -100),
        filled(lambda eos, pad: eos, lambda eos, pad: eos),
    ],
}


@pytest.mark.parametrize("answer", [by_lists, by_pad_sequence, by_erasing])
def test_right_answers_pass(answer):
    verdict = check("shifted_pair", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("shifted_pair", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["shifted_pair"].misconceptions}


def test_by_hand():
    read, named = EXERCISES["shifted_pair"].reference([[7, 8], [9]], 1, 2, 0)
    assert read.tolist() == [[1, 7, 8], [1, 9, 0]]
    assert named.tolist() == [[7, 8, 2], [9, 2, 0]]


def test_what_is_asked_is_what_a_batch_of_the_library_has():
    targets = [[5, 6, 7], [8], []]
    batch = make_batch([((4,), target) for target in targets])
    read, named = EXERCISES["shifted_pair"].reference(targets, BOS, EOS, PAD)
    assert torch.equal(read, batch.target_in)
    assert torch.equal(named, batch.target_out)


def test_hanging_bos_into_the_callers_lists_is_noticed():
    def answer(targets, bos, eos, pad):
        for t in targets:
            t.insert(0, bos)
        return padded(targets, pad), padded([[*t[1:], eos] for t in targets], pad)

    assert check("shifted_pair", answer).diagnosis == "mutates"


def test_lists_arrays_and_floats_are_told_from_ids():
    def by_numpy(*inputs):
        return tuple(map(np.asarray, by_lists(*inputs)))

    def in_floats(*inputs):
        return tuple(x.float() for x in by_lists(*inputs))

    words = "target_in should be a tensor of shape (2, 4)"
    assert words in check("shifted_pair", by_numpy).message
    assert "should be int64; it is float32" in check("shifted_pair", in_floats).message
    verdict = check("shifted_pair", lambda *inputs: torch.stack(by_lists(*inputs)))
    assert "2 results (target_in, target_out) are expected" in verdict.message
