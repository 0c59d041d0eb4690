"""The roof over every computation: what it may reach, by the work it does on each byte."""

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from txlib.plotting.series import check_positive
from txlib.plotting.style import COLORS, MARKERS, PALETTE, STYLE


@mpl.rc_context(STYLE)
def roofline(
    intensities: Mapping[str, float],
    *,
    peak: float,
    bandwidth: float,
    xlabel: str = "arithmetic intensity, operations per byte moved",
    ylabel: str = "at most, TFLOP/s",
    below: tuple[str, ...] = (),
) -> Figure:
    """Computations under the roof of a machine, on logarithmic axes.

    The slope on the left is bandwidth times intensity, the flat part the peak of arithmetic; they
    meet at the ridge, which is marked. Each computation stands on the roof, at its intensity.

    Source: Williams et al. 2009.

    Args:
        intensities: name to operations per byte, at most 10.
        peak: operations a second, in units of 10**12.
        bandwidth: bytes a second, in units of 10**12.
        xlabel: with its unit.
        ylabel: with its unit.
        below: names that stand below the roof's line, to the right of their points; the others
            stand above it, to the left.

    Returns:
        The figure.

    Raises:
        ValueError: if there is no computation or too many, a number is not positive, or `below`
            names one that is not there.
    """
    if not 1 <= len(intensities) <= len(MARKERS):
        raise ValueError(f"intensities must hold 1 to {len(MARKERS)}, got {len(intensities)}")
    if not set(below) <= set(intensities):
        raise ValueError(f"below must name some of {list(intensities)}, got {list(below)}")
    check_positive("intensities", np.array(list(intensities.values()), dtype=float))
    check_positive("peak and bandwidth", np.array([peak, bandwidth], dtype=float))
    ridge = peak / bandwidth
    ends = np.array([min(*intensities.values(), ridge) / 8, max(*intensities.values(), ridge) * 8])
    figure = Figure(figsize=(6.4, 4.2))
    ax = figure.subplots()
    ax.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
    roof_x = np.array([ends[0], ridge, ends[1]])
    roof = np.minimum(peak, bandwidth * roof_x)
    ax.plot(roof_x, roof, color=COLORS["ink"], gid="roof")
    ax.axvline(ridge, color=COLORS["muted"], linestyle=":", linewidth=1.6, gid="ridge")
    ax.annotate(
        f"ridge: {ridge:.0f}",
        (ridge, 0.0),
        xycoords=("data", "axes fraction"),
        xytext=(4, 6),
        textcoords="offset points",
        fontsize=11,
    )
    for place, (name, intensity) in enumerate(intensities.items()):
        reached = min(peak, bandwidth * intensity)
        ax.plot(
            intensity,
            reached,
            marker=MARKERS[place],
            color=PALETTE[place % 7],
            markersize=9,
            linestyle="none",
            gid=name,
        )
        ax.annotate(
            name,
            (intensity, reached),
            xytext=(9, -9) if name in below else (-7, 7),
            textcoords="offset points",
            ha="left" if name in below else "right",
            va="top" if name in below else "bottom",
            fontsize=11,
        )
    ax.set(xlim=ends, ylim=(roof.min(), peak * 4))
    return figure
