import dataclasses

import pytest

from txlib.data.grammar import Pair, detokenize


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (["l'", "animal", "n'", "a", "pas", "dormi", "."], "l'animal n'a pas dormi."),
        (["le", "roi", "rit", ",", "la", "reine", "dort", "."], "le roi rit, la reine dort."),
        (["the", "king", "'s", "cat", "sleeps", "."], "the king's cat sleeps."),
        (["elle", "dort", "aujourd'hui", "."], "elle dort aujourd'hui."),
        ([], ""),
    ],
)
def test_detokenize(tokens, text):
    assert detokenize(tokens) == text


def test_pairs_compare_by_value_and_cannot_change():
    pair = Pair(("a",), ("un",), frozenset({(0, 0)}))
    assert pair == Pair(("a",), ("un",), frozenset({(0, 0)}), None)
    assert hash(pair) == hash(dataclasses.replace(pair))
    with pytest.raises(dataclasses.FrozenInstanceError):
        pair.source = ("b",)
