"""Tables of signed numbers as pictures: positions, rotations, biases."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from txlib.plotting.arguments import figure, to_array
from txlib.plotting.style import SIGNED_CMAP

MOST = 6


@figure
def signed_maps(
    tables: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    value_name: str,
    columns: int = 2,
    vmax: float | None = None,
    title: str | None = None,
) -> Figure:
    """Tables side by side, one colour for what is above zero and another for what is below.

    Unlike `heatmap`, which shows weights, a table here may hold negative numbers, and its rows and
    columns are counted from 0 instead of named. Row 0 is at the top. All tables share one scale.

    Args:
        tables: name to (rows, columns), 1 to 6 of them; the name "" leaves a table untitled.
        xlabel: what the columns are, with its unit.
        ylabel: what the rows are, with its unit.
        value_name: what a cell holds, for the colour bar.
        columns: how many tables stand beside each other, at least 1.
        vmax: the number that the strongest colours stand for; by default the largest size there is.
        title: states what is seen.

    Returns:
        The figure: the tables in reading order and one colour bar.

    Raises:
        ValueError: for no table or too many, one that is not a matrix of finite numbers, fewer
            than one column, or a `vmax` that is not positive.
    """
    if not 1 <= len(tables) <= MOST:
        raise ValueError(f"tables must hold 1 to {MOST} matrices, got {len(tables)}")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    arrays = {name: _as_matrix(name, table) for name, table in tables.items()}
    top = max(np.abs(array).max() for array in arrays.values()) if vmax is None else vmax
    if not top >= 0 or (vmax is not None and vmax <= 0):
        raise ValueError(f"vmax must be positive, got {vmax}")
    columns = min(columns, len(arrays))
    rows = -(-len(arrays) // columns)
    figure = Figure(figsize=(6.4, 3.0 * rows + 0.4 + 0.3 * bool(title)))
    grid = figure.subplots(rows, columns, squeeze=False)
    axes = list(grid.flat)
    for ax in axes[len(arrays) :]:
        ax.remove()
    for ax, (name, array) in zip(axes, arrays.items(), strict=False):
        image = ax.imshow(
            array, cmap=SIGNED_CMAP, vmin=-(top or 1), vmax=top or 1, aspect="auto",
            interpolation="nearest",
        )  # fmt: skip
        ax.grid(visible=False)
        ax.spines[:].set_visible(False)
        ax.set_title(name, loc="left", fontweight="normal")
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    for ax in grid[-1]:
        ax.set_xlabel(xlabel)
    for ax in grid[:, 0]:
        ax.set_ylabel(ylabel)
    bar = figure.colorbar(image, ax=axes[: len(arrays)], shrink=0.9, pad=0.02, aspect=28)
    bar.outline.set_visible(False)
    bar.set_label(value_name)
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=13)
    return figure


def _as_matrix(name: str, table: Any) -> np.ndarray:
    table = to_array(f"table {name!r}", table)
    if table.ndim != 2 or table.size == 0 or not np.isfinite(table).all():
        raise ValueError(
            f"table {name!r} must be a matrix of finite numbers, got shape {table.shape}"
        )
    return table
