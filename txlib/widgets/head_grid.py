"""All heads of a model side by side, with what each scores: checks and still picture."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from txlib.widgets import picture
from txlib.widgets.validation import check_text, check_texts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SCORES, MOST_IN_GRID, MOST_IN_PICTURE = 6, 144, 24
DIGITS = 4  # of scores on their way to the browser


def check_names(names: Sequence[str] | None, layers: int, heads: int) -> list[str]:
    """A name for each head, layer by layer: `names`, or "layer 0, head 1" and the like.

    Raises:
        ValueError: if there are more or fewer than heads, or one is blank.
    """
    if names is None:
        pairs = [(layer, head) for layer in range(layers) for head in range(heads)]
        return [f"layer {i}, head {j}" if layers > 1 else f"head {j}" for i, j in pairs]
    return check_texts("names", names, least=layers * heads, most=layers * heads)


def check_scores(
    scores: Mapping[str, Any] | None, layers: int, heads: int
) -> dict[str, list[float | None]]:
    """`scores` by name as lists, layer by layer, with None where a head has no score (NaN).

    Args:
        scores: for each name (layers, heads) numbers, or layers * heads of them in a row.
        layers: of the weights.
        heads: in each layer.

    Raises:
        ValueError: if it is no mapping of names to one number per head, a number is infinite, or
            heads or scores are too many for a grid.
    """
    if scores is not None and not isinstance(scores, Mapping):
        raise ValueError(f"scores must map names to a number per head, got {scores!r}")
    if len(scores or ()) > MOST_SCORES:
        raise ValueError(f"scores must be at most {MOST_SCORES}, got {len(scores)}")
    if layers * heads > MOST_IN_GRID:
        total = f"{layers} x {heads}"
        raise ValueError(f"a grid must hold at most {MOST_IN_GRID} heads, got {total} heads")
    checked = {}
    for name, values in (scores or {}).items():
        if hasattr(values, "detach"):
            values = values.detach().float().cpu().numpy()
        numbers = np.asarray(values, dtype=np.float64)
        if numbers.shape not in ((layers, heads), (layers * heads,)):
            raise ValueError(
                f"scores[{name!r}] must hold a number per head, ({layers}, {heads}), "
                f"got shape {numbers.shape}"
            )
        if np.isinf(numbers).any():
            raise ValueError(f"scores[{name!r}] must be finite, or NaN for none, got inf")
        listed = [None if math.isnan(x) else round(x, DIGITS) + 0.0 for x in numbers.ravel()]
        checked[check_text("scores' names", name)] = listed
    return checked


def order(values: Sequence[float | None] | None, count: int) -> list[int]:
    """Positions of heads, greatest value first, equal ones as they were, those without last."""
    if values is None:
        return list(range(count))
    return sorted(range(count), key=lambda i: math.inf if values[i] is None else -values[i])


def bare_maps(heads: np.ndarray, titles: Sequence[str], columns: int = 4) -> "Figure":
    """One map per head without its tokens: (H, T_q, T_k), queries are rows."""
    from matplotlib import colormaps

    shades = colormaps["Blues"].resampled(8)  # few, for a small file
    columns = min(columns, len(heads))
    rows = -(-len(heads) // columns)
    figure = picture.blank(7.2, 7.6 / columns * rows + 0.3, rows=rows, columns=columns)
    for head, axes in zip(range(len(heads)), figure.axes, strict=False):
        axes.imshow(
            heads[head], cmap=shades, vmin=0, vmax=heads.max() or 1, interpolation="nearest"
        )
        axes.set_title(titles[head], fontsize=9, color=picture.INK, parse_math=False)
    return figure


def draw_grid(
    heads: np.ndarray, names: Sequence[str], scores: Mapping[str, Sequence[float | None]], sort: str
) -> "Figure":
    """The first heads in the order of `sort`, with their scores: (all heads, T_q, T_k)."""
    first = order(scores.get(sort), len(heads))[:MOST_IN_PICTURE]
    titles = []
    for head in first:
        told = [picture.shorten(names[head], 18)]
        for name, values in scores.items():
            number = "none" if values[head] is None else f"{values[head]:.2f}"
            told.append(f"{picture.shorten(name, 14)} {number}")
        titles.append("\n".join(told))
    figure = bare_maps(heads[first], titles, columns=4 if len(first) <= 8 else 6)
    figure.set_figheight(figure.get_figheight() + 0.16 * len(scores) * -(-len(first) // 4))
    for axes in figure.axes:
        axes.title.set_fontsize(7)
    return figure
