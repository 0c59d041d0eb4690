from collections import Counter

import pytest

from txlib.data.grammar.nouns import NOUNS

BY_ENGLISH = {noun.english[0]: noun for noun in NOUNS}


@pytest.mark.parametrize(
    ("english", "plural", "french", "french_plural", "gender"),
    [
        ("mouse", "mice", "souris", "souris", "f"),
        ("goose", "geese", "oie", "oies", "f"),
        ("wolf", "wolves", "loup", "loups", "m"),
        ("horse", "horses", "cheval", "chevaux", "m"),
        ("owl", "owls", "hibou", "hiboux", "m"),
        ("bear", "bears", "ours", "ours", "m"),
        ("hero", "heroes", "héros", "héros", "m"),
        ("woman", "women", "femme", "femmes", "f"),
        ("princess", "princesses", "princesse", "princesses", "f"),
        ("cake", "cakes", "gâteau", "gâteaux", "m"),
        ("newspaper", "newspapers", "journal", "journaux", "m"),
        ("story", "stories", "histoire", "histoires", "f"),
        ("church", "churches", "église", "églises", "f"),
        ("hospital", "hospitals", "hôpital", "hôpitaux", "m"),
    ],
)
def test_forms(english, plural, french, french_plural, gender):
    noun = BY_ENGLISH[english]
    assert (noun.english, noun.french) == ((english, plural), (french, french_plural))
    assert noun.gender == gender


def test_no_form_means_two_nouns():
    for side in ("english", "french"):
        forms = Counter(form for noun in NOUNS for form in set(getattr(noun, side)))
        assert max(forms.values()) == 1


def test_english_tells_number():
    assert all(noun.english[0] != noun.english[1] for noun in NOUNS)


@pytest.mark.parametrize("kind", ["animal", "person", "place"])
def test_genders_are_balanced(kind):
    genders = Counter(noun.gender for noun in NOUNS if kind in noun.tags)
    assert abs(genders["m"] - genders["f"]) <= 2


def test_only_masses_lack_a_plural():
    assert not BY_ENGLISH["milk"].countable
    assert BY_ENGLISH["cat"].countable
