"""Answers as learners write them: all of the first list pass, each of the others is named."""

import pytest
import torch

from txlib.attention import MultiHeadAttention
from txlib.exercises import check
from txlib.exercises.positional_encoding import EXERCISES
from txlib.positions import (
    ALiBi,
    RotaryEmbedding,
    SinusoidalEncoding,
    position_scheme,
    sinusoidal_encoding,
)


def by_scheme(name, x, place):
    T, D = x.shape
    scheme = position_scheme(name, d_model=D, head_dim=D, num_heads=1, max_seq_len=512)
    if scheme.encoding is not None:
        x = scheme.encoding(x[None], offset=place)[0]
    turned = x if scheme.rotary is None else scheme.rotary(x, offset=place)
    scores = turned @ turned.T / D**0.5
    bias = scheme.make_score_bias()
    return scores if bias is None else scores + bias(x[None, None], T)[0]


def by_name(name, x, place):
    T, D = x.shape
    bias = 0
    if name == "sinusoidal":
        x = x + sinusoidal_encoding(T, D, offset=place)
    elif name == "rope":
        x = RotaryEmbedding(D)(x, offset=place)
    elif name == "alibi":
        bias = ALiBi(1)(torch.zeros(1, 1, T, D), T)[0]
    return x @ x.mT * D**-0.5 + bias


def without_the_place_that_rope_ignores(name, x, place):
    return by_name(name, x, 0 if name == "rope" else place)


def only(scheme, wrong):
    """`wrong(x, place)` for this scheme, the right answer for the others."""
    return lambda name, x, place: (wrong if name == scheme else right(name))(x, place)


def right(name):
    return lambda x, place: by_name(name, x, place)


def waves(x, place=0):
    return SinusoidalEncoding(x.shape[1])(x[None], offset=place)[0]


def rotary(x, place=0):
    return RotaryEmbedding(x.shape[-1])(x, offset=place)


def bias(x):
    return ALiBi(1)(x[None, None], len(x))[0]


def dots(a, b):
    return a @ b.T / a.shape[1] ** 0.5


WRONG = {
    "no-scale": [
        lambda name, x, place: (
            (by_name(name, x, place) - bias(x)) * x.shape[1] ** 0.5 + bias(x)
            if name == "alibi"
            else by_name(name, x, place) * x.shape[1] ** 0.5
        )
    ],
    "wrong-scale": [
        lambda name, x, place: (
            (by_name(name, x, place) - bias(x)) / x.shape[1] ** 0.5 + bias(x)
            if name == "alibi"
            else by_name(name, x, place) / x.shape[1] ** 0.5
        )
    ],
    "weights": [lambda name, x, place: by_scheme(name, x, place).softmax(dim=-1)],
    "waves-forgotten": [only("sinusoidal", lambda x, place: dots(x, x))],
    "waves-from-zero": [only("sinusoidal", lambda x, place: dots(waves(x), waves(x)))],
    "waves-on-one-side": [
        only("sinusoidal", lambda x, place: dots(waves(x, place), x)),
        only("sinusoidal", lambda x, place: dots(x, waves(x, place))),
        only("sinusoidal", lambda x, place: dots(waves(x, place), waves(x))),
    ],
    "waves-twice": [
        only("sinusoidal", lambda x, place: dots(x + waves(x, place), x + waves(x, place))),
        only("sinusoidal", lambda x, place: dots(waves(0 * x, place), waves(0 * x, place))),
    ],
    "turn-forgotten": [
        only("rope", lambda x, place: dots(x, x)),
        only("rope", lambda x, place: dots(*2 * [rotary(x[:, None], place)[:, 0]])),
    ],
    "turned-on-one-side": [
        only("rope", lambda x, place: dots(rotary(x, place), x)),
        only("rope", lambda x, place: dots(x, rotary(x, place))),
    ],
    "sides-apart": [
        only("rope", lambda x, place: dots(rotary(x, place), rotary(x))),
        only("rope", lambda x, place: dots(rotary(x), rotary(x, place))),
    ],
    "bias-forgotten": [only("alibi", lambda x, place: dots(x, x))],
    "bias-scaled": [
        only("alibi", lambda x, place: (x @ x.T + bias(x)) / x.shape[1] ** 0.5),
    ],
    "bias-of-one-query": [
        only("alibi", lambda x, place: dots(x, x) + bias(x)[0]),
        only("alibi", lambda x, place: dots(x, x) + ALiBi(1)(x[None, None, -1:], len(x))[0]),
    ],
    "bias-misused": [
        only("alibi", lambda x, place: dots(x, x) - bias(x)),
        only("alibi", lambda x, place: bias(x)),
    ],
}


@pytest.mark.parametrize("answer", [by_scheme, by_name, without_the_place_that_rope_ignores])
def test_right_answers_pass(answer):
    verdict = check("placed_scores", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("placed_scores", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["placed_scores"].misconceptions}


@pytest.mark.parametrize("name", ["none", "alibi", "rope"])
def test_what_is_asked_is_what_a_head_without_projections_weighs(name):
    x = torch.randn(5, 8)
    scheme = position_scheme(name, d_model=8, head_dim=8, num_heads=1, max_seq_len=5)
    head = MultiHeadAttention(8, 1, rotary=scheme.rotary, score_bias=scheme.make_score_bias())
    for projection in (head.q_proj, head.k_proj, head.v_proj, head.out_proj):
        torch.nn.init.eye_(projection.weight)
    weights = EXERCISES["placed_scores"].reference(name, x, 0).softmax(dim=-1)
    torch.testing.assert_close(head(x[None])[0], weights @ x)


def test_a_missing_module_that_is_called_shows_the_learners_line():
    def calls_all(name, x, place):
        scheme = position_scheme(name, d_model=8, head_dim=8, num_heads=1, max_seq_len=99)
        return scheme.rotary(x, offset=place)

    verdict = check("placed_scores", calls_all)
    assert verdict.diagnosis == "raises"
    assert "at the line `return scheme.rotary(x, offset=place)`" in verdict.message
    assert "None at the others" in verdict.hint
