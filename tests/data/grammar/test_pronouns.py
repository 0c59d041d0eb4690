from random import Random

import pytest

from txlib.data.grammar.draft import Draft
from txlib.data.grammar.pronouns import SEQUEL_SIZES, SEQUELS, sequel
from txlib.data.grammar.verbs import TRANSITIVES


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the king sees the key and takes it .", "le roi voit la clé et la prend ."),
        ("the king sees the book and takes it .", "le roi voit le livre et le prend ."),
        ("the king buys the book and hides it .", "le roi achète le livre et le cache ."),
        ("the king meets the queen and avoids her .", "le roi rencontre la reine et l' évite ."),
        ("the king meets the boy and follows him .", "le roi rencontre le garçon et le suit ."),
        ("the girl sees the cats and avoids them .", "la fille voit les chats et les évite ."),
        (
            "the girl sees the key but does not take it .",
            "la fille voit la clé mais ne la prend pas .",
        ),
        (
            "the dog sees the mouse and wants to follow it .",
            "le chien voit la souris et veut la suivre .",
        ),
        (
            "the girl opens the box and the king closes it .",
            "la fille ouvre la boîte et le roi la ferme .",
        ),
    ],
)
def test_object_pronouns_move_before_the_verb(write, english, french):
    pair = write(english)
    assert pair.target == tuple(french.split())
    assert pair.referent is None


def test_moved_pronoun_crosses_the_verb_in_the_alignment(write):
    pair = write("the king sees the key and takes it .")
    assert pair.alignment >= {(5, 5), (6, 7), (7, 6)}  # et la prend: and, it, takes


@pytest.mark.parametrize("size", SEQUEL_SIZES)
def test_sequel_has_its_size(size):
    for seed in range(100):
        draft = Draft(Random(seed))
        sequel(draft, size)
        assert len(draft.english) == size
        assert not {"it", "them", "him", "her"}.isdisjoint(draft.english)


def test_every_sequel_is_a_verb_that_takes_an_object():
    verbs = {verb.english[1] for verb in TRANSITIVES}
    assert verbs.issuperset(SEQUELS)
    assert all(verbs.issuperset(following) for following in SEQUELS.values())


def test_sequel_has_no_past():
    with pytest.raises(ValueError, match="a sequel must be in the present, got past=True"):
        sequel(Draft(Random(0)), 9, past=True)
