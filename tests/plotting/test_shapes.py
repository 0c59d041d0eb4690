import pytest
from matplotlib.patches import Rectangle

from txlib.plotting import matrix_shapes, to_png


def outlines(ax):
    boxes = [p for p in ax.patches if isinstance(p, Rectangle) and p.get_gid()]
    return {box.get_gid(): (box.get_height(), box.get_width()) for box in boxes}


def test_rectangles_are_as_high_as_rows_and_as_wide_as_columns():
    above, below = matrix_shapes(3, 5, 4, 2).axes
    assert outlines(above) == {"$Q$": (3, 4), r"$K^\top$": (4, 5), "scores": (3, 5)}
    assert outlines(below) == {"weights": (3, 5), "$V$": (5, 2), "context": (3, 2)}


def test_both_rows_have_one_scale():
    figure = matrix_shapes(3, 5, 4, 2)
    to_png(figure)
    cells = [ax.transData.transform([(0, 0), (1, 1)]) for ax in figure.axes]
    sizes = [corner[1] - corner[0] for corner in cells]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.02)


def test_nothing_overlaps_or_leaves_the_figure():
    figure = matrix_shapes(3, 5, 4, 2)
    to_png(figure)
    texts = [t.get_window_extent() for ax in figure.axes for t in ax.texts if t.get_text()]
    assert all(e.x0 >= 0 and e.x1 <= figure.bbox.x1 and e.y0 >= 0 for e in texts)
    assert not any(a.overlaps(b) for i, a in enumerate(texts) for b in texts[:i])


@pytest.mark.parametrize("name", ["T_q", "T_k", "D", "D_v"])
def test_empty_matrices(name):
    sizes = {"T_q": 3, "T_k": 5, "D": 4, "D_v": 2} | {name: 0}
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        matrix_shapes(**sizes)
