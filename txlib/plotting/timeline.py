"""A time line that a phone can show: years run downwards, one line of words beside each."""

import math
import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from txlib.plotting.arguments import figure
from txlib.plotting.style import COLORS

CHARACTERS_A_LINE = 46


@figure
def timeline(events: Sequence[tuple[int, str, str]], *, title: str | None = None) -> Figure:
    """What came when; a longer wait is a longer gap, compressed so that it fits.

    Args:
        events: (year, name, one line about it), in any order; equal years keep the given order.
        title: states what is seen.

    Returns:
        The figure, as tall as it needs to be.

    Raises:
        ValueError: for no events.
    """
    if not events:
        raise ValueError("events must hold at least one (year, name, line), got none")
    events = sorted(events, key=lambda event: event[0])
    lines = [textwrap.wrap(words, CHARACTERS_A_LINE) for _, _, words in events]
    heights = [0.0]
    for index in range(1, len(events)):
        wait = events[index][0] - events[index - 1][0]
        heights.append(heights[-1] + _room(len(lines[index - 1]), wait))
    bottom = heights[-1] + _room(len(lines[-1]), 0) - 0.1
    figure = Figure(figsize=(6.4, bottom + 0.35 + (0.35 if title else 0.0)))
    ax = figure.subplots()
    ax.plot([0, 0], [heights[0], heights[-1]], color=COLORS["muted"], linewidth=2.5, zorder=1)
    previous = None
    for height, (year, name, _), words in zip(heights, events, lines, strict=True):
        ax.scatter(0, height, 90, c=COLORS["highlight"], edgecolors="white", zorder=3)
        shown = "" if year == previous else str(year)
        ax.text(-0.22, height, shown, ha="right", va="center", fontsize=14, fontweight="bold")
        ax.text(0.22, height, name, ha="left", va="center", fontsize=14, fontweight="bold")
        ax.text(0.22, height + 0.15, "\n".join(words), ha="left", va="top", fontsize=12.5)
        previous = year
    ax.set(xlim=(-1.0, 5.4), ylim=(bottom, -0.25))
    ax.axis("off")
    if title:
        ax.set_title(title)
    return figure


def _room(num_lines: int, wait: int) -> float:
    """Inches below an event: its words, and more the longer the wait for the next."""
    return 0.36 + 0.24 * num_lines + 0.28 * math.log1p(wait)
