import math

import numpy as np
import pytest
import torch

from txlib.widgets import AttentionExplorer
from txlib.widgets.attention_explorer import COARSE, FINE, MOST_FINE

LAYERS, HEADS, QUERIES, KEYS = 2, 3, 5, 4
Q, K = [f"q{i}" for i in range(QUERIES)], [f"k{i}" for i in range(KEYS)]
ROW = [[0.25, 0.75]]


def random_weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).dirichlet(np.ones(shape[-1]), size=shape[:-1])


def test_weights_travel_by_hand():
    widget = AttentionExplorer([[0.25, 0.75, 0], [0, 0, 0]], ["a", "b"], ["x", "y", "z"])
    assert (widget.shape, widget.levels) == ([1, 1, 2, 3], 65535)
    assert np.frombuffer(widget.data, "<u2").tolist() == [16384, 49151, 0, 0, 0, 0]
    assert repr(widget) == (
        "AttentionExplorer(shape=[1, 1, 2, 3], query_tokens=['a', 'b'], "
        "key_tokens=['x', 'y', 'z'], layer=0, head=0, query=0, view='heatmap')"
    )


@pytest.mark.parametrize(("layers", "levels"), [(2, FINE), (9, COARSE)])
def test_error_is_what_it_says(layers, levels):
    weights = random_weights(layers, 3, 64, 63)
    assert (weights.size > MOST_FINE) == (levels == COARSE)
    widget = AttentionExplorer(weights, ["q"] * 64, ["k"] * 63)
    assert widget.levels == levels
    assert len(widget.data) == weights.size * (1 + (levels == FINE))
    apart = abs(widget._weights() - weights).max()
    assert 0.2 / levels < apart <= widget.error
    assert widget.error < (1e-5 if levels == FINE else 2e-3)


@pytest.mark.parametrize("axes", [2, 3, 4])
def test_leading_axes_may_be_missing(axes):
    weights = random_weights(LAYERS, HEADS, QUERIES, KEYS)
    given = weights[(0,) * (4 - axes)]
    for form in (given, given.tolist(), torch.tensor(given, requires_grad=True)):
        widget = AttentionExplorer(form, Q, K)
        assert widget.shape == [1] * (4 - axes) + list(given.shape)
        shown = widget._weights().reshape(given.shape)
        np.testing.assert_allclose(shown, given, atol=widget.error)


def test_low_precision_rows_are_distributions_too():
    for dtype in (torch.bfloat16, torch.float16):
        scores = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(0))
        AttentionExplorer(scores.to(dtype).softmax(-1), ["t"] * 64, ["t"] * 64)


def test_alt_names_the_largest_weight(attention):
    row = attention._weights()[1, 0, 4]
    most = int(row.argmax())
    assert attention.alt == (
        "Attention weights of 5 queries over 4 keys, layer 1 of 2, head 0 of 3, counted from 0. "
        f"Query 5, $x$, puts its largest weight, {row[most]:.2f}, on key {most + 1}, "
        f"{attention.key_tokens[most]}. 2 gold pairs are outlined."
    )
    blind = AttentionExplorer([[0, 0]], [" "], ["x" * 10_000, "y"])
    assert "Query 1, ' ', attends to no key." in blind.alt
    assert len(AttentionExplorer([[1.0, 0]], ["a"], ["x" * 10_000, "y"]).alt) < 250


def test_gold_is_sorted_and_optional():
    weights = random_weights(QUERIES, KEYS)
    assert AttentionExplorer(weights, Q, K).gold == []
    pairs = [(4, 3), (0, 2), (0, np.int64(1))]
    assert AttentionExplorer(weights, Q, K, frozenset(pairs)).gold == sorted(map(list, pairs))
    assert AttentionExplorer(weights, Q, K, pairs).gold == [[0, 1], [0, 2], [4, 3]]


def test_picture_shows_every_head_of_the_layer():
    weights = random_weights(LAYERS, HEADS, QUERIES, KEYS)
    figure = AttentionExplorer(weights, Q, K, {(1, 2)}, layer=1).fallback()
    maps = [axes.images[0].get_array() for axes in figure.axes[:HEADS]]
    np.testing.assert_allclose(maps, weights[1], atol=1e-5)
    assert figure.get_suptitle() == "layer 1"
    one = AttentionExplorer(weights[0, 1], Q, K).fallback()
    np.testing.assert_allclose(one.axes[0].images[0].get_array(), weights[0, 1], atol=1e-5)
    assert one.get_suptitle() == ""


def test_smallest_and_largest_can_be_drawn():
    many = AttentionExplorer(random_weights(2, 12, 64, 64), ["翻译"] * 64, ["x" * 10_000] * 64)
    for widget in (AttentionExplorer([[1]], ["a"], [""]), many):
        assert len(widget._repr_mimebundle_()[0]["image/png"]) < 100_000  # base64
    titles = [axes.get_title() for axes in many.fallback().axes]
    assert titles == [f"head {i}" for i in range(12)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [[0.2, 0.7]]}, r"sum to 1 .* got 0.9 at \(layer, head, query\) \(0, 0, 0\)"),
        ({"weights": [[1.25, -0.25]]}, r"from 0 to 1 \(are these scores\?\), got -0.25"),
        ({"weights": [[2.0, -0.0]]}, r"from 0 to 1 \(are these scores\?\), got 2"),
        ({"weights": [[math.nan, 1]]}, "weights must be finite, got nan"),
        ({"weights": [[0.25], [0.75]]}, r"column per key token, 1 x 2, got shape \(2, 1\)"),
        ({"weights": [1.0, 0]}, r"weights must be queries x keys, none empty, got shape \(2,\)"),
        ({"weights": [[[ROW]]]}, r"be layers x heads x queries x keys, .* \(1, 1, 1, 1, 2\)"),
        ({"weights": [ROW] * 33}, r"at most 32 layers, 32 heads .* got shape \(1, 33, 1, 2\)"),
        ({"query_tokens": "a"}, "query_tokens must be a sequence of strings, got 'a'"),
        ({"query_tokens": []}, "query_tokens must hold 1 to 64 strings, got 0"),
        ({"key_tokens": ["a"] * 65}, "key_tokens must hold 1 to 64 strings, got 65"),
        ({"key_tokens": ["a", 3]}, r"key_tokens\[1\] must be a string, got 3"),
        ({"gold": {(0, 2)}}, r"pairs \(query, key\) .* within \(1, 2\), got \(0, 2\)"),
        ({"gold": [(0, 1, 0)]}, r"within \(1, 2\), got \(0, 1, 0\)"),
        ({"gold": [3]}, r"within \(1, 2\), got 3"),
        ({"layer": 1}, "layer must be a whole number from 0 to 0, got 1"),
        ({"head": -1}, "head must be a whole number from 0 to 0, got -1"),
        ({"query": 1}, "query must be a whole number from 0 to 0, got 1"),
        ({"view": "arcs"}, r"view must be one of \('heatmap', 'lines'\), got 'arcs'"),
    ],
)
def test_errors(change, message):
    arguments = {"weights": ROW, "query_tokens": ["q"], "key_tokens": ["a", "b"]} | change
    with pytest.raises(ValueError, match=message):
        AttentionExplorer(**arguments)


def test_too_many_numbers():
    weights = np.broadcast_to(np.eye(64), (16, 16, 64, 64))
    with pytest.raises(ValueError, match="1000000 numbers: pass fewer layers or heads, got shape"):
        AttentionExplorer(weights, ["t"] * 64, ["t"] * 64)
