"""How far measurements are from what was aimed at: one bar each, on a logarithmic axis."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from txlib.plotting.arguments import figure
from txlib.plotting.series import check_positive
from txlib.plotting.style import COLORS, PALETTE

BAR_INCHES, NAME_WIDTH = 0.5, 30


@figure
def aim_bars(
    margins: Mapping[str, float],
    *,
    xlabel: str = "times better than the aim",
    title: str | None = None,
) -> Figure:
    """A bar for each measurement: right of the line at 1 if the aim is met, left of it if not.

    Bars of missed aims are hatched and in another colour; each carries its number.

    Args:
        margins: name to how many times better than its aim a measurement is, above 0.
        xlabel: what the axis says.
        title: states what is seen.

    Returns:
        The figure.

    Raises:
        ValueError: if there is no bar, or one is not positive.
    """
    if not margins:
        raise ValueError("margins must hold at least one bar, got none")
    values = np.array(list(margins.values()), dtype=float)
    check_positive("margins", values)
    figure = Figure(figsize=(8.0, 1.3 + BAR_INCHES * len(values)))
    ax = figure.subplots()
    ax.set_xscale("log")
    places = np.arange(len(values))[::-1]
    met = values >= 1
    bars = ax.barh(places, values - 1, left=1, height=0.66, edgecolor="white")
    for bar, good in zip(bars, met, strict=True):
        bar.set_facecolor(PALETTE[2] if good else PALETTE[1])
        bar.set_hatch("" if good else "//")
    for place, value in zip(places, values, strict=True):
        ax.annotate(
            f"{value:.3g}" if value < 100 else f"{value:.0f}",
            (value, place),
            xytext=(4 if value >= 1 else -4, 0),
            textcoords="offset points",
            ha="left" if value >= 1 else "right",
            va="center",
            fontsize=11,
        )
    ax.axvline(1, color=COLORS["ink"], linewidth=1.6, gid="aim")
    ax.set_xlim(min(0.4, values.min() / 2.5), max(2.5, values.max() * 2.5))
    ax.set_yticks(places, [textwrap.fill(name, NAME_WIDTH) for name in margins], fontsize=11)
    ax.grid(visible=False, axis="y")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel=xlabel)
    if title:
        ax.set_title(title)
    return figure
