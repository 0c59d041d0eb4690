import pytest
from matplotlib.patches import Circle

from txlib.plotting import residual_streams


def parts(ax, gid):
    return [patch for patch in ax.patches if patch.get_gid() == gid]


def middle(box):
    """Centre of a rounded box's rectangle."""
    return box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2


def test_norms_stand_where_the_order_says():
    figure = residual_streams(["none", "post", "pre"], sublayers=["look", "think", "look"])
    none, post, pre = figure.axes
    assert [len(parts(ax, "norm")) for ax in figure.axes] == [0, 3, 4]
    assert all(len(parts(ax, "sublayer")) == 3 for ax in figure.axes)
    assert [len(parts(ax, "sum")) for ax in figure.axes] == [0, 3, 3]
    assert all(isinstance(patch, Circle) for patch in parts(post, "sum"))
    assert all(middle(box)[1] == pytest.approx(0) for box in parts(none, "sublayer"))
    on_stream = [abs(middle(box)[1]) < 0.1 for box in parts(post, "norm")]
    assert on_stream == [True] * 3
    assert [abs(middle(box)[1]) < 0.1 for box in parts(pre, "norm")] == [False] * 3 + [True]


def test_in_post_norm_the_norm_follows_the_sum():
    (ax,) = residual_streams(["post"], sublayers=["look", "think"]).axes
    sums = [patch.center[0] for patch in parts(ax, "sum")]
    norms = [middle(box)[0] for box in parts(ax, "norm")]
    assert sums[0] < norms[0] < sums[1] < norms[1]


def test_names_are_written():
    figure = residual_streams(["pre"], sublayers=["look", "think"])
    assert {"look", "think", "norm"} <= {text.get_text() for text in figure.axes[0].texts}


def test_nothing_to_draw_or_unknown():
    with pytest.raises(ValueError, match="orders and sublayers must hold one at least"):
        residual_streams(["pre"], sublayers=[])
    with pytest.raises(ValueError, match=r"orders must be of .*'sandwich'"):
        residual_streams(["sandwich"], sublayers=["look"])
