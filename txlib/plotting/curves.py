"""Curves over seeds: a line for the middle run, a band for the spread."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from txlib.plotting.arguments import figure
from txlib.plotting.series import (
    as_axis,
    check_positive,
    describe_band,
    finish,
    summarise,
)
from txlib.plotting.style import COLORS


@figure
def curves_with_bands(
    x: Any,
    series: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    log_x: bool = False,
    log_y: bool = False,
    center: str = "median",
    percentiles: tuple[float, float] = (0.0, 100.0),
    mark_x: Mapping[float, str] | None = None,
    mark_y: Mapping[float, str] | None = None,
) -> Figure:
    """One line per series, with a band over its seeds; a single run is a line alone.

    Lines differ in colour, dash and marker. The legend stands above the axes, and a small line
    beneath says what line and band are.

    Args:
        x: (points,) the horizontal positions.
        series: name to (seeds, points) or (points,).
        xlabel: with its unit.
        ylabel: with its unit.
        title: states what is seen.
        log_x: draw x logarithmically.
        log_y: draw y logarithmically.
        center: "median" or "mean" of the seeds.
        percentiles: what the band spans; the default is the smallest to the largest run.
        mark_x: positions to mark by a vertical line, each with its words ("trained to here").
        mark_y: heights to mark by a horizontal line.

    Returns:
        The figure.

    Raises:
        ValueError: if a series does not fit `x`, holds a non-finite number, or is not positive on
            a log axis.
    """
    x = as_axis("x", x)
    summaries = summarise(series, len(x), center=center, percentiles=percentiles)
    if log_x:
        check_positive("x", x)
    if log_y:
        for s in summaries:
            check_positive(f"series {s.name!r}", s.runs)
    figure = Figure()
    ax = figure.subplots()
    every = max(1, len(x) // 12)
    handles = []
    for s in summaries:
        look = {"color": s.style.color, "marker": s.style.marker, "linestyle": s.style.linestyle}
        (line,) = ax.plot(x, s.center, label=s.name, markevery=every, **look)
        handles.append(line)
        if s.num_runs > 1:
            ax.fill_between(x, s.low, s.high, color=s.style.color, alpha=0.2, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_xscale("log" if log_x else "linear")
    ax.set_yscale("log" if log_y else "linear")
    for position, words in (mark_x or {}).items():
        ax.axvline(position, color=COLORS["muted"], linestyle=":", linewidth=1.6, zorder=1)
        ax.annotate(
            words,
            (position, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3),  # above the axes, where no curve runs
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=11,
        )
    for height, words in (mark_y or {}).items():
        ax.axhline(height, color=COLORS["muted"], linestyle=":", linewidth=1.6, zorder=1)
        ax.annotate(
            words,
            (1.0, height),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=11,
        )
    finish(figure, handles, title, describe_band(summaries, center, percentiles, "band"))
    return figure
