import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txlib.data import multi30k
from txlib.data.words import join_words, split_words
from txlib.metrics import corpus_bleu


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("L'animal n'a pas traversé.", ["L'", "animal", "n'", "a", "pas", "traversé", "."]),
        ("quelqu\N{RIGHT SINGLE QUOTATION MARK}un", ["quelqu'", "un"]),
        ("A woman's t-shirt, size 3.5", ["A", "woman'", "s", "t-shirt", ",", "size", "3.5"]),
        ("95,000 fans...", ["95,000", "fans", ".", ".", "."]),
        ("the dogs' bowl", ["the", "dogs", "'", "bowl"]),
        ('He said "no" (twice)!', ["He", "said", '"', "no", '"', "(", "twice", ")", "!"]),
        ("e\N{COMBINING ACUTE ACCENT}cole", ["école"]),
        (" \t\n", []),
    ],
)
def test_split_by_hand(text, words):
    assert split_words(text) == words


def test_lowercase():
    assert split_words("L'École", lowercase=True) == ["l'", "école"]
    assert split_words("L'École") == ["L'", "École"]


@pytest.mark.parametrize(
    "text",
    [
        "L'animal n'a pas traversé la rue, parce qu'il était trop fatigué.",
        'He said "no" (twice), and "yes" once!',
        "A woman's t-shirt: 95,000 sold; 50% off?",
        "the dogs' bowl",
        "",
    ],
)
def test_join_restores_what_split_took_apart(text):
    assert join_words(split_words(text)) == text


@settings(deadline=None)
@given(st.text())
def test_no_letter_is_lost(text):
    words = split_words(text)
    assert all(word and not any(map(str.isspace, word)) for word in words)
    assert "".join(join_words(words).split()) == "".join(words)


@pytest.mark.parametrize("language", [0, 1])
def test_real_captions_survive_for_bleu(real_data, language):
    captions = [pair[language] for pair in multi30k.load("test", root=real_data)]
    joined = [join_words(split_words(caption)) for caption in captions]
    assert sum(map(str.__eq__, captions, joined)) > 0.99 * len(captions)
    assert corpus_bleu(joined, captions) > 99.9
