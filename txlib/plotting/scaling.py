"""How a cost grows: measurements on log-log axes, where a power law is a straight line."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from txlib.plotting.arguments import figure
from txlib.plotting.series import Series, as_axis, check_positive, describe_band, finish, summarise


def fit_exponent(x: Any, y: Any) -> float:
    r"""The exponent $a$ of the power law $y \approx c\,x^a$, by least squares on the logarithms.

    Args:
        x: (points,) positive, at least two different values.
        y: (points,) positive.

    Raises:
        ValueError: if the two differ in length, are not positive, or `x` has one value only.

    Example:
        >>> sizes = [1, 2, 4, 8]
        >>> round(fit_exponent(sizes, [3 * size**2 for size in sizes]), 6)
        2.0
    """
    return _fit(x, y)[0]


@figure
def loglog_slope(
    x: Any,
    series: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    symbol: str = "n",
    fit_from: float | None = None,
    center: str = "median",
    percentiles: tuple[float, float] = (0.0, 100.0),
) -> Figure:
    """Points with their spread, the fitted power law as a thin line, its exponent in the legend.

    Args:
        x: (points,) positive sizes.
        series: name to (seeds, points) or (points,), positive.
        xlabel: with its unit.
        ylabel: with its unit.
        title: states what is seen.
        symbol: what x is called in the legend ("n^1.98").
        fit_from: fit only where x is at least this: small sizes measure overhead.
        center: "median" or "mean" of the runs; the fit is to this.
        percentiles: what the band spans.

    Returns:
        The figure; the fitted line is drawn over the points that it was fitted to.

    Raises:
        ValueError: for what is not positive, and where fewer than two points are left to fit.
    """
    x = as_axis("x", x)
    check_positive("x", x)
    summaries = summarise(series, len(x), center=center, percentiles=percentiles)
    kept = x >= (x.min() if fit_from is None else fit_from)
    if kept.sum() < 2:
        raise ValueError(f"fit_from must leave at least 2 points, got {fit_from} of x = {x}")
    figure = Figure()
    ax = figure.subplots()
    ax.set_xscale("log")
    ax.set_yscale("log")
    handles = [_draw(ax, x, s, kept, symbol) for s in summaries]
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xticks(_sparse(x))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())
    finish(figure, handles, title, describe_band(summaries, center, percentiles, "band"))
    return figure


def _draw(ax: Any, x: np.ndarray, s: Series, kept: np.ndarray, symbol: str) -> Any:
    """Draw one series and its fit; return the legend's handle."""
    check_positive(f"series {s.name!r}", s.runs)
    exponent, constant = _fit(x[kept], s.center[kept])
    (points,) = ax.plot(
        x,
        s.center,
        color=s.style.color,
        marker=s.style.marker,
        linestyle="none",
        label=f"{s.name}: {symbol}$^{{{exponent:.2f}}}$",
    )
    if s.num_runs > 1:
        ax.fill_between(x, s.low, s.high, color=s.style.color, alpha=0.2, linewidth=0)
    fitted = constant * x[kept] ** exponent
    ax.plot(x[kept], fitted, color=s.style.color, linestyle=s.style.linestyle, gid="fit")
    return points


def _fit(x: Any, y: Any) -> tuple[float, float]:
    """The exponent and the constant of the power law."""
    x, y = as_axis("x", x), as_axis("y", y)
    if len(x) != len(y):
        raise ValueError(f"x and y must have one length, got {len(x)} and {len(y)}")
    check_positive("x", x)
    check_positive("y", y)
    if len(np.unique(x)) < 2:
        raise ValueError(f"x must hold at least two different values, got {x}")
    log_x, log_y = np.log(x), np.log(y)
    centered = log_x - log_x.mean()
    exponent = float(centered @ (log_y - log_y.mean()) / (centered @ centered))
    return exponent, float(np.exp(log_y.mean() - exponent * log_x.mean()))


def _sparse(x: np.ndarray) -> np.ndarray:
    """At most seven of the sizes, for the ticks."""
    sizes = np.unique(x)
    return sizes[:: max(1, -(-len(sizes) // 7))]
