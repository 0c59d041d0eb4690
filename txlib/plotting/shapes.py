"""The two products of attention as rectangles, drawn to scale."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from txlib.plotting.arguments import figure
from txlib.plotting.style import PALETTE

GAP = 2.0  # cells between two matrices, where the sign stands
FILLS = {"query": PALETTE[0], "key": PALETTE[1], "value": PALETTE[2], "weights": "#8C8C8C"}


@figure
def matrix_shapes(T_q: int, T_k: int, D: int, D_v: int) -> Figure:
    """Q K^T gives scores, their softmax gives weights, weights V give the context; cell by cell.

    Args:
        T_q: queries, at least 1.
        T_k: keys, at least 1.
        D: features of a query and of a key, at least 1.
        D_v: features of a value, at least 1.

    Returns:
        The figure: one row per product.

    Raises:
        ValueError: if a size is below 1.
    """
    for name, size in {"T_q": T_q, "T_k": T_k, "D": D, "D_v": D_v}.items():
        if size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}")
    first = [
        ("$Q$", T_q, D, "query", r"$T_q \times D$"),
        (r"$K^\top$", D, T_k, "key", r"$D \times T_k$"),
        ("scores", T_q, T_k, "weights", r"$T_q \times T_k$"),
    ]
    second = [
        ("weights", T_q, T_k, "weights", r"$T_q \times T_k$"),
        ("$V$", T_k, D_v, "value", r"$T_k \times D_v$"),
        ("context", T_q, D_v, "value", r"$T_q \times D_v$"),
    ]
    heights = [max(part[1] for part in row) + 3.2 for row in (first, second)]
    width = max(sum(part[2] for part in row) for row in (first, second)) + 2 * GAP + 1
    figure = Figure(figsize=(6.4, 6.4 * sum(heights) / width))
    axes = figure.subplots(2, 1, gridspec_kw={"height_ratios": heights})
    for ax, row, height in zip(axes, (first, second), heights, strict=True):
        _draw_row(ax, row, height)
        ax.set(xlim=(-0.5, width - 0.5), ylim=(-height / 2, height / 2), aspect="equal")
        ax.axis("off")
    return figure


def _draw_row(ax: Axes, row: list[tuple[str, int, int, str, str]], height: float) -> None:
    """Two factors, their signs and the product, centred on one line."""
    left = 0.0
    for (name, rows, columns, role, shape), sign in zip(row, ("·", "=", ""), strict=True):
        for i in range(rows):
            for j in range(columns):
                corner = (left + j, rows / 2 - i - 1)
                ax.add_patch(Rectangle(corner, 1, 1, facecolor=FILLS[role], alpha=0.35, lw=0))
                ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="#FFFFFF", lw=1.5))
        outline = Rectangle((left, -rows / 2), columns, rows, fill=False, edgecolor="#222222")
        outline.set_gid(name)
        ax.add_patch(outline)
        middle = left + columns / 2
        ax.text(middle, rows / 2 + 0.25, name, ha="center", va="bottom", fontweight="bold")
        ax.text(middle, -rows / 2 - 0.25, shape, ha="center", va="top")
        ax.text(left + columns + GAP / 2, 0, sign, ha="center", va="center", fontsize=20)
        left += columns + GAP
