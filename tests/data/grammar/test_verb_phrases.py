from random import Random

import pytest

from txlib.data.grammar.draft import Draft
from txlib.data.grammar.french import join
from txlib.data.grammar.verb_phrases import VerbPhrase, copula
from txlib.data.grammar.verbs import VERB


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("the king 's owl does not run .", "le hibou du roi ne court pas ."),
        ("the dogs do not howl .", "les chiens ne hurlent pas ."),
        ("the king did not see the cat .", "le roi n' a pas vu le chat ."),
        ("the kings saw the cat .", "les rois ont vu le chat ."),
        ("the mouse often avoids three cats .", "la souris évite souvent trois chats ."),
        ("the girl never hesitates .", "la fille n' hésite jamais ."),
        ("the boys never slept .", "les garçons n' ont jamais dormi ."),
        ("the mouse also saw the cat .", "la souris a aussi vu le chat ."),
        ("the cats can see the king .", "les chats peuvent voir le roi ."),
        ("the cat wants to sleep .", "le chat veut dormir ."),
        ("the key is not very heavy .", "la clé n' est pas très lourde ."),
        ("the keys were heavy .", "les clés étaient lourdes ."),
    ],
)
def test_forms_of_the_verb(write, english, french):
    assert write(english).target == tuple(french.split())


def test_negation_in_the_alignment(write):
    pair = write("the king did not see the cat .")
    # le roi n' a pas vu: both halves of the negation render "not", the auxiliary renders "did"
    assert pair.alignment >= {(2, 3), (3, 2), (4, 3), (5, 4)}
    pair = write("the kings saw the cat .")
    assert pair.alignment >= {(2, 2), (3, 2)}  # ont vu: saw


@pytest.mark.parametrize(
    ("size", "sentences"),
    [
        (1, {"sees it: la voit"}),
        (
            2,
            {
                "also sees it: la voit aussi",
                "finally sees it: la voit enfin",
                "can see it: peut la voir",
                "must see it: doit la voir",
            },
        ),
        (3, {"does not see it: ne la voit pas", "wants to see it: veut la voir"}),
    ],
)
def test_pronoun_moves_before_the_verb_that_governs_it(size, sentences):
    seen = set()
    for seed in range(200):
        draft = Draft(Random(seed))
        phrase = VerbPhrase(draft, size, past=False, timed=True)
        items = join(phrase.write(VERB["see"], False, ("it", "la")))
        seen.add(" ".join(draft.english) + ": " + " ".join(word for word, _ in items))
    assert seen == sentences


def test_negative_asks_for_a_negation():
    assert all(
        VerbPhrase(Draft(Random(seed)), 3, past=False, negative=True).negated for seed in range(50)
    )


def test_copula():
    draft = Draft(Random(0))
    forms = [copula(draft, plural, past)[0] for past in (False, True) for plural in (False, True)]
    assert forms == ["est", "sont", "était", "étaient"]
    assert draft.english == ["is", "are", "was", "were"]
