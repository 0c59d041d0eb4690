import json
import math

import numpy as np
import pytest
import torch

from txlib.widgets import GradientFlow
from txlib.widgets.gradient_flow import verdict

ARMS = {
    "residual": {1: [0.5], 3: [2.0, 1.0, 0.25]},
    "none": {3: [1e-12, 1e-6, 1.23456789], 5: [0, 1e-30, 1e-20, 1e-10, 1]},
    "no norm": {3: [math.inf, math.nan, 7]},
}


@pytest.mark.parametrize(
    ("norms", "word"),
    [
        ([2.0, 9.0, 1.0], "even"),
        ([0.1, 1.0], "even"),
        ([0.09, 1.0], "fades towards the input"),
        ([11.0, 1.0], "grows towards the input"),
        ([0.0, 1.0], "vanished"),
        ([1.0, 0.0, 1.0], "vanished"),
        ([0.0, math.inf], "overflowed"),
        ([1.0, math.nan, 1.0], "overflowed"),
        ([0.0], "vanished"),
        ([3.0], "even"),
    ],
)
def test_verdict_by_hand(norms, word):
    assert verdict(norms) == word


def test_numbers_by_hand():
    widget = GradientFlow(ARMS, depth=3)
    assert (widget.arms, widget.depths, widget.shown) == ([*ARMS], [1, 3, 5], [0, 1, 2])
    assert widget.norms == [
        [[0.5], [2, 1, 0.25], None],
        [None, [1e-12, 1e-6, 1.235], [0, 1e-30, 1e-20, 1e-10, 1]],
        [None, ["inf", "nan", 7], None],
    ]
    json.dumps(widget.norms, allow_nan=False)
    assert widget.of("no norm", 3) == pytest.approx([math.inf, math.nan, 7], nan_ok=True)
    assert widget.ratio("residual", 3) == 8
    assert widget.ratio("none", 5) == 0
    assert math.isnan(widget.ratio("no norm", 3))
    assert math.isnan(widget.ratio("no norm", 1))
    assert widget.alt == (
        "Gradient norm by layer in stacks of 3 layers, the layer nearest to the input first. First "
        "layer over last: residual: 8, even; none: 8.1e-13, fades towards the input; no norm: "
        "overflowed."
    )
    assert repr(widget) == (
        "GradientFlow(arms=['residual', 'none', 'no norm'], depths=[1, 3, 5], depth=3, "
        "shown=[0, 1, 2])"
    )


def test_what_is_accepted():
    widget = GradientFlow(
        {"a": {2: torch.tensor([1.0, 2.0])}, "b": {np.int64(3): np.array([1, 2, 3])}}, shown=["b"]
    )
    assert (widget.depth, widget.depths, widget.shown) == (3, [2, 3], [1])
    assert widget.of("a", 2) == [1, 2]
    hidden = GradientFlow({"a": {1: [1]}}, shown=[])
    assert hidden.alt.endswith("First layer over last: none shown.")


def test_measured_gradients_of_a_deep_stack():
    """Without a residual path a narrow-weighted stack loses its gradient; with one it does not."""
    depth, width = 12, 16
    gradients = {}
    for residual in (True, False):
        torch.manual_seed(0)
        layers = [torch.nn.Linear(width, width) for _ in range(depth)]
        x = torch.randn(5, width)
        for layer in layers:
            x = x + layer(x).tanh() if residual else layer(x).tanh()
        x.square().mean().backward()
        name = "residual" if residual else "no residual"
        gradients[name] = {depth: [layer.weight.grad.norm().item() for layer in layers]}
    widget = GradientFlow(gradients)
    assert verdict(widget.of("residual", depth)) == "even"
    assert verdict(widget.of("no residual", depth)) == "fades towards the input"


def test_picture_leaves_out_what_a_log_axis_cannot_hold():
    axes = GradientFlow(ARMS, depth=5).fallback().axes[0]
    assert axes.get_yscale() == "log"
    assert [len(line.get_xdata()) for line in axes.lines] == [0, 4, 0]
    assert axes.lines[1].get_xdata().tolist() == [2, 3, 4, 5]
    assert axes.lines[1].get_label() == "none: vanished"
    GradientFlow({"_$x$": {1: [0.0]}}, shown=[]).fallback()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gradients": {}}, r"gradients must map 1 to 8 names to norms by depth, got \{\}"),
        ({"gradients": [[1]]}, r"gradients must map 1 to 8 names .* got \[\[1\]\]"),
        ({"gradients": {str(i): {1: [1]} for i in range(9)}}, "gradients must map 1 to 8 names"),
        ({"gradients": {" ": {1: [1]}}}, "gradients' names must be a string that is not blank"),
        ({"gradients": {"a": {}}}, r"gradients\['a'\] must map depths to norms, got \{\}"),
        ({"gradients": {"a": {2: [1]}}}, r"\['a'\]\[2\] must hold one norm a layer, 2, got 1"),
        ({"gradients": {"a": {0: []}}}, r"\['a'\]\[0\]'s depth must be a whole number from 1 to"),
        ({"gradients": {"a": {2: [1, -1]}}}, r"must hold norms, not negative, got \[1, -1\]"),
        ({"gradients": {"a": {i: [1] * i for i in range(1, 18)}}}, "hold at most 16 depths"),
        ({"depth": 4}, r"depth must be one of \[1, 3, 5\], got 4"),
        ({"depth": True}, "depth must be one of .* got True"),
        ({"shown": "none"}, r"shown must hold names of \['residual', 'none', .* got 'none'"),
        ({"shown": ["b"]}, r"shown must hold names of .* got \['b'\]"),
        ({"measure": ""}, "measure must be a string that is not blank, got ''"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        GradientFlow(**({"gradients": ARMS} | change))
