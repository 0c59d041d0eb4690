import pytest

from txlib.data.grammar import english_vocabulary, french_vocabulary


@pytest.mark.parametrize("vocabulary", [english_vocabulary, french_vocabulary])
def test_sorted_without_repetition_and_large_enough(vocabulary):
    words = vocabulary()
    assert words == tuple(sorted(set(words)))
    assert len(words) >= 150


def test_what_is_in_them():
    english, french = set(english_vocabulary()), set(french_vocabulary())
    assert english >= {"the", "'s", ".", ",", "geese", "crossed", "because", "tired", "them"}
    assert french >= {"l'", "n'", "qu'", "d'", "du", "aux", "oies", "traversé", "vieil", "elles"}
    assert english.isdisjoint({"milks", "liked", ""})  # no plural, no past, no word
    assert french.isdisjoint({"laits", "aimé", "venir", ""})


def test_the_grammar_writes_nothing_else(corpus):
    assert {word for _, pair in corpus for word in pair.source} <= set(english_vocabulary())
    assert {word for _, pair in corpus for word in pair.target} <= set(french_vocabulary())


def test_the_grammar_writes_nearly_all_of_them(corpus):
    written = {word for _, pair in corpus for word in (*pair.source, *pair.target)}
    known = {*english_vocabulary(), *french_vocabulary()}
    assert len(known - written) < 0.03 * len(known)
