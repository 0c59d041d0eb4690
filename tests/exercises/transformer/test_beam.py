"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.transformer import EXERCISES
from txlib.generation import beam_search, greedy_continue


def by_topk(scores, log_probs, beam_size):
    sums = (scores[:, None] + log_probs).flatten()
    best, place = sums.topk(beam_size)
    return best, place // log_probs.shape[1], place % log_probs.shape[1]


def by_sorting(scores, log_probs, beam_size):
    sums = scores.unsqueeze(1) + log_probs
    place = sums.view(-1).argsort(descending=True)[:beam_size]
    parent, token = torch.unravel_index(place, sums.shape)
    return [sums[parent, token], parent, token]


def in_two_rounds(scores, log_probs, beam_size):
    token_scores, tokens = log_probs.topk(min(beam_size, log_probs.shape[1]), dim=1)
    sums = scores[:, None] + token_scores
    best, place = sums.flatten().topk(beam_size)
    return best, place // sums.shape[1], tokens.flatten()[place]


def ranked(combine, report=None, largest=True):
    def answer(scores, log_probs, beam_size):
        V = log_probs.shape[1]
        place = combine(scores[:, None], log_probs).flatten().topk(beam_size, largest=largest)[1]
        values = (report or combine)(scores[:, None], log_probs).flatten()[place]
        return values, place // V, place % V

    return answer


def added(s, p):
    return s + p


def placed(split):
    def answer(scores, log_probs, beam_size):
        best, place = (scores[:, None] + log_probs).flatten().topk(beam_size)
        return best, *split(place, len(scores), log_probs.shape[1])

    return answer


def greedy_each(scores, log_probs, beam_size):
    steps, token = log_probs.max(dim=1)
    return scores + steps, torch.arange(len(scores)), token


def each_keeps_all(scores, log_probs, beam_size):
    if log_probs.shape[1] < beam_size or len(scores) == 1:
        return by_topk(scores, log_probs, beam_size)
    best, token = (scores[:, None] + log_probs).topk(beam_size, dim=1)
    parent = torch.arange(len(scores)).repeat_interleave(beam_size)
    return best.flatten(), parent, token.flatten()


def first_row_only(scores, log_probs, beam_size):
    best, token = log_probs[0].topk(beam_size)
    return scores[0] + best, torch.zeros_like(token), token


def swapped(*inputs):
    best, parent, token = by_topk(*inputs)
    return best, token, parent


def turned(scores, log_probs, beam_size):
    sums = (scores[:, None] + log_probs).T
    best, place = sums.flatten().topk(beam_size)
    return best, place // log_probs.shape[1], place % log_probs.shape[1]


WRONG = {
    "best-of-each": [greedy_each],
    "some-of-each": [each_keeps_all],
    "first-only": [first_row_only],
    "scores-forgotten": [ranked(lambda s, p: p), ranked(lambda s, p: p, added)],
    "multiplied": [ranked(lambda s, p: s * p)],
    "probability-added": [ranked(lambda s, p: s + p.exp()), ranked(lambda s, p: (s + p).exp())],
    "parent-and-token-swapped": [swapped, placed(lambda i, k, v: (i % v, i // v))],
    "divided-by-another": [placed(lambda i, k, v: (i // k, i % k))],
    "place-for-token": [placed(lambda i, k, v: (i // v, i)), placed(lambda i, k, v: (i, i % v))],
    "worst": [ranked(added, largest=False)],
    "best-last": [lambda *inputs: tuple(part.flip(0) for part in by_topk(*inputs))],
    "by-columns": [turned],
}


@pytest.mark.parametrize("answer", [by_topk, by_sorting, in_two_rounds])
def test_right_answers_pass(answer):
    verdict = check("beam_step", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("beam_step", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["beam_step"].misconceptions}


def test_by_hand():
    scores = torch.tensor([0.6, 0.4]).log()
    log_probs = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.9, 0.0]]).log()
    best, parent, token = EXERCISES["beam_step"].reference(scores, log_probs, 3)
    torch.testing.assert_close(best.exp(), torch.tensor([0.36, 0.30, 0.18]))
    assert (parent.tolist(), token.tolist()) == ([1, 0, 0], [1, 0, 1])


def test_steps_with_a_beam_of_1_are_greedy_and_wider_ones_the_librarys():
    table = torch.randn(7, 7, generator=torch.Generator().manual_seed(5))
    table[:, 6] = -torch.inf  # EOS never comes
    log_probs = table.log_softmax(-1)

    def advance(state, last):
        return table[last], state

    def searched(beam_size):
        beam, scores = torch.tensor([[0]]), torch.zeros(1)
        for _ in range(4):
            step = EXERCISES["beam_step"].reference(scores, log_probs[beam[:, -1]], beam_size)
            scores, parent, token = step
            beam = torch.cat([beam[parent], token[:, None]], dim=1)
        return beam[:1, 1:]

    ids = {"eos_id": 6, "pad_id": 6, "max_new_tokens": 4}
    first = torch.tensor([0])
    assert torch.equal(searched(1), greedy_continue(advance, (), first, **ids))
    found = beam_search(advance, (), first, select=lambda s, rows: s, beam_size=3, **ids)
    assert torch.equal(searched(3), found)


def test_probabilities_that_come_back_alone_are_one_of_three():
    verdict = check("beam_step", lambda *inputs: by_topk(*inputs)[0])
    assert "3 results (scores, parent, token) are expected" in verdict.message


def test_adding_to_the_callers_table_is_noticed():
    def answer(scores, log_probs, beam_size):
        log_probs += scores[:, None]
        return by_topk(torch.zeros_like(scores), log_probs, beam_size)

    assert check("beam_step", answer).diagnosis == "mutates"
