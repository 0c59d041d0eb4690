import warnings

import pytest
from matplotlib.figure import Figure

from txlib.plotting import to_png
from txlib.plotting.tokens import drawable, label_tokens, shorten


def test_short_tokens_stay():
    assert shorten("animal") == "animal"
    assert shorten("a" * 14) == "a" * 14


def test_long_tokens_are_cut_to_fourteen():
    assert shorten("abcdefghijklmnopq") == "abcdefghijklm…"


@pytest.mark.parametrize(
    ("token", "label"), [(" the", "␣the"), ("\n", "↵"), ("\t", "⇥"), ("\x00", "□")]
)
def test_white_space_is_seen(token, label):
    assert shorten(token) == label


def test_every_label_can_be_drawn():
    assert drawable("l'été, œuf") == "l'été, œuf"
    assert drawable("\U000e0041") == "□"  # a tag character, which no font draws


def test_labels_are_no_mathematics_and_do_not_warn():
    figure = Figure()
    ax = figure.subplots()
    label_tokens(ax.xaxis, ["$x", "y$", "$a$", "我"], size=9, rotation=45)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig("/dev/null", format="png")
    labels = ax.get_xticklabels()
    assert [t.get_text() for t in labels[:3]] == ["$x", "y$", "$a$"]
    assert not any(t.get_parse_math() for t in labels)
    assert to_png(figure)
