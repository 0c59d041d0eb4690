"""Where the norm stands: a block's sub-layers beside the stream that they read and add to."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

from txlib.plotting.arguments import figure
from txlib.plotting.style import COLORS, PALETTE

ORDERS = ("none", "post", "pre")
STEP, LANE = 4.8, 1.7  # between two sub-layers; from the stream up to them
FILLS = {"sublayer": PALETTE[5], "norm": PALETTE[4]}


@figure
def residual_streams(orders: Sequence[str], *, sublayers: Sequence[str]) -> Figure:
    """A row for each order: the stream runs to the right, sub-layers above it.

    Args:
        orders: "none" (no residual, no norm), "post" (a norm on the stream, after each sum) or
            "pre" (a norm on the way up to each sub-layer, and one at the end).
        sublayers: their names, in the order in which the stream meets them.

    Returns:
        The figure.

    Raises:
        ValueError: if there is nothing to draw, or an order is unknown.
    """
    if not orders or not sublayers:
        raise ValueError(f"orders and sublayers must hold one at least, got {orders}, {sublayers}")
    for order in orders:
        if order not in ORDERS:
            raise ValueError(f"orders must be of {ORDERS}, got {order!r}")
    end = STEP * len(sublayers) + (1.9 if "pre" in orders else 0.8)
    heights = [1.8 + (LANE if order != "none" else 0.0) for order in orders]
    figure = Figure(figsize=(6.4, 6.4 * sum(heights) / (end + 1.2)))
    axes = figure.subplots(len(orders), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
    for ax, order, height in zip(axes.flat, orders, heights, strict=True):
        _draw_row(ax, order, sublayers, end)
        ax.set(xlim=(-0.6, end + 0.6), ylim=(-0.6, height - 0.6), aspect="equal")
        ax.axis("off")
    return figure


def _draw_row(ax: Axes, order: str, sublayers: Sequence[str], end: float) -> None:
    height = LANE if order != "none" else 0.0
    ax.text(-0.5, height + 0.5, _TITLES[order], ha="left", va="bottom", fontweight="bold")
    _arrow(ax, (-0.4, 0), (end + 0.4, 0), width=3.2 if order != "none" else 1.8)
    for index, name in enumerate(sublayers):
        left = index * STEP
        if order == "none":
            _box(ax, left + 2.0, 0, name, "sublayer")
            continue
        _arrow(ax, (left + 0.4, 0), (left + 0.4, height), head=False)
        _arrow(ax, (left + 0.4, height), (left + 3.2, height), head=False)
        _arrow(ax, (left + 3.2, height), (left + 3.2, 0.24))
        _box(ax, left + 2.1, height, name, "sublayer")
        if order == "pre":
            _box(ax, left + 0.4, height / 2, "norm", "norm", width=1.0)
        else:
            _box(ax, left + 4.15, 0, "norm", "norm", width=1.0)
        _plus(ax, left + 3.2)
    if order == "pre":
        _box(ax, end - 0.6, 0, "norm", "norm", width=1.0)


_TITLES = {
    "none": "one after the other",
    "post": "post-norm: the norm stands on the stream",
    "pre": "pre-norm: the stream runs through untouched",
}


def _box(ax: Axes, x: float, y: float, name: str, kind: str, *, width: float = 1.8) -> None:
    corner = (x - width / 2, y - 0.36)
    shape = FancyBboxPatch(corner, width, 0.72, boxstyle="round,pad=0,rounding_size=0.12")
    shape.set(facecolor=FILLS[kind], edgecolor=COLORS["ink"], linewidth=1.2, zorder=3, gid=kind)
    ax.add_patch(shape)
    ax.text(x, y, name, ha="center", va="center", fontsize=11, zorder=4)


def _plus(ax: Axes, x: float) -> None:
    circle = Circle((x, 0), 0.26, facecolor="#FFFFFF", edgecolor=COLORS["ink"], zorder=3, gid="sum")
    ax.add_patch(circle)
    ax.text(x, 0, "+", ha="center", va="center_baseline", fontsize=13, zorder=4)


def _arrow(
    ax: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    *,
    width: float = 1.4,
    head: bool = True,
) -> None:
    style = {"arrowstyle": "-|>" if head else "-", "linewidth": width, "color": COLORS["muted"]}
    ax.annotate("", end, start, arrowprops=style | {"shrinkA": 0, "shrinkB": 0}, zorder=1)
