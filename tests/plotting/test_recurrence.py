import numpy as np
import pytest
import torch

from txlib.plotting import gate_traces, receptive_field, unrolled_graph


def longest(ax):
    return [line for line in ax.lines if line.get_gid() == "longest"]


@pytest.mark.parametrize("num_steps", [2, 5, 10])
def test_longest_way_is_counted(num_steps):
    recurrence, attention = unrolled_graph(num_steps).axes
    assert len(longest(recurrence)) == num_steps
    assert len(longest(attention)) == 1
    assert recurrence.get_title(loc="left") == f"recurrence: {num_steps} edges"
    assert len(recurrence.lines) == 2 * num_steps - 1
    assert len(attention.lines) == num_steps**2


def test_longest_way_leads_from_first_input_to_last_output():
    recurrence, _ = unrolled_graph(4).axes
    at = (0, 0)
    for line in longest(recurrence):
        (start, end) = zip(line.get_xdata(), line.get_ydata(), strict=True)
        assert start == at
        at = end
    assert at == (3, 1)


@pytest.mark.parametrize(
    ("kernel_size", "dilations", "reach"),
    [(2, [1, 2, 4, 8], 16), (3, [1, 1, 1], 7), (1, [3], 1), (2, [2], 3)],
)
def test_reach(kernel_size, dilations, reach):
    ax = receptive_field(kernel_size, dilations).axes[0]
    assert f"sees {reach} position" in ax.get_title(loc="left")
    lit = {c.get_gid(): c.get_offsets()[:, 0] for c in ax.collections if c.get_gid()}
    inputs = lit["lit-0"]
    assert inputs.max() - inputs.min() + 1 == reach
    assert len(lit[f"lit-{len(dilations)}"]) == 1
    assert [t.get_text() for t in ax.get_yticklabels()][1] == f"layer 1 (dilation {dilations[0]})"


def test_dilation_skips_inputs():
    ax = receptive_field(2, [2]).axes[0]
    lit = next(c for c in ax.collections if c.get_gid() == "lit-0").get_offsets()[:, 0]
    assert (np.diff(lit) == 2).all()


def test_gates_show_units_down_and_words_across():
    tokens = ["the", "cat", "sat"]
    gates = {"forget": np.linspace(0, 1, 15).reshape(3, 5), "cell": np.full((3, 5), -2.0)}
    figure = gate_traces(tokens, {k: torch.tensor(v) for k, v in gates.items()})
    forget, cell = (ax for ax in figure.axes if ax.images)
    np.testing.assert_array_equal(forget.images[0].get_array(), gates["forget"].T)
    assert forget.images[0].get_clim() == (0, 1)
    assert cell.images[0].get_clim() == (-2, 2)
    assert forget.get_title(loc="left") == "forget (5 units)"
    assert [t.get_text() for t in cell.get_xticklabels()] == tokens


@pytest.mark.parametrize("num_steps", [1, 11])
def test_steps_out_of_range(num_steps):
    with pytest.raises(ValueError, match=f"from 2 to 10, got {num_steps}"):
        unrolled_graph(num_steps)


@pytest.mark.parametrize(("kernel_size", "dilations"), [(0, [1]), (2, []), (2, [1, 0])])
def test_no_convolution(kernel_size, dilations):
    with pytest.raises(ValueError, match="at least 1, with at least one layer"):
        receptive_field(kernel_size, dilations)


def test_reach_too_wide_to_draw():
    with pytest.raises(ValueError, match="at most 38 positions, got 64"):
        receptive_field(2, [1, 2, 4, 8, 16, 32])


def test_gate_errors():
    with pytest.raises(ValueError, match="at least one name"):
        gate_traces(["a"], {})
    with pytest.raises(ValueError, match=r"gate 'f' must be \(T, H\) with T = 2, got \(3, 2\)"):
        gate_traces(["a", "b"], {"f": np.zeros((3, 2))})
    with pytest.raises(ValueError, match="gate 'f' must be finite"):
        gate_traces(["a"], {"f": [[np.nan]]})
