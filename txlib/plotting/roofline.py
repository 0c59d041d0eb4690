"""The roof over every computation: what it may reach, by the work it does on each byte."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from txlib.plotting.arguments import figure
from txlib.plotting.series import check_positive, finish
from txlib.plotting.style import COLORS, MARKERS, PALETTE


@figure
def roofline(
    intensities: Mapping[str, float],
    *,
    peak: float,
    bandwidth: float,
    xlabel: str = "arithmetic intensity, operations per byte moved",
    ylabel: str = "at most, TFLOP/s",
    title: str | None = None,
) -> Figure:
    """Computations under the roof of a machine, on logarithmic axes.

    The slope on the left is bandwidth times intensity, the flat part the peak of arithmetic; they
    meet at the ridge, which is marked with its intensity. Each computation stands on the roof.

    Source: Williams et al. 2009.

    Args:
        intensities: name to operations per byte, at most 10.
        peak: operations a second, in units of 10**12.
        bandwidth: bytes a second, in units of 10**12.
        xlabel: with its unit.
        ylabel: with its unit.
        title: states what is seen.

    Returns:
        The figure.

    Raises:
        ValueError: if there is no computation or too many, or a number is not positive.
    """
    if not 1 <= len(intensities) <= len(MARKERS):
        raise ValueError(f"intensities must hold 1 to {len(MARKERS)}, got {len(intensities)}")
    check_positive("intensities", np.array(list(intensities.values()), dtype=float))
    check_positive("peak and bandwidth", np.array([peak, bandwidth], dtype=float))
    ridge = peak / bandwidth
    ends = np.array([min(*intensities.values(), ridge) / 8, max(*intensities.values(), ridge) * 8])
    figure = Figure()
    ax = figure.subplots()
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    roof_x = np.array([ends[0], ridge, ends[1]])
    roof = np.minimum(peak, bandwidth * roof_x)
    ax.plot(roof_x, roof, color=COLORS["ink"], gid="roof")
    ax.axvline(ridge, color=COLORS["muted"], linestyle=":", linewidth=1.6, gid="ridge")
    ax.annotate(
        f"{ridge:.0f}",
        (ridge, 0.0),
        xycoords=("data", "axes fraction"),
        xytext=(4, 6),
        textcoords="offset points",
        fontsize=11,
    )
    handles = []
    for place, (name, intensity) in enumerate(intensities.items()):
        (point,) = ax.plot(
            intensity,
            min(peak, bandwidth * intensity),
            marker=MARKERS[place],
            color=PALETTE[place % len(PALETTE)],
            markeredgecolor=COLORS["ink"],
            markersize=10,
            linestyle="none",
            label=name,
            gid=name,
        )
        handles.append(point)
    ax.set(xlim=ends, ylim=(roof.min(), peak * 3))
    finish(figure, handles, title, "")
    return figure
