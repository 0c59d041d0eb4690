from random import Random

import pytest

from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.noun_phrases import DEFINITE, ONLY_THE, noun_phrase, pick_predicate


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the cats sleep .", "les chats dorment ."),
        ("an old man sees the bird .", "un vieil homme voit l' oiseau ."),
        ("the old animal likes this owl .", "le vieil animal aime ce hibou ."),
        ("these small black cats sleep .", "ces petits chats noirs dorment ."),
        ("this animal sees the white goose .", "cet animal voit l' oie blanche ."),
        ("two beautiful horses ran .", "deux beaux chevaux ont couru ."),
        ("a heroine sees the new hotel .", "une héroïne voit le nouvel hôtel ."),
    ],
)
def test_articles_and_adjectives(write, english, french):
    assert write(english).target == tuple(french.split())


def test_adjectives_change_sides_in_the_alignment(write):
    pair = write("the white cat sleeps .")
    assert pair.target == ("le", "chat", "blanc", "dort", ".")
    assert pair.alignment == {(0, 0), (1, 2), (2, 1), (3, 3), (4, 4)}


def test_owner_goes_last(write):
    pair = write("the king 's owl sleeps .")
    assert pair.target == ("le", "hibou", "du", "roi", "dort", ".")
    # "le" and "du" render "'s"; "du" is also the king's article
    assert pair.alignment == {(0, 2), (1, 3), (2, 0), (2, 2), (3, 1), (4, 4), (5, 5)}


@pytest.mark.parametrize("size", [2, 3, 4])
def test_every_noun_has_a_phrase_of_every_size(size):
    for seed, noun in enumerate(lexicon.NOUNS * 5):
        draft = Draft(Random(seed))
        phrase = noun_phrase(draft, noun, size)
        assert len(draft.english) == size
        assert draft.english[phrase.position] in noun.english


@pytest.mark.parametrize(
    ("opening", "openings"), [(DEFINITE, {"the", "this", "these"}), (ONLY_THE, {"the"})]
)
def test_opening_bars_determiners(opening, openings):
    seen = set()
    for seed in range(300):
        draft = Draft(Random(seed))
        noun_phrase(draft, lexicon.NOUN["cat"], 2, opening=opening)
        seen.add(draft.english[0])
    assert seen == openings


def test_neutral_phrase_gives_no_reason():
    for seed in range(300):
        draft = Draft(Random(seed))
        phrase = noun_phrase(draft, lexicon.NOUN["cat"], 4, neutral=True, avoided="colour")
        assert phrase.qualities <= lexicon.NEUTRAL - {"colour"}


def test_nothing_is_said_that_contradicts_the_phrase():
    for seed in range(300):
        draft = Draft(Random(seed))
        phrase = noun_phrase(draft, lexicon.NOUN["book"], 4)
        assert pick_predicate(draft, phrase, graded=False).quality not in phrase.qualities
