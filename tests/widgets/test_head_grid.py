import base64
import json
import math

import numpy as np
import pytest
import torch

from txlib.widgets import AttentionExplorer
from txlib.widgets.head_grid import MOST_IN_PICTURE, check_scores, draw_grid, order

LAYERS, HEADS, QUERIES, KEYS = 2, 3, 5, 4
Q, K = [f"q{i}" for i in range(QUERIES)], [f"k{i}" for i in range(KEYS)]
WEIGHTS = np.random.default_rng(1).dirichlet(np.ones(KEYS), size=(LAYERS, HEADS, QUERIES))
PREVIOUS = [[0.1, 0.93, -0.4], [math.nan, 0.93, 0.25]]


def test_order_by_hand():
    assert order([0.1, 0.93, -0.4, None, 0.93, 0.25], 6) == [1, 4, 5, 0, 2, 3]
    assert order(None, 4) == [0, 1, 2, 3]


def test_scores_travel_by_head():
    flat = [x for layer in PREVIOUS for x in layer]
    for form in (PREVIOUS, np.array(PREVIOUS), torch.tensor(PREVIOUS, requires_grad=True), flat):
        widget = AttentionExplorer(
            WEIGHTS, Q, K, scores={"previous token": form, "alignment": [1] * 6}
        )
        assert widget.grid
        assert widget.score_names == ["previous token", "alignment"]
        assert widget.score_values == [[0.1, 0.93, -0.4, None, 0.93, 0.25], [1] * 6]
        assert widget.names[4] == "layer 1, head 1"
        json.dumps(widget.score_values, allow_nan=False)
    assert check_scores({"a": [[1 / 3, -0.0]]}, 1, 2) == {"a": [0.3333, 0]}


def test_without_scores_and_names_there_is_no_grid():
    widget = AttentionExplorer(WEIGHTS, Q, K)
    assert (widget.grid, widget.names, widget.score_names, widget.sort) == (False, [], [], "")
    one_layer = AttentionExplorer(WEIGHTS[0], Q, K, scores={})
    assert (one_layer.grid, one_layer.names) == (True, ["head 0", "head 1", "head 2"])
    named = AttentionExplorer(WEIGHTS[0], Q, K, names=["a", "b", "<i>c"])
    assert (named.grid, named.names) == (True, ["a", "b", "<i>c"])


def test_two_layers_of_eight_heads_stay_light():
    weights = np.random.default_rng(0).dirichlet(np.ones(20), size=(2, 8, 20))
    tokens = [f"token{i}" for i in range(20)]
    scores = {name: np.random.default_rng(2).random((2, 8)) for name in ("previous", "alignment")}
    widget = AttentionExplorer(weights, tokens, tokens, scores=scores)
    state = {name: getattr(widget, name) for name in widget.trait_names(sync=True)}
    told = {
        n: value
        for n, value in state.items()
        if isinstance(value, (list, str, int)) and n[0] != "_"
    }
    assert {"query_tokens", "score_values", "names"} <= set(told)
    size = len(json.dumps(told)) + len(base64.b64encode(widget.data))
    assert size < 25_000
    assert size + len(widget._repr_mimebundle_()[0]["image/png"]) < 60_000


def test_alt_names_the_head_and_its_scores():
    scores = {"previous token": PREVIOUS, "alignment": np.arange(6)}
    widget = AttentionExplorer(WEIGHTS, Q, K, layer=1, head=0, scores=scores)
    told = "one of 6 heads in a grid, previous token none, alignment 3.000. Query 1"
    assert f"over 4 keys, layer 1, head 0, {told}" in widget.alt


def test_picture_shows_all_heads_in_order():
    scores = {"previous token": PREVIOUS, "$x": np.arange(6) / 10}
    widget = AttentionExplorer(WEIGHTS, Q, K, scores=scores, sort="previous token")
    flat = WEIGHTS.reshape(-1, QUERIES, KEYS)
    axes = widget.fallback().axes
    for one, head in zip(axes, [1, 4, 5, 0, 2, 3], strict=False):
        np.testing.assert_allclose(one.images[0].get_array(), flat[head], atol=1e-5)
    assert axes[1].get_title() == "layer 1, head 1\nprevious token 0.93\n$x 0.40"
    assert axes[5].get_title() == "layer 1, head 0\nprevious token none\n$x 0.30"
    many = draw_grid(np.ones((40, 2, 3)), ["翻译"] * 40, {}, "")
    assert sum(bool(one.images) for one in many.axes) == MOST_IN_PICTURE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [0.5]}, r"scores must map names to a number per head, got \[0.5\]"),
        ({"scores": {"a": [1, 2]}}, r"scores\['a'\] must hold .* \(2, 3\), got shape \(2,\)"),
        ({"scores": {"a": np.ones((3, 2))}}, r"\(2, 3\), got shape \(3, 2\)"),
        ({"scores": {"a": [math.inf] * 6}}, r"scores\['a'\] must be finite, or NaN .* got inf"),
        ({"scores": {" ": [1] * 6}}, "scores' names must be a string that is not blank, got ' '"),
        ({"scores": {str(i): [1] * 6 for i in range(7)}}, "scores must be at most 6, got 7"),
        ({"names": ["a"]}, "names must hold 6 to 6 strings, got 1"),
        ({"names": ["a"] * 5 + [""]}, r"names\[5\] must be a string that is not blank, got ''"),
        ({"sort": "a"}, r"sort must be one of the scores \[\], got 'a'"),
        ({"scores": {"a": [1] * 6}, "sort": "b"}, r"of the scores \['a'\], got 'b'"),
    ],
)
def test_errors(change, message):
    with pytest.raises(ValueError, match=message):
        AttentionExplorer(WEIGHTS, Q, K, **change)


def test_too_many_heads_for_a_grid():
    weights = np.ones((13, 12, 1, 1))
    assert not AttentionExplorer(weights, ["q"], ["k"]).grid
    with pytest.raises(ValueError, match="at most 144 heads, got 13 x 12 heads"):
        AttentionExplorer(weights, ["q"], ["k"], scores={})
