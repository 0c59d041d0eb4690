import pytest
from matplotlib.colors import to_hex

from txlib.plotting import COLORS, named_points

SYSTEMS = {"cheap": (2.0, 10.0), "dear": (300.0, 12.0), "ours": (5.0, 13.0)}


def by_name(ax):
    return {line.get_gid(): line for line in ax.lines}


def test_points_stand_where_they_should_with_their_names():
    (ax,) = named_points(SYSTEMS, xlabel="cost", ylabel="BLEU").axes
    drawn = by_name(ax)
    assert {name: tuple(line.get_xydata()[0]) for name, line in drawn.items()} == SYSTEMS
    assert {text.get_text(): text.xy for text in ax.texts} == SYSTEMS
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("cost", "BLEU", "linear")


def test_what_is_highlighted_differs_by_more_than_colour():
    drawn = by_name(
        named_points(SYSTEMS, xlabel="x", ylabel="y", log_x=True, highlight=["ours"]).axes[0]
    )
    assert drawn["ours"].get_marker() != drawn["dear"].get_marker()
    assert to_hex(drawn["ours"].get_markerfacecolor()).upper() == COLORS["highlight"]
    assert to_hex(drawn["dear"].get_markerfacecolor()).upper() == "#FFFFFF"


def test_names_move_to_the_left():
    (ax,) = named_points(SYSTEMS, xlabel="x", ylabel="y", left=["dear"]).axes
    sides = {text.get_text(): text.get_ha() for text in ax.texts}
    assert sides == {"cheap": "left", "dear": "right", "ours": "left"}


def test_logarithmic_axis_refuses_what_it_cannot_show():
    with pytest.raises(ValueError, match="x must be positive"):
        named_points({"free": (0.0, 1.0)}, xlabel="x", ylabel="y", log_x=True)


def test_nothing_or_unknown():
    with pytest.raises(ValueError, match="points must hold at least one"):
        named_points({}, xlabel="x", ylabel="y")
    with pytest.raises(ValueError, match=r"left must name points of .*'theirs'"):
        named_points(SYSTEMS, xlabel="x", ylabel="y", left=["theirs"])
