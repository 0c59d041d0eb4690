"""What every figure checks of its arguments, by their names, before anything is drawn.

An argument means the same in all figures, so its rule stands here once. What depends on two
arguments, such as a shape and a number of tokens, is for the figure itself.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from txlib.checks import check_flag, check_whole, shown
from txlib.plotting.checks import (
    check_all_drawn,
    check_chosen,
    check_counts,
    check_drawn,
    check_ends,
    check_events,
    check_finite,
    check_links,
    check_marks,
    check_named,
    check_numbers_by_name,
    check_pairs_by_name,
    check_sizes_by_name,
    check_tokens,
)
from txlib.plotting.style import STYLE

P = ParamSpec("P")


def figure(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """A figure function in the book's style, whose arguments are checked by their names."""
    signature = inspect.signature(draw)

    @functools.wraps(draw)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Figure:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            optional = signature.parameters[name].default is None
            if name in RULES and not (optional and value is None):
                RULES[name](name, value)
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return checked


def to_array(name: str, values: Any) -> np.ndarray:
    """Numbers in whatever holds them, of any precision and on any device, as float64.

    Raises:
        ValueError: if they are no real numbers, or rows of unequal length.
    """
    given = values
    try:
        if hasattr(values, "detach"):
            values = values.detach().cpu()
            values = (values if values.is_complex() else values.double()).numpy()
        array = np.asarray(values)
        array = array.astype(float) if array.dtype.kind in "buif" else None
    except (TypeError, ValueError, OverflowError):
        array = None
    if array is None:
        raise ValueError(f"{name} must be numbers, rows of one length, got {shown(given)}")
    return array


TEXTS = ("xlabel", "ylabel", "title", "query_name", "key_name", "value_name", "symbol")
NAMED = ("series", "tables", "images", "gates")
RULES: dict[str, Callable[[str, Any], None]] = {
    **dict.fromkeys(TEXTS, check_drawn),
    **dict.fromkeys(NAMED, check_named),
    **dict.fromkeys(("query_tokens", "key_tokens", "tokens", "source", "target"), check_tokens),
    **dict.fromkeys(("groups", "titles", "orders", "sublayers"), check_all_drawn),
    **dict.fromkeys(("log_x", "log_y"), check_flag),
    **dict.fromkeys(("columns", "num_layers", "num_steps", "kernel_size"), check_whole),
    **dict.fromkeys(("T_q", "T_k", "D", "D_v"), check_whole),
    **dict.fromkeys(("peak", "bandwidth", "vmax", "fit_from"), check_finite),
    **dict.fromkeys(("percentiles", "y_limits"), check_ends),
    **dict.fromkeys(("mark_x", "mark_y"), check_marks),
    **dict.fromkeys(("highlight", "left"), check_chosen),
    **dict.fromkeys(("counts", "dilations"), check_counts),
    **dict.fromkeys(("intensities", "margins"), check_numbers_by_name),
    "points": check_pairs_by_name,
    "shapes": check_sizes_by_name,
    "events": check_events,
    "gold": check_links,
}
