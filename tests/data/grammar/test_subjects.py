from random import Random

import pytest

from txlib.data.grammar import lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.subjects import subject


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the cow and the mouse are white .", "la vache et la souris sont blanches ."),
        ("the cow and the dog are white .", "la vache et le chien sont blancs ."),
    ],
)
def test_two_subjects_are_plural_and_feminine_only_together(write, english, french):
    assert write(english).target == tuple(french.split())


@pytest.mark.parametrize("size", range(2, 9))
def test_every_size(size):
    for seed in range(200):
        draft = Draft(Random(seed))
        subject(draft, size, past=False)
        assert len(draft.english) == size


def test_both_come_from_the_given_nouns():
    birds = lexicon.nouns("wings")
    names = {form for noun in birds for form in noun.english}
    for seed in range(200):
        draft = Draft(Random(seed))
        mention = subject(draft, 5, past=False, nouns=birds)
        if "and" in draft.english:
            assert {draft.english[1], draft.english[4]} <= names
            assert mention.is_plural
