"""What the plots of several runs share: check the numbers, sum up the seeds, place the legend."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from txlib.plotting.arguments import to_array
from txlib.plotting.style import SeriesStyle, series_styles

FAR = 1e30  # beyond, the arithmetic of a logarithmic axis overflows
LEGEND_WIDTH = 50  # characters beside one another in a figure of the default width


@dataclass(frozen=True)
class Series:
    """One line or one set of bars: `runs` is (seeds, points), its summaries are (points,)."""

    name: str
    runs: np.ndarray
    center: np.ndarray
    low: np.ndarray
    high: np.ndarray
    style: SeriesStyle

    @property
    def num_runs(self) -> int:
        """How many seeds there are."""
        return len(self.runs)


def summarise(
    series: Mapping[str, Any],
    num_points: int,
    *,
    center: str = "median",
    percentiles: tuple[float, float] = (0.0, 100.0),
) -> list[Series]:
    """Check each series and take its centre and its band over the seeds.

    Args:
        series: name to (points,) or (seeds, points).
        num_points: how many points each must have.
        center: "median" or "mean".
        percentiles: what the band spans; 0 and 100 are the smallest and the largest run.

    Raises:
        ValueError: for no series, a wrong shape, a non-finite number, an unknown centre, or
            percentiles that are not 0 <= low < high <= 100.
    """
    if not series:
        raise ValueError("series must hold at least one name, got none")
    if not isinstance(center, str) or center not in ("median", "mean"):
        raise ValueError(f"center must be 'median' or 'mean', got {center!r}")
    low, high = percentiles
    if not 0 <= low < high <= 100:
        raise ValueError(f"percentiles must be 0 <= low < high <= 100, got {percentiles}")
    middle = np.median if center == "median" else np.mean
    summaries = []
    for name, style in zip(series, series_styles(list(series)), strict=True):
        runs = _as_runs(name, series[name], num_points)
        band = np.percentile(runs, [low, high], axis=0)
        summaries.append(Series(name, runs, middle(runs, axis=0), *band, style))
    return summaries


def as_axis(name: str, values: Any) -> np.ndarray:
    """A (points,) float array, checked.

    Raises:
        ValueError: if it is not one row of finite numbers.
    """
    array = to_array(name, values)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name} must be one row of numbers, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
    return array


def check_positive(name: str, values: np.ndarray) -> None:
    """Refuse what a logarithmic axis cannot show and would drop in silence.

    Raises:
        ValueError: if any value is zero, negative, or too near to zero or to infinity.
    """
    if values.min() <= 0:
        raise ValueError(f"{name} must be positive on a log axis, got {values.min():.4g}")
    for extreme in (values.min(), values.max()):
        if not 1 / FAR <= extreme <= FAR:
            raise ValueError(
                f"{name} must lie within {1 / FAR:g} ... {FAR:g} on a log axis, got {extreme:.4g}"
            )


def finish(figure: Figure, handles: Sequence[Any], title: str | None, note: str) -> None:
    """Title and legend above the axes, where they hide no data; the small print at the foot."""
    labels = [handle.get_label() for handle in handles]
    width = max(len(re.sub(r"[${}^]", "", label)) for label in labels) + 6
    columns = max(1, min(len(labels), LEGEND_WIDTH // width))
    legend = figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=columns,
        handlelength=2.6,
        columnspacing=1.2,
        title=title,
        alignment="left",
        title_fontproperties={"weight": "bold", "size": 13},
    )
    legend.set_gid("legend")
    rows = -(-len(labels) // columns) + bool(title) + 0.7 * bool(note)
    figure.set_figheight(3.0 + 0.28 * rows)
    if note:
        foot = 0.2 / figure.get_figheight()
        figure.text(0.995, 0.005, note, ha="right", va="bottom", fontsize=11, gid="note")
        figure.get_layout_engine().set(rect=(0, foot, 1, 1 - foot))


def describe_band(
    summaries: Sequence[Series], center: str, percentiles: tuple[float, float], band: str
) -> str:
    """What line and band stand for, or nothing where every series is a single run."""
    counts = sorted({s.num_runs for s in summaries if s.num_runs > 1})
    if not counts:
        return ""
    seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    span = "smallest to largest" if tuple(percentiles) == (0.0, 100.0) else ""
    span = span or f"{percentiles[0]:g}th to {percentiles[1]:g}th percentile"
    return f"{center} of {seeds} seeds; {band}: {span}"


def _as_runs(name: str, values: Any, num_points: int) -> np.ndarray:
    runs = to_array(f"series {name!r}", values)
    runs = runs[None] if runs.ndim == 1 else runs
    if runs.ndim != 2 or runs.shape[1] != num_points or len(runs) == 0:
        raise ValueError(
            f"series {name!r} must be (points,) or (seeds, points) with {num_points} points, "
            f"got shape {runs.shape}"
        )
    if not np.isfinite(runs).all():
        raise ValueError(f"series {name!r} must be finite, got {runs[~np.isfinite(runs)][0]}")
    return runs
