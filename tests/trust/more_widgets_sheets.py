"""What the other widgets of `txlib.widgets` may be given."""

import torch
from hypothesis import strategies as st
from kinds import Kind, any_text, flag, is_number, is_whole, junk, nothing, number, one_of, whole
from sheets import Sheet
from widgets_sheets import ENTRY, TOKENS, floats, half, heads, loose, maybe, points, tells

from txlib import widgets

SHEETS = {
    "PredictFirst": Sheet(
        call=widgets.PredictFirst,
        good=lambda: {"question": "Why?", "options": TOKENS, "answer": 1, "explanation": "So."},
        kinds={
            "question": Kind(
                junk() | any_text(), lambda v: isinstance(v, str) and bool(v.strip()) and half(v)
            ),
            "options": loose(st.lists(any_text(), max_size=4)),
            "answer": Kind(junk() | st.integers(-1, 4), lambda v: is_whole(v, 0, 2))
            | one_of("a", "b", "c"),
            "explanation": Kind(
                junk() | any_text(), lambda v: isinstance(v, str) and bool(v.strip()) and half(v)
            ),
        },
        says={"options": ("answer",)},
        right=lambda widget, a: bool(widget.alt and repr(widget)),
    ),
    "QueryKeyValue2D": Sheet(
        call=widgets.QueryKeyValue2D,
        good=lambda: {
            "keys": [[1.0, 0.0], [0.0, 1.0]],
            "query": [1.0, 0.5],
            "scaled": True,
            "d_k": 2,
        },
        kinds={
            "keys": points(2),
            "values": maybe(points(2)),
            "query": floats(2),
            "scaled": flag(),
            "d_k": Kind(junk() | st.integers(0, 9), lambda v: None if is_number(v) else False),
            "labels": loose(st.lists(any_text(), max_size=3)),
        },
        says={"keys": ("values", "labels")},
        right=tells,
    ),
    "SoftmaxDial": Sheet(
        call=widgets.SoftmaxDial,
        good=lambda: {"scores": [1.0, 2.0], "labels": ["a", "b"], "temperature": 1.0},
        kinds={
            "scores": floats(2),
            "labels": loose(st.lists(any_text(), max_size=3)),
            "temperature": Kind(
                number(lambda v: v > 0).values,
                lambda v: None if is_number(v) and v > 0 else None if hasattr(v, "item") else False,
            ),
        },
        says={"scores": ("labels",)},
        right=tells,
    ),
    "TilingStepper": Sheet(
        call=widgets.TilingStepper,
        good=lambda: {
            "query": torch.ones(4, 2),
            "key": torch.ones(5, 2),
            "value": torch.ones(5, 3),
        },
        kinds={
            "query": heads((4, 2)),
            "key": heads((5, 2)),
            "value": heads((5, 3)),
            "tile_q": loose(st.integers(-1, 9)),
            "tile_k": loose(st.integers(-1, 9)),
            "is_causal": flag(),
        },
        right=tells,
    ),
    "TranslatorExplorer": Sheet(
        call=widgets.TranslatorExplorer,
        good=lambda: {"entries": [dict(ENTRY)]},
        kinds={
            "entries": Kind(
                junk()
                | st.sampled_from(sorted(ENTRY)).flatmap(
                    lambda k: junk().map(lambda v: [ENTRY | {k: v}])
                ),
                lambda v: None if isinstance(v, list) else False,
            ),
            "templates": loose(),
            "sentence": loose(any_text(4)),
            "kind": loose(any_text(4)),
            "layer": loose(),
            "head": loose(),
            "query": loose(),
            "view": loose(any_text(4)),
        },
        says={"entries": tuple(ENTRY)}
        | {
            name: ("entr", "entries")
            for name in ("templates", "sentence", "kind", "layer", "head", "query", "view")
        },
        right=tells,
    ),
    "UnrolledNetwork": Sheet(
        call=widgets.UnrolledNetwork,
        good=lambda: {"tokens": TOKENS},
        kinds={
            "tokens": loose(st.lists(any_text(), max_size=4)),
            "num_tokens": nothing(),
            "kernel_size": whole(2, 5),
            "source": maybe(whole(0, 2)),
            "target": maybe(whole(0, 2)),
            "show_convolution": flag(),
        },
        says={"tokens": ("num_tokens",), "source": ("target",), "target": ("source",)},
        right=tells,
    ),
}
