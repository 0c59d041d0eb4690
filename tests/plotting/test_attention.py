import itertools

import numpy as np
import pytest
import torch

from txlib.plotting import head_grid, heatmap, to_png

QUERIES = ["le", "chat", "noir"]
KEYS = ["the", "black", "cat", "."]
H, T_Q, T_K = 5, 3, 4


@pytest.fixture
def weights():
    return np.random.default_rng(0).dirichlet(np.ones(T_K), size=T_Q)


@pytest.fixture
def heads():
    return np.random.default_rng(1).dirichlet(np.ones(T_K), size=(H, T_Q))


def texts(labels):
    return [label.get_text() for label in labels]


def boxes(ax):
    return {
        (round(p.get_y() + p.get_height() / 2), round(p.get_x() + p.get_width() / 2))
        for p in ax.patches
        if p.get_gid() == "gold"
    }


def test_rows_are_queries_and_columns_keys(weights):
    ax = heatmap(weights, QUERIES, KEYS, query_name="French", title="who looks where").axes[0]
    np.testing.assert_array_equal(ax.images[0].get_array(), weights)
    assert texts(ax.get_yticklabels()) == QUERIES
    assert texts(ax.get_xticklabels()) == KEYS
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("key", "query (French)")
    assert ax.get_title(loc="left") == "who looks where"
    assert ax.get_ylim() == (T_Q - 0.5, -0.5)  # the first query on top


def test_small_maps_carry_their_numbers_and_large_ones_do_not(weights):
    numbers = texts(heatmap(weights, QUERIES, KEYS).axes[0].texts)
    assert numbers == [f"{w:.2f}" for w in weights.ravel()]
    assert not heatmap(np.full((2, 9), 1 / 9), QUERIES[:2], list("abcdefghi")).axes[0].texts


def test_gold_cells_are_outlined(weights):
    gold = frozenset({(0, 0), (1, 2), (2, 1)})
    assert boxes(heatmap(weights, QUERIES, KEYS, gold=gold).axes[0]) == gold


@pytest.mark.parametrize(
    "convert",
    [
        np.ndarray.tolist,
        lambda w: torch.tensor(w, requires_grad=True),
        lambda w: torch.tensor(w).to(torch.bfloat16),
    ],
)
def test_lists_and_tensors_are_taken(weights, convert):
    shown = heatmap(convert(weights), QUERIES, KEYS).axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, weights, atol=4e-3)


@pytest.mark.parametrize(
    ("scale", "vmax", "top"), [(0.5, None, 1.0), (3.0, None, 3.0), (0.5, 0.25, 0.25)]
)
def test_scale(scale, vmax, top):
    image = heatmap(scale * np.eye(3, 4), QUERIES, KEYS, vmax=vmax).axes[0].images[0]
    assert (image.norm.vmin, image.norm.vmax) == (0.0, top)


@pytest.mark.parametrize("named", [{}, {"value_name": "derivative"}])
def test_colour_bar_says_what_a_cell_holds(weights, named):
    figure = heatmap(weights, QUERIES, KEYS, **named)
    assert figure.axes[-1].get_ylabel() == named.get("value_name", "weight")


def test_draws_into_given_axes(weights):
    from matplotlib.figure import Figure

    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert heatmap(weights, QUERIES, KEYS, ax=right) is figure
    assert not left.images
    assert len(right.images) == 1


@pytest.mark.parametrize(("num_queries", "num_keys"), [(1, 1), (16, 13), (40, 36)])
def test_labels_do_not_collide(num_queries, num_keys):
    figure = heatmap(
        np.zeros((num_queries, num_keys)), ["chat"] * num_queries, ["abcdefghijklmnop"] * num_keys
    )
    to_png(figure)
    ax = figure.axes[0]
    heights = [t.get_window_extent() for t in ax.get_yticklabels()]
    assert all(a.y0 >= b.y1 - 1 for a, b in itertools.pairwise(heights))
    across = ax.get_xticklabels()[0].get_fontsize() * figure.dpi / 72
    assert across <= ax.get_window_extent().width / num_keys * 1.45  # at 45 degrees: sqrt 2


def test_head_grid_shows_every_head_on_one_scale(heads):
    figure = head_grid(heads, QUERIES, KEYS, gold={(1, 2)})
    maps = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title(loc="left") for ax in maps] == [f"head {i}" for i in range(H)]
    for ax, weights in zip(maps, heads, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), weights)
        assert (ax.images[0].norm.vmin, ax.images[0].norm.vmax) == (0.0, 1.0)
        assert boxes(ax) == {(1, 2)}
    assert figure.get_supxlabel() == "key"
    assert figure.get_supylabel() == "query"


def test_head_grid_titles_and_columns(heads):
    figure = head_grid(heads, QUERIES, KEYS, titles=list("abcde"), columns=1, key_name="English")
    maps = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title(loc="left") for ax in maps] == list("abcde")
    assert {ax.get_subplotspec().get_gridspec().ncols for ax in maps} == {1}
    assert figure.get_supxlabel() == "key (English)"


def test_input_is_left_alone(weights):
    before = weights.copy()
    heatmap(weights, QUERIES, KEYS, gold={(0, 0)})
    np.testing.assert_array_equal(weights, before)


def test_swapped_axes_are_refused(weights):
    with pytest.raises(ValueError, match=r"expected shape \(3, 4\), got \(4, 3\)"):
        heatmap(weights.T, QUERIES, KEYS)


@pytest.mark.parametrize(
    ("bad", "message"),
    [(np.nan, "must be finite, got nan"), (-0.5, "must not be negative .* got -0.5")],
)
def test_values_that_are_no_weights(weights, bad, message):
    weights[1, 1] = bad
    with pytest.raises(ValueError, match=message):
        heatmap(weights, QUERIES, KEYS)


def test_empty():
    with pytest.raises(ValueError, match="at least one query"):
        heatmap(np.zeros((0, 4)), [], KEYS)


@pytest.mark.parametrize("pair", [(3, 0), (0, 4), (-1, 0)])
def test_gold_outside_the_map(weights, pair):
    with pytest.raises(ValueError, match=r"gold pairs are \(query, key\)"):
        heatmap(weights, QUERIES, KEYS, gold={pair})


def test_vmax_must_be_positive(weights):
    with pytest.raises(ValueError, match="vmax must be a positive number, got 0"):
        heatmap(weights, QUERIES, KEYS, vmax=0)


def test_head_grid_errors(heads):
    with pytest.raises(ValueError, match=r"weights must be \(H, T_q, T_k\), got shape \(3, 4\)"):
        head_grid(heads[0], QUERIES, KEYS)
    with pytest.raises(ValueError, match=r"expected shape \(5, 4, 3\)"):
        head_grid(heads, KEYS, QUERIES)
    with pytest.raises(ValueError, match="one per head: 5 heads, got 2"):
        head_grid(heads, QUERIES, KEYS, titles=["a", "b"])
