import pytest

from txlib.data.grammar.nouns import NOUNS
from txlib.data.grammar.verbs import VERB, VERBS


@pytest.mark.parametrize(
    ("english", "past", "french", "participle"),
    [
        (("sees", "see"), "saw", ("voit", "voient"), "vu"),
        (("sleeps", "sleep"), "slept", ("dort", "dorment"), "dormi"),
        (("cries", "cry"), "cried", ("pleure", "pleurent"), "pleuré"),
        (("flies", "fly"), "flew", ("vole", "volent"), "volé"),
        (("buys", "buy"), "bought", ("achète", "achètent"), "acheté"),
        (("drinks", "drink"), "drank", ("boit", "boivent"), "bu"),
        (("takes", "take"), "took", ("prend", "prennent"), "pris"),
        (("opens", "open"), "opened", ("ouvre", "ouvrent"), "ouvert"),
        (("crosses", "cross"), "crossed", ("traverse", "traversent"), "traversé"),
        (("chooses", "choose"), "chose", ("choisit", "choisissent"), "choisi"),
        (("paints", "paint"), "painted", ("peint", "peignent"), "peint"),
        (("reads", "read"), "", ("lit", "lisent"), "lu"),
    ],
)
def test_forms(english, past, french, participle):
    verb = VERB[english[1]]
    assert (verb.english, verb.past) == (english, past)
    assert (verb.french, verb.participle) == (french, participle)


def test_every_tag_is_that_of_a_noun():
    known = frozenset().union(*(noun.tags for noun in NOUNS))
    assert all(verb.subjects | verb.objects <= known for verb in VERBS)


def test_no_past_looks_like_a_present():
    """Else one English sentence would have two translations."""
    presents = {form for verb in VERBS for form in verb.english}
    assert presents.isdisjoint(verb.past for verb in VERBS)
