"""Bars by group: one cluster per sentence length, one bar per model, a whisker over the seeds."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from txlib.plotting.arguments import figure
from txlib.plotting.series import describe_band, finish, summarise
from txlib.plotting.style import COLORS

CLUSTER_WIDTH = 0.82


@figure
def grouped_bars(
    groups: Sequence[str],
    series: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    center: str = "median",
    percentiles: tuple[float, float] = (0.0, 100.0),
    counts: Sequence[int] | None = None,
    y_limits: tuple[float, float] | None = None,
) -> Figure:
    """Quality by group, as in "BLEU by source length".

    Bars differ in colour and hatch, and carry their value where there are at most 8 of them.

    Args:
        groups: what stands under each cluster ("4-10").
        series: name to (seeds, groups) or (groups,).
        xlabel: with its unit.
        ylabel: with its unit.
        title: states what is seen.
        center: "median" or "mean" of the seeds: the height of the bar.
        percentiles: what the whisker spans; the default is the smallest to the largest run.
        counts: how many sentences each group holds, written under its name.
        y_limits: of the vertical axis; it starts at 0 by default.

    Returns:
        The figure.

    Raises:
        ValueError: if a series has not one value per group, or `counts` has not.
    """
    if counts is not None and len(counts) != len(groups):
        raise ValueError(f"counts must be one per group: {len(groups)}, got {len(counts)}")
    summaries = summarise(series, len(groups), center=center, percentiles=percentiles)
    figure = Figure()
    ax = figure.subplots()
    width = CLUSTER_WIDTH / len(summaries)
    positions = np.arange(len(groups))
    handles = []
    for index, s in enumerate(summaries):
        left = positions - CLUSTER_WIDTH / 2 + (index + 0.5) * width
        bars = ax.bar(
            left,
            s.center,
            width * 0.92,
            label=s.name,
            color=s.style.color,
            hatch=s.style.hatch,
            edgecolor="white",
        )
        handles.append(bars)
        if s.num_runs > 1:
            whisker = np.abs(np.stack([s.center - s.low, s.high - s.center]))
            ax.errorbar(left, s.center, whisker, fmt="none", ecolor=COLORS["ink"], capsize=4)
        if len(groups) * len(summaries) <= 8:
            for x, value, top in zip(left, s.center, s.high, strict=True):
                ax.annotate(
                    f"{value:.3g}",
                    (x, max(value, top)),
                    xytext=(0, 3),
                    textcoords="offset points",
                    ha="center",
                    fontsize=11,
                )
    names = [f"{g}\nn = {c}" for g, c in zip(groups, counts, strict=True)] if counts else groups
    ax.set_xticks(positions, names)
    ax.grid(visible=False, axis="x")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if y_limits:
        ax.set_ylim(*y_limits)
    elif min(s.low.min() for s in summaries) >= 0:
        ax.set_ylim(bottom=0)
    finish(figure, handles, title, describe_band(summaries, center, percentiles, "whisker"))
    return figure
