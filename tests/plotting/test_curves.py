import numpy as np
import pytest
from matplotlib.colors import to_hex

from txlib.plotting import COLORS, curves_with_bands, to_png

X = np.array([1.0, 2.0, 4.0, 8.0])
RUNS = np.array([[1.0, 5.0, 2.0, 3.0], [2.0, 4.0, 9.0, 3.5], [6.0, 0.5, 4.0, 1.0]])
LABELS = {"xlabel": "length (words)", "ylabel": "BLEU"}


def test_lines_and_bands_hold_the_data():
    figure = curves_with_bands(X, {"LSTM": RUNS, "GRU": RUNS[0]}, **LABELS)
    ax = figure.axes[0]
    lstm, gru = ax.lines
    np.testing.assert_array_equal(lstm.get_xdata(), X)
    np.testing.assert_array_equal(lstm.get_ydata(), np.median(RUNS, axis=0))
    np.testing.assert_array_equal(gru.get_ydata(), RUNS[0])
    assert to_hex(lstm.get_color()).upper() == COLORS["lstm"]
    (band,) = ax.collections  # the single run has none
    corners = {tuple(vertex) for vertex in band.get_paths()[0].vertices}
    assert corners >= set(zip(X, RUNS.min(axis=0), strict=True))
    assert corners >= set(zip(X, RUNS.max(axis=0), strict=True))


def test_words_on_the_figure():
    figure = curves_with_bands(X, {"LSTM": RUNS, "GRU": RUNS}, title="It falls", **LABELS)
    ax = figure.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length (words)", "BLEU")
    (legend,) = figure.legends
    assert legend.get_title().get_text() == "It falls"
    assert [t.get_text() for t in legend.get_texts()] == ["LSTM", "GRU"]
    assert [t.get_text() for t in figure.texts] == ["median of 3 seeds; band: smallest to largest"]


def test_legend_and_small_print_hide_nothing():
    names = ["RNN", "LSTM, forget bias 0", "LSTM, forget bias 1", "GRU", "attention"]
    figure = curves_with_bands(X, dict.fromkeys(names, RUNS), title="It falls", **LABELS)
    to_png(figure)
    inside = figure.axes[0].get_tightbbox()
    legend, note = figure.legends[0].get_window_extent(), figure.texts[0].get_window_extent()
    assert legend.y0 >= inside.y1 - 1
    assert note.y1 <= inside.y0 + 1
    assert legend.x1 <= figure.bbox.x1
    assert figure.axes[0].get_window_extent().height > 2 * figure.dpi


def test_log_axes_and_marks():
    figure = curves_with_bands(
        X,
        {"a": RUNS},
        log_x=True,
        log_y=True,
        mark_x={3: "trained"},
        mark_y={2: "chance"},
        **LABELS,
    )
    ax = figure.axes[0]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [t.get_text() for t in ax.texts] == ["trained", "chance"]
    assert len(ax.lines) == 3
    figure.draw_without_rendering()
    above = ax.texts[0].get_window_extent().y0
    assert above >= ax.get_window_extent().y1  # where no curve can run through it
    assert above < figure.legends[0].get_window_extent().y0


def test_errors():
    with pytest.raises(ValueError, match=r"series 'a' .* with 4 points, got shape \(4, 3\)"):
        curves_with_bands(X, {"a": RUNS.T}, **LABELS)
    with pytest.raises(ValueError, match="x must be positive on a log axis, got 0"):
        curves_with_bands(X - 1, {"a": RUNS}, log_x=True, **LABELS)
    with pytest.raises(ValueError, match=r"series 'a' must be positive on a log axis, got -0\.5"):
        curves_with_bands(X, {"a": RUNS - 1}, log_y=True, **LABELS)
