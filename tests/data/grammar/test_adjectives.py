import pytest

from txlib.data.grammar.adjectives import ADJECTIVES

BY_ENGLISH = {adjective.english: adjective for adjective in ADJECTIVES}


@pytest.mark.parametrize(
    ("english", "forms", "precedes"),
    [
        ("old", ["vieux", "vieux", "vieille", "vieilles"], True),
        ("beautiful", ["beau", "beaux", "belle", "belles"], True),
        ("new", ["nouveau", "nouveaux", "nouvelle", "nouvelles"], True),
        ("big", ["grand", "grands", "grande", "grandes"], True),
        ("long", ["long", "longs", "longue", "longues"], True),
        ("good", ["bon", "bons", "bonne", "bonnes"], True),
        ("white", ["blanc", "blancs", "blanche", "blanches"], False),
        ("grey", ["gris", "gris", "grise", "grises"], False),
        ("red", ["rouge", "rouges", "rouge", "rouges"], False),
        ("happy", ["heureux", "heureux", "heureuse", "heureuses"], False),
        ("proud", ["fier", "fiers", "fière", "fières"], False),
        ("fresh", ["frais", "frais", "fraîche", "fraîches"], False),
        ("tired", ["fatigué", "fatigués", "fatiguée", "fatiguées"], False),
        ("wide", ["large", "larges", "large", "larges"], False),
    ],
)
def test_forms(english, forms, precedes):
    adjective = BY_ENGLISH[english]
    assert [adjective.agree(g, n) for g in "mf" for n in (False, True)] == forms
    assert adjective.precedes == precedes


@pytest.mark.parametrize(
    ("english", "following", "gender", "is_plural", "form"),
    [
        ("old", "animal", "m", False, "vieil"),
        ("old", "hibou", "m", False, "vieux"),
        ("old", "animaux", "m", True, "vieux"),
        ("old", "araignée", "f", False, "vieille"),
        ("beautiful", "homme", "m", False, "bel"),
        ("beautiful", "héros", "m", False, "beau"),
        ("new", "hôtel", "m", False, "nouvel"),
        ("big", "animal", "m", False, "grand"),
    ],
)
def test_before_a_vowel(english, following, gender, is_plural, form):
    assert BY_ENGLISH[english].agree_before(following, gender, is_plural) == form


def test_each_adjective_once():
    assert len(BY_ENGLISH) == len(ADJECTIVES)
    assert len({adjective.masculine for adjective in ADJECTIVES}) == len(ADJECTIVES)
