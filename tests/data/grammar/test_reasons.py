from collections import Counter
from random import Random

import pytest

from txlib.data.grammar import Referent, lexicon
from txlib.data.grammar.draft import Draft
from txlib.data.grammar.plots import MOODS, REFUSALS, SCENES
from txlib.data.grammar.reasons import MOOD_SIZES, SCENE_SIZES, mood, scene
from txlib.data.grammar.verbs import VERB


@pytest.mark.parametrize(
    ("english", "french", "referent"),
    [
        (
            "the mouse did not cross the bridge because it was too narrow .",
            "la souris n' a pas traversé le pont parce qu' il était trop étroit .",
            Referent(8, 6, 10, 7),
        ),
        (
            "the mouse did not cross the bridge because it was too tired .",
            "la souris n' a pas traversé le pont parce qu' elle était trop fatiguée .",
            Referent(8, 1, 10, 1),
        ),
        (
            "the wolf does not cross the river because it is too deep .",
            "le loup ne traverse pas la rivière parce qu' elle est trop profonde .",
            Referent(8, 6, 9, 6),
        ),
        (
            "the wolf leaves the beach because it is too noisy .",
            "le loup quitte la plage parce qu' elle est trop bruyante .",
            Referent(6, 4, 7, 4),
        ),
        (
            "the man did not read the letter because it was too long .",
            "l' homme n' a pas lu la lettre parce qu' elle était trop longue .",
            Referent(8, 6, 10, 7),
        ),
        (
            "the man did not read the letter because he was too tired .",
            "l' homme n' a pas lu la lettre parce qu' il était trop fatigué .",
            None,
        ),
        (
            "the cow sleeps because it is very tired .",
            "la vache dort parce qu' elle est très fatiguée .",
            Referent(4, 1, 5, 1),
        ),
        (
            "the queens cry because they are very sad .",
            "les reines pleurent parce qu' elles sont très tristes .",
            None,
        ),
        (
            "the king and the queen cry because they are very sad .",
            "le roi et la reine pleurent parce qu' ils sont très tristes .",
            None,
        ),
    ],
)
def test_meaning_decides_the_pronoun(write, english, french, referent):
    pair = write(english)
    assert pair.target == tuple(french.split())
    assert pair.referent == referent


def test_gender_and_referent_of_scenes_are_fair_coins():
    nouns = {noun.english[0]: noun for noun in lexicon.NOUNS}
    counts = Counter()
    for seed in range(3000):
        draft = Draft(Random(seed))
        scene(draft, 13, past=True)
        named = [nouns[word] for word in draft.english if word in nouns]
        if draft.referents and "animal" in named[0].tags:
            meant = draft.english[draft.referents[0][1]]
            counts[named[0].gender, named[1].gender, meant == named[0].english[0]] += 1
    assert len(counts) == 8
    assert max(counts.values()) < 1.35 * min(counts.values())


@pytest.mark.parametrize("past", [False, True])
@pytest.mark.parametrize(
    ("write_reason", "sizes"), [(scene, SCENE_SIZES), (mood, MOOD_SIZES)], ids=["scene", "mood"]
)
def test_sizes(write_reason, sizes, past):
    for size in sizes:
        for seed in range(100):
            draft = Draft(Random(seed))
            write_reason(draft, size, past)
            assert len(draft.english) == size


def test_no_reason_fits_both_actor_and_object():
    for plot in SCENES:
        for reasons in plot.grounds.values():
            assert set(plot.own).isdisjoint(reasons)


def test_both_genders_can_be_the_object_of_every_scene():
    for plot in SCENES:
        assert {lexicon.NOUN[name].gender for name in plot.grounds} == {"m", "f"}


def test_everybody_who_acts_has_a_reason():
    for table in (MOODS, REFUSALS):
        for word, reasons in table.items():
            for noun in lexicon.subjects(VERB[word]):
                assert any(lexicon.ADJECTIVE[reason].tags & noun.tags for reason in reasons)
