"""What the other figures of `txlib.plotting` may be given."""

import math

import numpy as np
from kinds import flag, made, nothing, whole
from matplotlib.figure import Figure
from plotting_sheets import AXES, COLUMNS, TITLE, TOP, WORDS, array, is_drawn, loose, named, several
from sheets import Sheet

from txlib import plotting
from txlib.plotting.blueprint import STAGES as ALL_STAGES

STAGES = dict.fromkeys(ALL_STAGES, (1, 2, 3))
SHEETS = {
    "signed_maps": Sheet(
        call=plotting.signed_maps,
        good=lambda: {"tables": {"a": np.eye(3)}, "value_name": "score"} | AXES,
        kinds={
            "tables": named(array((3, 3), also=[(2, 3)])),
            "columns": COLUMNS,
            "value_name": WORDS,
            "vmax": TOP | nothing(),
            "xlabel": WORDS,
            "ylabel": WORDS,
            "title": TITLE,
        },
        says={"tables": ("table",)},
        right=is_drawn,
    ),
    "pictures": Sheet(
        call=plotting.pictures,
        good=lambda: {"images": {"a": np.eye(3)}},
        kinds={"images": named(array((3, 3), also=[(2, 3)])), "columns": COLUMNS, "title": TITLE},
        says={"images": ("picture",)},
        right=is_drawn,
    ),
    "named_points": Sheet(
        call=plotting.named_points,
        good=lambda: {"points": {"a": (1.0, 2.0)}} | AXES,
        kinds={
            "points": loose(
                {"a": (1, 2)}, {"a": (math.nan, 1)}, {"a": 3}, {"a": ("b", 1)}, {"a": (1, 2, 3)}
            ),
            "xlabel": WORDS,
            "ylabel": WORDS,
            "log_x": flag(),
            "highlight": loose(["a"], "a", ["b"]),
            "left": loose(["a"], {"a"}),
        },
        right=is_drawn,
    ),
    "unrolled_graph": Sheet(
        call=plotting.unrolled_graph,
        good=lambda: {"num_steps": 3},
        kinds={"num_steps": whole(2, 10)},
        right=is_drawn,
    ),
    "receptive_field": Sheet(
        call=plotting.receptive_field,
        good=lambda: {"kernel_size": 2, "dilations": [1, 2]},
        kinds={"kernel_size": whole(1, 13), "dilations": loose([1], [0], [], [1.5], [40], (2, 3))},
        says={"kernel_size": ("reach",), "dilations": ("dilation", "reach")},
        right=is_drawn,
    ),
    "gate_traces": Sheet(
        call=plotting.gate_traces,
        good=lambda: {"tokens": ["a", "b"], "gates": {"a": np.ones((2, 3))}},
        kinds={"tokens": several(2, text=False), "gates": named(array((2, 3)))},
        says={"tokens": ("gate",), "gates": ("gate",)},
        right=is_drawn,
    ),
    "blueprint": Sheet(
        call=plotting.blueprint,
        good=lambda: {"shapes": dict(STAGES), "source": ["a"], "target": ["b"], "num_layers": 2},
        kinds={
            "shapes": loose(dict(STAGES), STAGES | {"source": 3}, STAGES | {"source": ["a"]}),
            "source": loose(["a", "b"], []),
            "target": loose(["a"], []),
            "num_layers": whole(1),
        },
        right=is_drawn,
    ),
    "matrix_shapes": Sheet(
        call=plotting.matrix_shapes,
        good=lambda: {"T_q": 2, "T_k": 3, "D": 4, "D_v": 5},
        kinds={name: whole(1) for name in ("T_q", "T_k", "D", "D_v")},
        right=is_drawn,
    ),
    "residual_streams": Sheet(
        call=plotting.residual_streams,
        good=lambda: {"orders": ["pre"], "sublayers": ["a"]},
        kinds={
            "orders": loose(["pre", "post", "none"], ["x"], []),
            "sublayers": loose(["a"], [], ["\ud800"]),
        },
        right=is_drawn,
    ),
    "timeline": Sheet(
        call=plotting.timeline,
        good=lambda: {"events": [(1997, "LSTM", "gates")]},
        kinds={
            "events": loose(
                [(2014, "a", "b"), (2017, "c", "d")],
                [(1, "a")],
                [("a", 1, 2)],
                [(math.nan, "a", "b")],
            ),
            "title": TITLE,
        },
        right=is_drawn,
    ),
    "show": Sheet(
        call=plotting.show,
        good=lambda: {
            "fig": Figure(),
            "alt": "A line that climbs from left to right",
            "caption": None,
        },
        kinds={
            "fig": made(lambda v: isinstance(v, Figure), Figure),
            "alt": loose("x" * 30, "image of a line that falls to 0"),
            "caption": loose("words") | nothing(),
        },
    ),
    "to_png": Sheet(
        call=plotting.to_png,
        good=lambda: {"fig": Figure()},
        kinds={"fig": made(lambda v: isinstance(v, Figure), Figure)},
    ),
    "series_styles": Sheet(
        call=plotting.series_styles,
        good=lambda: {"names": ["a"]},
        kinds={"names": loose(["LSTM", "lstm"], ["a"] * 11)},
    ),
}
