from txlib.data.grammar import lexicon
from txlib.data.grammar.nouns import NOUNS
from txlib.data.grammar.verbs import VERB


def names(found):
    return {item.english if isinstance(item.english, str) else item.english[0] for item in found}


def test_lookups_by_hand():
    assert names(lexicon.nouns("drink")) == {"water", "milk", "coffee"}
    assert names(lexicon.objects(VERB["drive"])) == {"boat", "car"}
    assert names(lexicon.subjects(VERB["howl"])) == {"dog", "wolf"}
    assert names(lexicon.adjectives(lexicon.NOUN["milk"], True, neutral=False)) == {"good"}
    assert names(lexicon.adjectives(lexicon.NOUN["milk"], False, neutral=True)) == set()
    assert {verb.english[1] for verb in lexicon.done_to(lexicon.NOUN["milk"])} == {"drink", "hate"}


def test_tense_and_set_limit_the_verbs():
    king = lexicon.NOUN["king"]
    assert VERB["like"] in lexicon.transitives(king, past=False)
    assert VERB["like"] not in lexicon.transitives(king, past=True)
    assert lexicon.intransitives(king, False, frozenset({"sing", "howl"})) == (VERB["sing"],)


def test_very_goes_with_no_colour():
    book = lexicon.NOUN["book"]
    assert "red" in names(lexicon.predicates(book))
    assert "red" not in names(lexicon.predicates(book, graded=True))


def test_every_noun_can_be_used():
    for noun in NOUNS:
        assert lexicon.done_to(noun), noun
        assert lexicon.predicates(noun, graded=True), noun


def test_sets_name_verbs():
    assert lexicon.PLACEABLE | lexicon.MOMENTARY | lexicon.CHOICES <= lexicon.ALL
