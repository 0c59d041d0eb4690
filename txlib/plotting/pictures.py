"""Grey pictures side by side, on one scale."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from txlib.plotting.arguments import figure, to_array

MOST = 8


@figure
def pictures(images: Mapping[str, Any], *, columns: int = 2, title: str | None = None) -> Figure:
    """Pictures in reading order, each under its name; 0 is black, 1 is white, beyond is cut off.

    Args:
        images: name to (height, width), 1 to 8 of them; a name may have two lines.
        columns: how many stand beside each other, at least 1.
        title: states what is seen.

    Returns:
        The figure.

    Raises:
        ValueError: for no picture or too many, one that is not a matrix of finite numbers, or
            fewer than one column.
    """
    if not 1 <= len(images) <= MOST:
        raise ValueError(f"images must hold 1 to {MOST} pictures, got {len(images)}")
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    width = 6.4 / max(columns, 2)
    lines = max(name.count("\n") for name in images) + 1
    figure = Figure(figsize=(width * columns, (width + 0.25 * lines) * rows + 0.3 * bool(title)))
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for ax in axes:
        ax.axis("off")
    for ax, (name, image) in zip(axes, images.items(), strict=False):
        ax.imshow(_as_image(name, image), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        ax.set_title(name, loc="left", fontweight="normal")
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=13)
    return figure


def _as_image(name: str, image: Any) -> np.ndarray:
    image = to_array(f"picture {name!r}", image)
    if image.ndim != 2 or image.size == 0 or not np.isfinite(image).all():
        raise ValueError(
            f"picture {name!r} must be a matrix of finite numbers, got shape {image.shape}"
        )
    return image
