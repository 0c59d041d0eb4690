import pytest

from txlib.plotting import timeline, to_png

EVENTS = [
    (2014, "GRU", "two gates instead of three"),
    (1990, "RNN", "a state that is carried from each word to the next, and read at the end"),
    (2014, "Sequence to sequence", "one network reads, another writes"),
    (1997, "LSTM", "gates"),
]


def test_in_order_each_year_once():
    ax = timeline(EVENTS, title="How it went").axes[0]
    bold = [t.get_text() for t in ax.texts if t.get_fontweight() == "bold"]
    assert bold == ["1990", "RNN", "1997", "LSTM", "2014", "GRU", "", "Sequence to sequence"]
    assert ax.get_title(loc="left") == "How it went"


def test_longer_waits_are_longer_gaps():
    ax = timeline([(1990, "a", "x"), (1997, "b", "x"), (2014, "c", "x")]).axes[0]
    heights = [dot.get_offsets()[0, 1] for dot in ax.collections]
    assert heights[1] - heights[0] < heights[2] - heights[1]


def test_words_neither_collide_nor_leave_the_figure():
    figure = timeline(EVENTS)
    to_png(figure)
    extents = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text()]
    assert all(e.x0 >= 0 and e.x1 <= figure.bbox.x1 for e in extents)
    assert all(e.y0 >= 0 and e.y1 <= figure.bbox.y1 for e in extents)
    assert not any(a.overlaps(b) for i, a in enumerate(extents) for b in extents[:i])


def test_no_events():
    with pytest.raises(ValueError, match="at least one"):
        timeline([])
