import pytest

from txlib.plotting import roofline

WORK = {"look": 2.0, "matrix product": 400.0}


def by_name(figure):
    (ax,) = figure.axes
    return {line.get_gid(): line for line in ax.lines}


def test_points_stand_on_the_roof_by_hand():
    drawn = by_name(roofline(WORK, peak=300.0, bandwidth=1.5))
    assert tuple(drawn["look"].get_xydata()[0]) == (2.0, 3.0)  # 2 operations a byte x 1.5
    assert tuple(drawn["matrix product"].get_xydata()[0]) == (400.0, 300.0)
    assert drawn["ridge"].get_xdata()[0] == 200.0
    roof = dict(drawn["roof"].get_xydata().tolist())
    assert roof[200.0] == 300.0
    assert max(roof.values()) == 300.0


def test_axes_are_logarithmic_and_points_differ_by_more_than_colour():
    figure = roofline(WORK, peak=300.0, bandwidth=1.5, ylabel="reached")
    (ax,) = figure.axes
    assert (ax.get_xscale(), ax.get_yscale(), ax.get_ylabel()) == ("log", "log", "reached")
    drawn = by_name(figure)
    assert drawn["look"].get_marker() != drawn["matrix product"].get_marker()


def test_legend_names_every_computation_and_the_ridge_its_intensity():
    figure = roofline(WORK, peak=300.0, bandwidth=1.5, title="waiting")
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == list(WORK)
    assert legend.get_title().get_text() == "waiting"
    assert [text.get_text() for text in figure.axes[0].texts] == ["200"]


def test_errors():
    with pytest.raises(ValueError, match=r"intensities must hold 1 to \d+, got 0"):
        roofline({}, peak=1.0, bandwidth=1.0)
    with pytest.raises(ValueError, match="intensities must be positive"):
        roofline({"idle": 0.0}, peak=1.0, bandwidth=1.0)
    with pytest.raises(ValueError, match="peak and bandwidth must be positive"):
        roofline(WORK, peak=1.0, bandwidth=-1.0)
