import pytest

from txlib.data.grammar.french import conjugate, feminine, join, plural, starts_with_vowel


def joined(text: str) -> str:
    return " ".join(word for word, _ in join([(word, ()) for word in text.split()]))


@pytest.mark.parametrize(
    ("apart", "together"),
    [
        ("le animal ne a pas vu la oie", "l' animal n' a pas vu l' oie"),
        ("le hibou ne hurle pas", "le hibou ne hurle pas"),
        ("la héroïne voit le héros", "l' héroïne voit le héros"),
        ("la hache et la horloge", "la hache et l' horloge"),
        ("près de le lac", "près du lac"),
        ("près de la école", "près de l' école"),
        ("près de le hôtel", "près de l' hôtel"),
        ("près de les arbres", "près des arbres"),
        ("à le roi , à les rois , à la reine", "au roi , aux rois , à la reine"),
        ("à le oncle et à le hameau", "à l' oncle et au hameau"),
        ("parce que il dort", "parce qu' il dort"),
        ("pendant que un roi rit", "pendant qu' un roi rit"),
        ("ce animal et ce hérisson", "cet animal et ce hérisson"),
        ("il le aime et la voit", "il l' aime et la voit"),
        ("la tarte que elle mange", "la tarte qu' elle mange"),
        ("les œufs de une oie", "les œufs d' une oie"),
    ],
)
def test_join(apart, together):
    assert joined(apart) == together


def test_a_contracted_word_translates_what_its_parts_translate():
    items = [("près", (3,)), ("de", (3,)), ("le", (4,)), ("lac", (5,))]
    assert join(items) == [("près", (3,)), ("du", (3, 4)), ("lac", (5,))]


def test_join_leaves_its_argument_alone():
    items = [("de", (0,)), ("le", (1,)), ("roi", (2,))]
    before = list(items)
    join(items)
    assert items == before


@pytest.mark.parametrize("word", ["animal", "âne", "école", "œuf", "île", "hôtel", "homme"])
def test_vowels_and_mute_h(word):
    assert starts_with_vowel(word)


@pytest.mark.parametrize("word", ["chat", "hibou", "héros", "hache", "hameau", "hurle", "."])
def test_consonants_and_aspirated_h(word):
    assert not starts_with_vowel(word)


@pytest.mark.parametrize(
    ("singular", "form"),
    [("chat", "chats"), ("cheval", "chevaux"), ("oiseau", "oiseaux"), ("souris", "souris")],
)
def test_plural(singular, form):
    assert plural(singular) == form


@pytest.mark.parametrize(
    ("masculine", "form"),
    [
        ("petit", "petite"),
        ("jeune", "jeune"),
        ("heureux", "heureuse"),
        ("fier", "fière"),
        ("bon", "bonne"),
        ("fatigué", "fatiguée"),
    ],
)
def test_feminine(masculine, form):
    assert feminine(masculine) == form


def test_conjugate():
    assert conjugate("chanter") == ("chante", "chantent", "chanté")
    assert conjugate("choisir") == ("choisit", "choisissent", "choisi")


def test_conjugate_refuses_what_is_irregular():
    with pytest.raises(ValueError, match=r"must end in -er or -ir to be regular, got 'boire'"):
        conjugate("boire")
