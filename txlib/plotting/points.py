"""Systems as points: what each costs against what it gives, with its name beside it."""

from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.figure import Figure

from txlib.plotting.arguments import figure
from txlib.plotting.series import check_positive
from txlib.plotting.style import COLORS


@figure
def named_points(
    points: Mapping[str, tuple[float, float]],
    *,
    xlabel: str,
    ylabel: str,
    log_x: bool = False,
    highlight: Collection[str] = (),
    left: Collection[str] = (),
) -> Figure:
    """A point for each system. Highlighted ones are filled stars, the others open circles.

    Args:
        points: name to (x, y).
        xlabel: with its unit.
        ylabel: with its unit.
        log_x: draw x logarithmically.
        highlight: names of the points that the figure is about.
        left: names that stand to the left of their points, where the right has no room.

    Returns:
        The figure.

    Raises:
        ValueError: if there is no point, an x is not positive on a log axis, or `highlight` or
            `left` names a point that is not there.
    """
    if not points:
        raise ValueError("points must hold at least one, got none")
    for name, chosen in (("highlight", highlight), ("left", left)):
        if not set(chosen) <= set(points):
            raise ValueError(f"{name} must name points of {list(points)}, got {list(chosen)}")
    if log_x:
        check_positive("x", np.array([x for x, _ in points.values()]))
    figure = Figure(figsize=(6.4, 4.2))
    ax = figure.subplots()
    ax.set_xscale("log" if log_x else "linear")
    for name, (x, y) in points.items():
        starred = name in highlight
        ax.plot(
            x,
            y,
            marker="*" if starred else "o",
            markersize=15 if starred else 8,
            markerfacecolor=COLORS["highlight"] if starred else "#FFFFFF",
            markeredgecolor=COLORS["ink"],
            linestyle="none",
            gid=name,
        )
        ax.annotate(
            name,
            (x, y),
            xytext=(-9 if name in left else 9, 0),
            textcoords="offset points",
            ha="right" if name in left else "left",
            va="center",
            fontsize=11,
            fontweight="bold" if starred else "normal",
        )
    ax.margins(x=0.42, y=0.12)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    return figure
