from random import Random

import pytest

from txlib.data.grammar import lexicon
from txlib.data.grammar.clauses import CLAUSE_SIZES, EVENT_SIZES, Setting, clause
from txlib.data.grammar.draft import Draft


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the girl gives the boy the book .", "la fille donne le livre au garçon ."),
        ("the girl gives the book to the boys .", "la fille donne le livre aux garçons ."),
        ("the girl gives the hero an apple .", "la fille donne une pomme au héros ."),
        ("the girl gives the uncle an apple .", "la fille donne une pomme à l' oncle ."),
        ("the queen comes from the castle .", "la reine vient du château ."),
        ("the queen goes to the school .", "la reine va à l' école ."),
        ("the men go to the market .", "les hommes vont au marché ."),
    ],
)
def test_kinds_of_clause(write, english, french):
    assert write(english).target == tuple(french.split())


def test_two_objects_cross_in_the_alignment(write):
    pair = write("the girl gives the boy the book .")
    assert pair.alignment >= {(4, 6), (5, 3), (5, 4), (6, 4)}  # livre: book; au: the, boy


@pytest.mark.parametrize("past", [False, True])
@pytest.mark.parametrize("happens", [False, True])
@pytest.mark.parametrize("size", CLAUSE_SIZES)
def test_clause_has_its_size(size, past, happens):
    for seed in range(60):
        draft = Draft(Random(seed))
        clause(draft, size, Setting(past), happens=happens)
        assert len(draft.english) == size


@pytest.mark.parametrize("past", [False, True])
@pytest.mark.parametrize("size", EVENT_SIZES)
def test_event_is_affirmed(size, past):
    setting = Setting(past, lexicon.MOMENTARY if past else lexicon.DEEDS)
    for seed in range(60):
        draft = Draft(Random(seed))
        clause(draft, size, setting, event=True)
        assert len(draft.english) == size
        if {"that", "who"}.isdisjoint(draft.english):  # a relative clause may deny something
            assert {"not", "never", "hates", "likes", "knows"}.isdisjoint(draft.english)


def test_no_indefinite_object_under_a_negation():
    """French would say "de" there."""
    for seed in range(3000):
        draft = Draft(Random(seed))
        items = clause(draft, 7, Setting(False))
        words = [word for word, _ in items]
        for particle in {"pas", "jamais"}.intersection(words):
            following = words[words.index(particle) + 1 :][:1]
            assert not {"un", "une", "deux", "trois", "quatre"}.intersection(following)
