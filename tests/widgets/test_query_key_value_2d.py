import math

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from txlib.widgets import QueryKeyValue2D
from txlib.widgets.query_key_value_2d import SIZES

KEYS = [[1.0, 0.2], [-0.5, 1.2], [0.3, -1.0], [2.0, 2.3]]
VALUES = [[0.0, 2.0], [3.0, -1.0], [-2.5, -1.0], [0.4, 0.1]]


def test_numbers_by_hand():
    widget = QueryKeyValue2D(
        [[0, 1], [2, 0]], [[0, 4], [4, 0]], query=[math.log(3) / math.sqrt(2), 0]
    )
    assert widget.scores() == pytest.approx([0, math.log(3)])
    assert widget.weights() == pytest.approx([0.25, 0.75])
    assert widget.context() == pytest.approx([3, 1])
    assert widget.entropy() == pytest.approx(2 * math.log(2) - 0.75 * math.log(3))
    assert widget.gradient_norm() == pytest.approx(3 / 8)
    assert widget.alt == (
        "A query at (0.78, 0.00), as if d_k = 2, scores divided by the square root of d_k. "
        "Keys with score and weight: a (0.00, 1.00) 0.000, 0.250; b (2.00, 0.00) 1.099, 0.750. "
        "Context (3.00, 1.00), entropy 0.562 nats."
    )


@pytest.mark.parametrize(("scaled", "scale"), [(True, None), (False, 1.0)])
def test_agrees_with_torch_in_two_dimensions(scaled, scale):
    widget = QueryKeyValue2D(KEYS, VALUES, query=(0.7, -1.1), scaled=scaled)
    query, key, value = (
        torch.tensor(rows, dtype=torch.float64) for rows in ([(0.7, -1.1)], KEYS, VALUES)
    )
    context = scaled_dot_product_attention(query, key, value, scale=scale)[0]
    assert widget.context() == pytest.approx(context.numpy())


@pytest.mark.parametrize("d_k", SIZES)
def test_scores_grow_as_independent_dimensions_make_them(d_k):
    """What the slider stands for, measured: the ratio of standard deviations of dot products."""
    rng = np.random.default_rng(0)
    few, many = (
        (rng.standard_normal((4000, size)) * rng.standard_normal((4000, size))).sum(axis=1)
        for size in (2, d_k)
    )
    plain, grown = (QueryKeyValue2D(KEYS, scaled=False, d_k=size).scores() for size in (2, d_k))
    assert plain == pytest.approx(np.asarray(KEYS) @ [1.0, 0.5])
    assert grown / plain == pytest.approx(many.std() / few.std(), rel=0.06)


def test_scaling_undoes_the_growth_and_without_it_the_softmax_saturates():
    scaled, raw = (
        [QueryKeyValue2D(KEYS, scaled=scaled, d_k=size) for size in SIZES]
        for scaled in (True, False)
    )
    for widget in scaled:
        assert widget.weights() == pytest.approx(scaled[0].weights())
    entropies = [widget.entropy() for widget in raw]
    assert entropies == sorted(entropies, reverse=True)
    assert raw[-1].weights().max() > 0.999
    assert raw[-1].gradient_norm() < 1e-6 < scaled[-1].gradient_norm()


@pytest.mark.parametrize("count", [2, 3, 8])
def test_default_values_are_a_regular_polygon(count):
    widget = QueryKeyValue2D([[1, 0]] * count, d_k=4)
    corners = np.asarray(widget.values)
    assert np.hypot(*corners.T) == pytest.approx(np.ones(count), abs=1e-3)
    assert corners[0].tolist() == [0, 1]
    assert len({tuple(corner) for corner in corners.tolist()}) == count
    assert widget.weights() == pytest.approx(np.full(count, 1 / count))
    assert widget.context() == pytest.approx([0, 0], abs=1e-3)


def test_what_is_accepted():
    for keys in (
        KEYS,
        np.array(KEYS),
        torch.tensor(KEYS, dtype=torch.float64),
        [*map(tuple, KEYS)],
    ):
        widget = QueryKeyValue2D(
            keys, torch.tensor(VALUES), query=np.array([0, 1]), d_k=np.int64(8)
        )
        assert widget.key_points == KEYS
        assert widget.query == [0.0, 1.0]
    assert repr(QueryKeyValue2D([[1, 0], [0, 1]])) == (
        "QueryKeyValue2D(keys=[[1.0, 0.0], [0.0, 1.0]], values=[[0.0, 1.0], [0.0, -1.0]], "
        "query=[1.0, 0.5], scaled=True, d_k=2, labels=['a', 'b'])"
    )


def test_picture_shows_context_and_growth():
    widget = QueryKeyValue2D(KEYS, VALUES, query=(0, 0))
    plane, values, growth = widget.fallback().axes
    assert plane.lines[-1].get_xydata().tolist() == [[0, 0]]
    assert values.lines[-1].get_xydata()[0] == pytest.approx(widget.context())
    assert len(growth.lines) == 2 * len(KEYS)
    raw = QueryKeyValue2D(KEYS).fallback().axes[2].lines[: len(KEYS)]
    last = QueryKeyValue2D(KEYS, scaled=False, d_k=512).weights()
    assert [line.get_ydata()[-1] for line in raw] == pytest.approx(last)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"keys": [[1, 2]]}, "keys must hold 2 to 8 points, got 1"),
        ({"keys": [[1, 2]] * 9}, "keys must hold 2 to 8 points, got 9"),
        ({"keys": "ab"}, "keys must be a sequence of pairs of numbers, got 'ab'"),
        ({"keys": 3}, "keys must be a sequence of pairs of numbers, got 3"),
        ({"keys": [[1, 2], [1, 2, 3]]}, r"keys\[1\] must hold 2 numbers, got 3"),
        ({"keys": [1, 2]}, r"keys\[0\] must be a sequence of numbers, got 1"),
        ({"keys": [[1, 2], [11, 0]]}, r"keys\[1\]\[0\] must be a number from -10 to 10, got 11"),
        ({"values": [[1, 2]] * 3}, "values must be as many as keys, got 3 and 2"),
        ({"values": [[1, 2], [0, math.inf]]}, r"values\[1\]\[1\] must be a number from .* got inf"),
        ({"query": [1]}, "query must hold 2 numbers, got 1"),
        ({"d_k": 3}, "d_k must be a power of two from 2 to 512, got 3"),
        ({"d_k": 1024}, "d_k must be a power of two from 2 to 512, got 1024"),
        ({"d_k": "8"}, "d_k must be a power of two from 2 to 512, got '8'"),
        ({"labels": ["a"]}, "labels must name each key: 2 of them, got 1"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        QueryKeyValue2D(**({"keys": [[1, 0], [0, 1]]} | arguments))
