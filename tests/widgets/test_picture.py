import io

import pytest
from PIL import Image

from txlib.widgets import picture


def test_blank_is_bare_and_of_its_size():
    figure = picture.blank(4, 3, rows=2)
    assert figure.get_size_inches().tolist() == [4, 3]
    assert [axes.axison for axes in figure.axes] == [False, False]


def test_text_is_written_literally():
    figure = picture.blank(3, 1)
    picture.write(figure.axes[0], 0.5, 0.5, "$x^2 翻", color=picture.PATH)
    text = figure.axes[0].texts[0]
    assert (text.get_text(), text.get_color()) == ("$x^2 翻", picture.PATH)
    image = Image.open(io.BytesIO(picture.to_png(figure)))  # no warning for a glyph that is missing
    assert image.size == (3 * picture.DPI, picture.DPI)
    assert image.mode == "P"


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("a `b` c", 9, ["a b c"]),
        ("one two three", 7, ["one two", "three"]),
        ("翻译机器翻译", 6, ["翻译机", "器翻译"]),
        ("", 5, [""]),
    ],
)
def test_wrap(text, width, lines):
    assert picture.wrap(text, width) == lines


def test_shorten():
    assert picture.shorten("attention", 9) == "attention"
    assert picture.shorten("attention", 8) == "attenti…"
