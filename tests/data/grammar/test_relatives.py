from random import Random

import pytest

from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.relatives import full_noun_phrase


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the cat that sleeps sees the king .", "le chat qui dort voit le roi ."),
        ("the man who sees the cat runs .", "l' homme qui voit le chat court ."),
        ("the tree that the girl paints is old .", "l' arbre que la fille peint est vieux ."),
        ("the apple that an owl eats is red .", "la pomme qu' un hibou mange est rouge ."),
        ("the house near the river is old .", "la maison près de la rivière est vieille ."),
    ],
)
def test_what_follows_a_noun(write, english, french):
    assert write(english).target == tuple(french.split())


@pytest.mark.parametrize("past", [False, True])
@pytest.mark.parametrize("size", range(2, 9))
def test_every_noun_reaches_every_size(size, past):
    for seed, noun in enumerate(lexicon.NOUNS * 2):
        draft = Draft(Random(seed))
        full_noun_phrase(draft, noun, size, past=past)
        assert len(draft.english) == size


def test_no_object_relative_in_the_past():
    """French would make the participle agree with what "que" stands for."""
    for seed in range(400):
        draft = Draft(Random(seed))
        phrase = full_noun_phrase(draft, lexicon.NOUN["cat"], 8, past=True)
        assert "que" not in [word for word, _ in phrase.french]
