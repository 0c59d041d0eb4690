"""What the figures of `txlib.plotting` may be given."""

import math

import numpy as np
import torch
from hypothesis import strategies as st
from kinds import (
    Kind,
    any_text,
    flag,
    is_number,
    is_whole,
    junk,
    nothing,
    number,
    one_of,
    whole,
)
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure
from sheets import Sheet

from txlib import plotting
from txlib.plotting.speed import aim_bars


def written(value):
    """Whether a figure can hold the text; of mathematics no verdict."""
    if not isinstance(value, str) or any("\ud800" <= c <= "\udfff" for c in value):
        return False
    return None if is_math_text(value) else True


WORDS = Kind(junk() | any_text() | st.sampled_from(["$x^2$", "$\\frac$", "5$"]), written)
TITLE = WORDS | nothing()


def loose(*values):
    """No verdict but that it ends well."""
    drawn = st.sampled_from(values) if values else st.nothing()
    return Kind(junk() | drawn, lambda v: None)


def array(shape, lawful=lambda x: True, also=()):
    """Numbers of one shape, in what may hold them."""
    good = np.arange(1.0, 1 + math.prod(shape)).reshape(shape)
    values = [
        good,
        good.tolist(),
        torch.tensor(good),
        good * math.nan,
        -good,
        good[:-1],
        good[None],
    ]
    values += [good * math.inf, good * 0, good.astype(complex), torch.tensor(good).bfloat16()]

    def holds(value):
        if not isinstance(value, (np.ndarray, torch.Tensor, list)):
            return False
        try:
            x = torch.as_tensor(value)
        except (TypeError, ValueError, RuntimeError):
            return False
        if x.is_complex() or x.shape not in (shape, *also) or not x.isfinite().all():
            return False
        return bool(lawful(x))

    return Kind(junk() | st.sampled_from(values), holds)


def named(kind):
    """One array with a name; without the name, or with junk in place of it."""
    good = kind.values.map(lambda v: {"a": v})

    def holds(value):
        named = isinstance(value, dict) and value.keys() == {"a"}
        return kind.lawful(value["a"]) if named else False

    return Kind(junk() | good | st.just({1: 2}) | st.just({}), holds)


def several(count, *, text=True):
    """`count` strings."""
    drawn = st.lists(any_text(6), min_size=count - 1, max_size=count + 1)

    def holds(value):
        if hasattr(value, "tolist") or not isinstance(value, (list, tuple)):
            return None if hasattr(value, "tolist") else False
        if len(value) != count or not all(isinstance(v, str) for v in value):
            return False
        return all(written(v) is not False for v in value) if text else True

    return Kind(junk() | drawn, lambda v: holds(v) if holds(v) is not True else None)


def is_drawn(figure, arguments):
    """A figure that no window knows of and that can be laid out."""
    import matplotlib.pyplot as plt

    assert isinstance(figure, Figure)
    assert not plt.get_fignums()


def maybe_positive(value):
    return None if is_number(value) and value > 0 else False


SERIES = {
    "xlabel": WORDS, "ylabel": WORDS, "title": TITLE, "center": one_of("median", "mean"),
    "percentiles": loose((0.0, 50.0), (50, 0), (0, math.nan), (0, 101), [1, 2], (1,)),
}  # fmt: skip
AXES = {"xlabel": "n", "ylabel": "s"}
GRID = {"query_tokens": several(2, text=False), "key_tokens": several(3, text=False)}
GRID |= {
    "gold": loose([(0, 1)], [(5, 0)], [(0,)], {(1, 2)}),
    "query_name": TITLE,
    "key_name": TITLE,
}
TOP = Kind(
    number(lambda v: v > 0).values, lambda v: v is None or (is_number(v) and (v > 0 or False))
)
MARKS = loose({1.0: "here"}, {math.nan: "no"}, {"a": "b"}, {1: 2}) | nothing()
POSITIVE = {"x": array((3,), lambda x: x.min() > 0)}
COLUMNS = Kind(whole(1).values, lambda v: is_whole(v, 1))
SHEETS = {
    "heatmap": Sheet(
        call=plotting.heatmap,
        good=lambda: {
            "weights": np.eye(2, 3),
            "query_tokens": ["a", "b"],
            "key_tokens": ["c", "d", "e"],
        },
        kinds=GRID
        | {
            "weights": array((2, 3), lambda x: x.min() >= 0),
            "title": TITLE,
            "ax": nothing(),
            "value_name": WORDS,
            "vmax": TOP,
        },
        says={name: ("weights",) for name in GRID},
        right=is_drawn,
    ),
    "head_grid": Sheet(
        call=plotting.head_grid,
        good=lambda: {
            "weights": np.ones((2, 2, 3)),
            "query_tokens": ["a", "b"],
            "key_tokens": ["c", "d", "e"],
        },
        kinds=GRID
        | {
            "weights": array((2, 2, 3), lambda x: x.min() >= 0),
            "titles": several(2) | nothing(),
            "columns": COLUMNS | nothing(),
            "vmax": TOP,
        },
        says={name: ("weights",) for name in GRID},
        right=is_drawn,
    ),
    "curves_with_bands": Sheet(
        call=plotting.curves_with_bands,
        good=lambda: {"x": [1, 2, 3], "series": {"a": [1.0, 2.0, 3.0]}} | AXES,
        kinds=SERIES
        | {
            "x": array((3,)),
            "series": named(array((3,), also=[(1, 3)])),
            "log_x": flag(),
            "log_y": flag(),
            "mark_x": MARKS,
            "mark_y": MARKS,
        },
        says={"x": ("series",)},
        right=is_drawn,
    ),
    "grouped_bars": Sheet(
        call=plotting.grouped_bars,
        good=lambda: {"groups": ["a", "b", "c"], "series": {"a": [1.0, 2.0, 3.0]}} | AXES,
        kinds=SERIES
        | {
            "groups": several(3),
            "series": named(array((3,), also=[(1, 3)])),
            "counts": loose([1, 2, 3], [1], [1, 2, "3"]),
            "y_limits": loose((0, 1), (1, 0), (0, math.nan)),
        },
        says={"groups": ("series",)},
        right=is_drawn,
    ),
    "loglog_slope": Sheet(
        call=plotting.loglog_slope,
        good=lambda: {"x": [1, 2, 3], "series": {"a": [1.0, 2.0, 3.0]}} | AXES,
        kinds=SERIES
        | POSITIVE
        | {
            "series": named(array((3,), lambda x: x.min() > 0, also=[(1, 3)])),
            "symbol": WORDS,
            "fit_from": loose(1.0, 2.5, 9) | nothing(),
        },
        says={"x": ("series",)},
        right=is_drawn,
    ),
    "fit_exponent": Sheet(
        call=plotting.fit_exponent,
        good=lambda: {"x": [1, 2, 3], "y": [2, 4, 6]},
        kinds=POSITIVE | {"y": array((3,), lambda x: x.min() > 0)},
        says={"x": ("y",), "y": ("x",)},
        right=lambda exponent, a: math.isfinite(exponent),
    ),
    "roofline": Sheet(
        call=plotting.roofline,
        good=lambda: {
            "intensities": {"a": 3.0},
            "peak": 2.0,
            "bandwidth": 1.0,
            "xlabel": "n",
            "ylabel": "s",
        },
        kinds={
            "intensities": loose({"a": 1.0}, {"a": math.nan}, {"a": 0}, {"a": "b"}, {1: 1.0}),
            "peak": Kind(number(lambda v: 0).values, maybe_positive),
            "bandwidth": Kind(number(lambda v: 0).values, maybe_positive),
            "xlabel": WORDS,
            "ylabel": WORDS,
            "title": TITLE,
        },
        right=is_drawn,
    ),
    "aim_bars": Sheet(
        call=aim_bars,
        good=lambda: {"margins": {"a": 2.0}, "xlabel": "n"},
        kinds={
            "margins": loose({"a": 0.5, "b": 3}, {"a": math.nan}, {"a": -1}, {"a": "b"}),
            "xlabel": WORDS,
            "title": TITLE,
        },
        right=is_drawn,
    ),
}
