"""What the widgets of `txlib.widgets` may be given."""

import math

import torch
from hypothesis import strategies as st
from kinds import Kind, any_text, is_number, is_whole, junk, nothing, number, whole
from sheets import Sheet

from txlib import widgets

ENTRY = {
    "source": ["a", "b"],
    "target": ["c", "d", "e"],
    "encoder": [[[[0.5, 0.5]] * 2]],
    "decoder": [[[[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.3, 0.5]]]],
    "cross": [[[[0.5, 0.5]] * 3]],
    "text": "a b",
}


def listed(value, of, least, most=64):
    """Whether it is a list of so many things; of other collections, no verdict."""
    if hasattr(value, "tolist"):
        return None
    if not isinstance(value, (list, tuple)):
        return False
    return least <= len(value) <= most and all(map(of, value))


def words(count=None, least=1, most=64):
    """Strings that may stand in a picture; blank ones without a verdict."""
    low, high = (count, count) if count else (least, most)

    def holds(value):
        fits = listed(value, lambda v: isinstance(v, str), low, high)
        return fits and (True if all(v.strip() and half(v) for v in value) else None)

    texts = st.lists(any_text(), min_size=max(0, low - 1), max_size=min(high + 1, low + 3))
    return Kind(junk() | texts | st.lists(junk(), max_size=2), holds)


def floats(count):
    """`count` finite numbers, not too large."""
    drawn = st.lists(
        st.floats(-9, 9) | st.sampled_from([math.nan, math.inf, 1e300]), max_size=count + 1
    )
    fits = lambda v: listed(v, is_number, count, count)  # noqa: E731
    modest = lambda v: True if all(abs(x) < 5 for x in v) else None  # noqa: E731
    return Kind(junk() | drawn, lambda v: fits(v) and modest(v))


def weights(queries, keys):
    """Rows that sum to one, and rows that do not."""
    even = torch.full((queries, keys), 1 / keys)
    made = [even, even.tolist(), even[None], even * 2, even - 1, even.bool(), even[:, :-1]]
    made += [
        even.masked_fill(torch.eye(queries, keys).bool(), math.nan),
        torch.zeros(queries, keys),
    ]

    def holds(value):
        if isinstance(value, list) and value == even.tolist():
            return True
        if not isinstance(value, torch.Tensor) or value.shape[-2:] != (queries, keys):
            return False
        sums = value.double().sum(-1)
        return bool(
            value.isfinite().all()
            and (value >= 0).all()
            and (((sums - 1).abs() < 9e-3) | (sums == 0)).all()
        )

    return Kind(junk() | st.sampled_from(made), holds)


def points(count):
    """`count` places in the plane."""
    drawn = st.lists(st.lists(st.floats(-4, 4), min_size=1, max_size=3), max_size=count + 1)

    def holds(value):
        pairs = lambda v: listed(v, is_number, 2, 2)  # noqa: E731
        return None if listed(value, pairs, 2) is not False else False

    return Kind(junk() | drawn, holds)


def tells(widget, arguments):
    """It has a description and a text form, both without an address or NaN."""
    for said in (widget.alt, repr(widget)):
        assert said
        assert "0x" not in said
        assert "nan" not in said.lower().split()


def heads(shape):
    """A head's vectors, cut short, empty, or not numbers."""
    good = torch.ones(shape)
    made = [good, good.numpy(), good[0], good[:0], good * math.nan, good.long(), good.tolist()]

    def holds(value):
        if hasattr(value, "shape") and tuple(value.shape) == shape:
            return bool(torch.as_tensor(value).isfinite().all())
        return None if isinstance(value, (list, torch.Tensor)) else False

    return Kind(junk() | st.sampled_from(made), holds)


def maybe(kind):
    """The kind or None."""
    return kind | nothing()


def loose(values=None):
    """Anything: no verdict but that it ends well."""
    return Kind(junk() if values is None else junk() | values, lambda v: None)


def half(text):
    """Whether it holds no half of a character, which no page can show."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


TOKENS = ["a", "b", "c"]
SHEETS = {
    "AttentionExplorer": Sheet(
        call=widgets.AttentionExplorer,
        good=lambda: {
            "weights": torch.full((2, 3), 1 / 3),
            "query_tokens": ["a", "b"],
            "key_tokens": TOKENS,
        },
        kinds={
            "weights": weights(2, 3),
            "query_tokens": loose(st.lists(any_text(), max_size=3)),
            "key_tokens": loose(st.lists(any_text(), max_size=4)),
            "gold": loose(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 3)), max_size=2)),
            "layer": whole(0, 0),
            "head": whole(0, 0),
            "query": whole(0, 1),
            "view": loose(any_text(3)),
            "scores": loose(),
            "names": loose(),
            "sort": loose(any_text(3)),
        },
        says={"query_tokens": ("weights",), "key_tokens": ("weights",)},
        right=tells,
    ),
    "CacheStepper": Sheet(
        call=widgets.CacheStepper,
        good=lambda: {
            "tokens": TOKENS,
            "num_heads": 4,
            "num_kv_heads": 2,
            "head_dim": 8,
            "num_layers": 2,
        },
        kinds={
            "tokens": words(most=8),
            "num_heads": Kind(whole(1).values, lambda v: None if is_whole(v, 1) else False),
            "num_kv_heads": Kind(whole(1).values, lambda v: None if is_whole(v, 1) else False),
            "head_dim": whole(1, upto=9),
            "num_layers": whole(1, upto=9),
            "window": maybe(whole(1, 3)),
            "presets": loose(),
            "bytes_per_number": loose(),
        },
        right=tells,
    ),
    "GradientFlow": Sheet(
        call=widgets.GradientFlow,
        good=lambda: {
            "gradients": {"a": {2: [1.0, 0.5]}},
            "depth": 2,
            "shown": ["a"],
            "measure": "norm",
        },
        kinds={
            "gradients": loose(
                st.sampled_from(
                    [
                        {"a": {2: [1.0, math.nan]}},
                        {"a": {2: [1.0]}},
                        {"a": {0: []}},
                        {"": {2: [1.0, 2.0]}},
                        {"a": {"2": [1.0, 2.0]}},
                        {1: {2: [1, 2]}},
                    ]
                )
            ),
            "depth": loose(st.integers(1, 3)),
            "shown": loose(st.lists(any_text(2), max_size=2)),
            "measure": loose(any_text()),
        },
        says={"gradients": ("depth", "shown")},
        right=tells,
    ),
    "MaskMaker": Sheet(
        call=widgets.MaskMaker,
        good=lambda: {"tokens": TOKENS},
        kinds={
            "tokens": loose(st.lists(any_text(), max_size=4)),
            "num_tokens": nothing(),
            "kind": loose(any_text(4)),
            "also": loose(st.lists(any_text(4), max_size=2)),
            "length": loose(st.integers(-1, 5)),
            "window": loose(st.integers(-1, 5)),
            "prefix": loose(st.integers(-1, 5)),
            "num_global": loose(st.integers(-1, 5)),
            "block_size": loose(st.integers(-1, 5)),
            "query": whole(0, 2),
        },
        says={"tokens": ("num_tokens",)},
        right=tells,
    ),
    "PositionExplorer": Sheet(
        call=widgets.PositionExplorer,
        good=lambda: {"d_model": 64},
        kinds={
            "d_model": loose(st.sampled_from([8, 16, 32, 128, 7])),
            "base": number(lambda v: 2 <= v <= 1e9),
            "pairs": loose(st.lists(st.integers(-1, 40), max_size=3)),
            "position": loose(st.integers(-1, 200)),
            "shift": loose(st.integers(-1, 200)),
            "distance": loose(st.integers(-1, 200)),
            "content": loose(any_text(4)),
            "slope": loose(st.floats()),
            "query": floats(2),
            "key": floats(2),
            "query_position": loose(st.integers(-1, 99)),
            "key_position": loose(st.integers(-1, 99)),
            "panel": loose(any_text(3)),
        },
        right=tells,
    ),
}
