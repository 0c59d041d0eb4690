"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.flash_and_cache import EXERCISES
from txlib.generation.acceptance import corrected_distribution


def by_gather(p, q, tokens, u):
    at = tokens[:, None]
    kept = u < (p.gather(1, at) / q.gather(1, at)).squeeze(1)
    rest = (p - q).clamp(min=0)
    return kept, rest / rest.sum(dim=1, keepdim=True)


def by_index(p, q, tokens, u):
    row = torch.arange(len(tokens))
    rest = torch.relu(p - q)
    return [u * q[row, tokens] <= p[row, tokens], torch.nn.functional.normalize(rest, p=1, dim=1)]


def by_library(p, q, tokens, u):
    chance = torch.minimum(torch.ones_like(p), p / q).gather(1, tokens[:, None])[:, 0]
    return u < chance, corrected_distribution(p, q)


def keeping(test, rest=lambda p, q, t: shared(torch.relu(p - q))):
    def answer(p, q, tokens, u):
        row = torch.arange(len(tokens))
        return test(p[row, tokens], q[row, tokens], u), rest(p, q, tokens)

    return answer


def shared(x):
    return x / x.sum(-1, keepdim=True)


def drawing(rest):
    return lambda p, q, tokens, u: (by_gather(p, q, tokens, u)[0], rest(p, q, tokens))


def struck_out(p, q, tokens):
    others = p.clone()
    others[torch.arange(len(tokens)), tokens] = 0
    return shared(others)


def one_hot_where_kept(p, q, tokens, u):
    kept, rest = by_gather(p, q, tokens, u)
    hot = torch.nn.functional.one_hot(tokens, p.shape[1]).to(p)
    return kept, torch.where(kept[:, None], hot, rest)


def zeros_where_kept(p, q, tokens, u):
    kept, rest = by_gather(p, q, tokens, u)
    return kept, rest * ~kept[:, None]


WRONG = {
    "upside-down": [
        keeping(lambda p, q, u: u < q / p),
        keeping(lambda p, q, u: u * p < q, lambda p, q, t: p),
    ],
    "kept-and-rejected-swapped": [keeping(lambda p, q, u: u > p / q)],
    "draft-ignored": [keeping(lambda p, q, u: u < p), keeping(lambda p, q, u: u < p, struck_out)],
    "without-chance": [
        keeping(lambda p, q, u: p >= q),
        lambda p, q, tokens, u: (p.argmax(1) == tokens, shared(torch.relu(p - q))),
    ],
    "difference-for-ratio": [keeping(lambda p, q, u: u < p - q)],
    "drawn-from-target": [drawing(lambda p, q, t: p)],
    "only-the-token-struck-out": [drawing(struck_out)],
    "not-normalised": [drawing(lambda p, q, t: torch.relu(p - q))],
    "normalised-across-rows": [
        drawing(lambda p, q, t: torch.relu(p - q) / torch.relu(p - q).sum()),
        drawing(lambda p, q, t: torch.relu(p - q) / torch.relu(p - q).sum(0)),
    ],
    "negative-parts": [
        drawing(lambda p, q, t: p - q),
        drawing(lambda p, q, t: shared((p - q).abs())),
    ],
    "too-much-for-too-little": [
        drawing(lambda p, q, t: shared(torch.relu(q - p))),
        drawing(lambda p, q, t: q),
    ],
    "softmax-of-the-difference": [drawing(lambda p, q, t: (p - q).softmax(dim=-1))],
    "only-where-rejected": [one_hot_where_kept, zeros_where_kept],
}


@pytest.mark.parametrize("answer", [by_gather, by_index, by_library])
def test_right_answers_pass(answer):
    verdict = check("accept_drafts", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("accept_drafts", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["accept_drafts"].misconceptions}


def test_by_hand():
    p, q = torch.tensor([[0.5, 0.3, 0.2]] * 2), torch.tensor([[0.2, 0.2, 0.6]] * 2)
    u = torch.tensor([0.3, 0.4])
    kept, rest = EXERCISES["accept_drafts"].reference(p, q, torch.tensor([2, 2]), u)
    assert kept.tolist() == [True, False]  # a third of them stays
    torch.testing.assert_close(rest, torch.tensor([[0.75, 0.25, 0.0]] * 2))


def test_what_comes_out_is_the_targets_own_distribution():
    p, q = torch.tensor([0.5, 0.3, 0.2]).double(), torch.tensor([0.2, 0.2, 0.6]).double()
    made = torch.zeros(3).double()
    for token in range(3):
        for u in torch.linspace(0.005, 0.995, 100):
            one = p[None], q[None], torch.tensor([token]), u[None]
            kept, rest = EXERCISES["accept_drafts"].reference(*one)
            hot = torch.eye(3).double()[token]
            made += q[token] / 100 * (hot if kept else rest[0])
    torch.testing.assert_close(made, p, atol=0.005, rtol=0)


def test_numbers_for_truth_values_are_told():
    def answer(p, q, tokens, u):
        kept, rest = by_gather(p, q, tokens, u)
        return kept.long(), rest

    verdict = check("accept_drafts", answer)
    assert "kept should be bool; it is int64" in verdict.message
    verdict = check("accept_drafts", lambda *inputs: by_gather(*inputs)[0])
    assert "2 results (kept, rest) are expected" in verdict.message
