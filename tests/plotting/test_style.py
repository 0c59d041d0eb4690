import itertools
import subprocess
import sys

import matplotlib as mpl
import pytest
from matplotlib.colors import to_rgb

from txlib.plotting import PALETTE, use_style
from txlib.plotting.style import COLORS, SIGNED_CMAP, STYLE, WEIGHTS_CMAP, series_styles

NAMES = ["RNN", "LSTM", "GRU", "attention", "convolution", "transformer", "guess", "coin"]


def luminance(color):
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_named_colours_come_from_the_palette_or_are_grey():
    for name, color in COLORS.items():
        grey = len(set(to_rgb(color))) == 1
        assert color in PALETTE or grey, name


def test_models_differ_without_colour():
    styles = series_styles(NAMES)
    assert len({s.marker for s in styles}) == len(NAMES)
    assert len({s.hatch for s in styles}) == len(NAMES)
    assert len({(s.color, s.linestyle) for s in styles}) == len(NAMES)


@pytest.mark.parametrize("others", [[], ["guess"], ["GRU", "attention"]])
def test_a_model_keeps_its_style_in_any_company(others):
    alone = series_styles(["LSTM"])[0]
    assert series_styles([*others, "LSTM"])[-1] == alone
    assert alone.color == COLORS["lstm"]


def test_two_of_a_kind_share_the_colour_and_differ_in_all_marks():
    first, second = series_styles(["LSTM, forget bias 0", "LSTM, forget bias 1"])
    assert first.color == second.color == COLORS["lstm"]
    assert first.marker != second.marker
    assert first.linestyle != second.linestyle
    assert first.hatch != second.hatch


def test_the_model_named_first_decides():
    assert series_styles(["LSTM with attention"])[0].color == COLORS["lstm"]
    assert series_styles(["attention over an LSTM"])[0].color == COLORS["attention"]


def test_too_many_series():
    with pytest.raises(ValueError, match="at most 10 series fit one figure, got 11"):
        series_styles([f"run {i}" for i in range(11)])


def test_weights_get_steadily_darker():
    steps = [luminance(WEIGHTS_CMAP(i / 20)) for i in range(21)]
    assert steps[0] == pytest.approx(1.0)
    assert all(a > b for a, b in itertools.pairwise(steps))


def test_signed_map_is_white_at_zero():
    assert luminance(SIGNED_CMAP(0.5)) > 0.97
    assert luminance(SIGNED_CMAP(0.0)) < 0.1
    assert luminance(SIGNED_CMAP(1.0)) < 0.1


def test_use_style_sets_the_rc():
    with mpl.rc_context():
        use_style()
        assert mpl.rcParams["font.size"] == STYLE["font.size"] >= 11
        assert list(mpl.rcParams["figure.figsize"]) == [6.4, 3.6]
        assert not mpl.rcParams["axes.spines.top"]


def test_import_leaves_backend_pyplot_and_torch_alone():
    code = (
        "import matplotlib, sys; before = dict.__getitem__(matplotlib.rcParams, 'backend');"
        "import txlib.plotting;"
        "assert dict.__getitem__(matplotlib.rcParams, 'backend') is before;"
        "assert 'matplotlib.pyplot' not in sys.modules;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
