import pytest

from txlib.data.grammar.english import add_ed, add_s, indefinite


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("cat", "cats"),
        ("fox", "foxes"),
        ("church", "churches"),
        ("lady", "ladies"),
        ("boy", "boys"),
        ("go", "goes"),
        ("wash", "washes"),
    ],
)
def test_add_s(word, form):
    assert add_s(word) == form


@pytest.mark.parametrize(
    ("word", "form"), [("open", "opened"), ("like", "liked"), ("cry", "cried"), ("play", "played")]
)
def test_add_ed(word, form):
    assert add_ed(word) == form


@pytest.mark.parametrize(("word", "article"), [("owl", "an"), ("old", "an"), ("hero", "a")])
def test_indefinite(word, article):
    assert indefinite(word) == article
