import numpy as np
import pytest

from txlib.plotting.speed import aim_bars
from txlib.plotting.style import PALETTE

MARGINS = {"met with room": 250.0, "just met": 1.0, "missed by half": 0.5}


def bars(figure):
    return figure.axes[0].patches


def test_bars_end_at_the_margins():
    (ax,) = (figure := aim_bars(MARGINS)).axes
    ends = [bar.get_x() + bar.get_width() for bar in bars(figure)]
    np.testing.assert_allclose(ends, list(MARGINS.values()))
    assert [label.get_text() for label in ax.get_yticklabels()] == list(MARGINS)
    assert ax.get_xscale() == "log"
    low, high = ax.get_xlim()
    assert low < 0.5
    assert high > 250


def test_a_missed_aim_is_told_by_more_than_its_colour():
    kinds = [(bar.get_facecolor(), bar.get_hatch()) for bar in bars(aim_bars(MARGINS))]
    assert kinds[0] == kinds[1] != kinds[2]
    assert kinds[0][1] != kinds[2][1]
    assert PALETTE[2] != PALETTE[1]


def test_the_first_stands_at_the_top_and_each_has_its_number():
    figure = aim_bars(MARGINS)
    heights = [bar.get_y() for bar in bars(figure)]
    assert heights == sorted(heights, reverse=True)
    assert [text.get_text() for text in figure.axes[0].texts] == ["250", "1", "0.5"]


def test_long_names_are_wrapped():
    (ax,) = aim_bars({"GPT decoding, 512 tokens: speed over no cache": 2.0}).axes
    assert [label.get_text().count("\n") for label in ax.get_yticklabels()] == [1]


def test_the_figure_grows_with_its_bars():
    many = aim_bars({str(i): 1.0 + i for i in range(12)})
    assert many.get_figheight() > aim_bars(MARGINS).get_figheight()
    assert aim_bars(MARGINS, title="one missed").axes[0].get_title(loc="left") == "one missed"


@pytest.mark.parametrize(
    ("margins", "message"),
    [({}, "at least one bar"), ({"a": 0.0}, "margins must be positive on a log axis")],
)
def test_errors(margins, message):
    with pytest.raises(ValueError, match=message):
        aim_bars(margins)
