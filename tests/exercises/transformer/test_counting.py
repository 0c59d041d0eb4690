"""Answers as learners write them: all of the first list pass, each of the others is named."""

import numpy as np
import pytest
import torch

from txlib.exercises import check
from txlib.exercises.transformer import EXERCISES
from txlib.models import Transformer, TransformerConfig


def formula(n, c, f, v):
    return n * (4 * c**2 + 2 * c * f) + n * (8 * c**2 + 2 * c * f) + v * c


def gathered(n, c, f, v):
    return np.int64(4 * c * n * (3 * c + f) + v * c)


def blocks(encoder, decoder, tables=1):
    def answer(n, c, f, v):
        return n * (encoder(c, f) + decoder(c, f)) + tables * v * c

    return answer


def enc(c, f):
    return 4 * c * c + 2 * c * f


def dec(c, f):
    return 8 * c * c + 2 * c * f


WRONG = {
    "cross-attention-forgotten": [blocks(enc, enc), blocks(enc, enc, 3)],
    "cross-attention-halved": [blocks(enc, lambda c, f: 6 * c * c + 2 * c * f)],
    "three-tables": [blocks(enc, dec, 3), blocks(enc, dec, 2)],
    "no-table": [blocks(enc, dec, 0)],
    "three-matrices": [
        blocks(lambda c, f: 3 * c * c + 2 * c * f, lambda c, f: 6 * c * c + 2 * c * f),
    ],
    "one-side": [
        lambda n, c, f, v: n * enc(c, f) + v * c,
        lambda n, c, f, v: n * dec(c, f) + v * c,
    ],
    "layers-shared-out": [lambda n, c, f, v: n * (enc(c, f) + dec(c, f)) // 2 + v * c],
    "one-block": [lambda n, c, f, v: enc(c, f) + dec(c, f) + v * c],
    "table-in-each-block": [lambda n, c, f, v: n * (enc(c, f) + dec(c, f) + v * c)],
    "one-inner-matrix": [
        blocks(lambda c, f: 4 * c * c + c * f, lambda c, f: 8 * c * c + c * f),
    ],
    "feed-forward-after-each": [blocks(enc, lambda c, f: 8 * c * c + 4 * c * f)],
    "four-times-the-width": [lambda n, c, f, v: formula(n, c, 4 * c, v)],
    "biases-too": [
        lambda n, c, f, v: formula(n, c, f, v) + n * (12 * c + 2 * (c + f)),
        lambda n, c, f, v: formula(n, c, f, v) + 10 * n * c,
    ],
}


@pytest.mark.parametrize("answer", [formula, gathered])
def test_right_answers_pass(answer):
    verdict = check("base_parameters", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("base_parameters", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["base_parameters"].misconceptions}


def test_what_is_asked_is_what_the_library_builds():
    sizes = {"num_layers": 3, "d_model": 8, "d_ff": 20}
    with torch.device("meta"):
        model = Transformer(
            TransformerConfig(
                source_vocab_size=9,
                target_vocab_size=11,
                num_heads=2,
                tie_embeddings=True,
                **sizes,
            )
        )
    weights = {name: w.numel() for name, w in model.named_parameters() if w.ndim == 2}
    source_table = weights.pop("source_embedding.weight")
    assert source_table == 9 * 8
    assert sum(weights.values()) == EXERCISES["base_parameters"].reference(3, 8, 20, 11)


def test_base_and_big_models_of_2017():
    reference = EXERCISES["base_parameters"].reference
    assert reference(6, 512, 2048, 37_000) == 62_984_192
    assert reference(6, 1024, 4096, 37_000) == 214_048_768


def test_millions_are_not_whole():
    verdict = check("base_parameters", lambda *sizes: formula(*sizes) / 1e6)
    assert "should be a whole number" in verdict.message
