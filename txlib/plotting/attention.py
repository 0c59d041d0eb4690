"""Attention weights as pictures: queries are rows, keys are columns, always."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from txlib.plotting.arguments import figure, to_array
from txlib.plotting.style import COLORS, WEIGHTS_CMAP
from txlib.plotting.tokens import label_tokens

NUMBERED_UP_TO = 8


@figure
def heatmap(
    weights: Any,
    query_tokens: Sequence[str],
    key_tokens: Sequence[str],
    *,
    gold: Collection[tuple[int, int]] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
    query_name: str | None = None,
    key_name: str | None = None,
    value_name: str = "weight",
    vmax: float | None = None,
) -> Figure:
    """How much each query (row) draws from each key (column).

    Cells carry their number where the map is at most 8 by 8. Tokens longer than 14 characters are
    cut with an ellipsis; characters that no font of this machine can draw (Chinese, say, where
    only matplotlib's own font is there) stand as "□", without a warning.

    Args:
        weights: (T_q, T_k), not negative: a tensor on any device, an array or nested lists.
        query_tokens: T_q tokens, from the top down.
        key_tokens: T_k tokens, from left to right.
        gold: pairs (query position, key position) to outline, as `Pair.alignment` holds them.
        title: states what is seen.
        ax: draw here instead of in a figure of its own.
        query_name: what the rows are ("French"); the axis then reads "query (French)".
        key_name: what the columns are.
        value_name: what a cell holds, for the colour bar.
        vmax: the weight that the darkest colour stands for; by default 1, or the largest weight
            where that is above 1.

    Returns:
        The figure that holds the map and its colour bar.

    Raises:
        ValueError: if `weights` is not a matrix of T_q rows and T_k columns, or holds a negative
            or non-finite number; if a gold pair lies outside of it.
    """
    matrix = as_weights(weights, (len(query_tokens), len(key_tokens)))
    _check_gold(gold, matrix.shape)
    if ax is None:
        ax = Figure(figsize=_figure_size(*matrix.shape)).subplots()
    size = _font_size(*matrix.shape)
    image = _draw(ax, matrix, gold, _top_of_scale(matrix, vmax))
    label_tokens(ax.yaxis, query_tokens, size=size)
    label_tokens(ax.xaxis, key_tokens, size=size, rotation=45 if matrix.shape[1] <= 16 else 90)
    ax.set(xlabel=_axis_name("key", key_name), ylabel=_axis_name("query", query_name))
    if title:
        ax.set_title(title)
    if max(matrix.shape) <= NUMBERED_UP_TO:
        _write_numbers(ax, matrix, image)
    figure = ax.get_figure(root=True)
    _add_colorbar(figure, image, ax, value_name)
    return figure


@figure
def head_grid(
    weights: Any,
    query_tokens: Sequence[str],
    key_tokens: Sequence[str],
    *,
    titles: Sequence[str] | None = None,
    gold: Collection[tuple[int, int]] | None = None,
    columns: int | None = None,
    query_name: str | None = None,
    key_name: str | None = None,
    vmax: float | None = None,
) -> Figure:
    """One map per head, all on one scale; the tokens stand once, at the left and at the foot.

    Args:
        weights: (H, T_q, T_k), not negative.
        query_tokens: T_q tokens.
        key_tokens: T_k tokens.
        titles: H of them; by default "head 0", "head 1", …
        gold: pairs (query position, key position) to outline in every map.
        columns: maps side by side; by default as many as leave the tokens legible, 4 at most.
        query_name: what the rows are.
        key_name: what the columns are.
        vmax: as for `heatmap`, over all heads.

    Returns:
        The figure: H maps in reading order and one colour bar.

    Raises:
        ValueError: as `heatmap`, or if there is not one title per head.
    """
    heads = to_array("weights", weights)
    if heads.ndim != 3 or 0 in heads.shape:
        raise ValueError(f"weights must be (H, T_q, T_k), got shape {heads.shape}")
    heads = as_weights(heads, (len(heads), len(query_tokens), len(key_tokens)))
    _check_gold(gold, heads.shape[1:])
    titles = [f"head {i}" for i in range(len(heads))] if titles is None else list(titles)
    if len(titles) != len(heads):
        raise ValueError(f"titles must be one per head: {len(heads)} heads, got {len(titles)}")
    num_queries, num_keys = heads.shape[1:]
    if columns is not None and columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    columns = columns or max(1, min(len(heads), 2 if len(heads) <= 4 else 4, 40 // num_keys))
    rows = math.ceil(len(heads) / columns)
    cell = 5.0 / columns / num_keys
    panel = max(1.0, num_queries * min(cell, 0.32))
    figure = Figure(figsize=(6.4, min(14.0, rows * (panel + 0.3) + 1.2)))
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    size = max(5.0, min(12.0, 64.0 * cell, 64.0 * panel / num_queries))
    top = _top_of_scale(heads, vmax)
    for index, ax in enumerate(grid.flat):
        if index >= len(heads):
            ax.remove()
            continue
        image = _draw(ax, heads[index], gold, top)
        ax.set_title(titles[index], fontsize=12, fontweight="normal")
        label_tokens(ax.yaxis, query_tokens, size=size)
        label_tokens(ax.xaxis, key_tokens, size=size, rotation=90)
        ax.tick_params(labelleft=index % columns == 0, labelbottom=index + columns >= len(heads))
    figure.supxlabel(_axis_name("key", key_name), fontsize=13)
    figure.supylabel(_axis_name("query", query_name), fontsize=13)
    _add_colorbar(figure, image, list(figure.axes), "weight")
    return figure


def as_weights(weights: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The weights as a float array on the CPU, checked.

    Raises:
        ValueError: if their shape is not `shape`, or one is negative or not finite.
    """
    array = to_array("weights", weights)
    if array.shape != shape:
        raise ValueError(
            f"weights must have a row per query token and a column per key token: expected shape "
            f"{shape}, got {array.shape}"
        )
    if array.size == 0:
        raise ValueError(f"weights must have at least one query and one key, got shape {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"weights must be finite, got {array[~np.isfinite(array)][0]}")
    if array.min() < 0:
        raise ValueError(f"weights must not be negative (are these scores?), got {array.min():.4g}")
    return array


def _check_gold(gold: Collection[tuple[int, int]] | None, shape: tuple[int, ...]) -> None:
    for query, key in () if gold is None else gold:
        if not (0 <= query < shape[0] and 0 <= key < shape[1]):
            raise ValueError(
                f"gold pairs are (query, key) positions within {shape}, got {(query, key)}"
            )


def _draw(ax: Axes, matrix: np.ndarray, gold: Any, top: float) -> AxesImage:
    image = ax.imshow(matrix, cmap=WEIGHTS_CMAP, vmin=0.0, vmax=top, aspect="auto")
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.set_xticks(np.arange(matrix.shape[1] + 1) - 0.5, minor=True)
    ax.set_yticks(np.arange(matrix.shape[0] + 1) - 0.5, minor=True)
    ax.grid(which="minor", color="#EDEDED", linewidth=0.6)
    ax.tick_params(which="minor", length=0)
    for query, key in sorted(gold or ()):
        box = Rectangle((key - 0.44, query - 0.44), 0.88, 0.88, fill=False, linewidth=1.8)
        box.set(edgecolor=COLORS["gold"], gid="gold", zorder=3)
        box.set_path_effects([Stroke(linewidth=3.6, foreground=COLORS["ink"]), Normal()])
        ax.add_patch(box)
    return image


def _write_numbers(ax: Axes, matrix: np.ndarray, image: AxesImage) -> None:
    """Each weight in its cell, in whichever of white and ink stands out more from it."""
    size = min(12.0, 88.0 / matrix.shape[1])
    for (row, column), weight in np.ndenumerate(matrix):
        linear = np.power(image.cmap(image.norm(weight))[:3], 2.2)
        color = "white" if linear @ (0.2126, 0.7152, 0.0722) < 0.22 else COLORS["ink"]
        ax.text(column, row, f"{weight:.2f}", ha="center", va="center", color=color, fontsize=size)


def _add_colorbar(figure: Figure, image: AxesImage, ax: Any, label: str) -> None:
    bar = figure.colorbar(image, ax=ax, shrink=0.9, pad=0.02, aspect=28)
    bar.outline.set_visible(False)
    bar.set_label(label)


def _top_of_scale(array: np.ndarray, vmax: float | None) -> float:
    top = max(1.0, float(array.max())) if vmax is None else float(vmax)
    if not (math.isfinite(top) and top > 0):
        raise ValueError(f"vmax must be a positive number, got {vmax}")
    return 1.0 if vmax is None and top < 1.0 + 1e-3 else top


def _axis_name(role: str, name: str | None) -> str:
    return f"{role} ({name})" if name else role


def _figure_size(num_queries: int, num_keys: int) -> tuple[float, float]:
    width = min(6.4, max(4.2, 2.4 + 0.5 * num_keys))
    return width, min(8.0, max(3.0, 1.7 + 0.34 * num_queries))


def _font_size(num_queries: int, num_keys: int) -> float:
    return max(7.0, min(12.0, 300.0 / num_keys, 360.0 / num_queries))
