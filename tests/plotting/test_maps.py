import numpy as np
import pytest
import torch

from txlib.plotting import signed_maps, to_png

TABLE = torch.tensor([[-2.0, 0.0, 1.0], [0.5, 3.0, -1.0]])
LABELS = {"xlabel": "feature", "ylabel": "place", "value_name": "value"}


def shown(figure):
    return [ax for ax in figure.axes if ax.images]


def test_tables_hold_the_data_on_one_scale_around_zero():
    axes = shown(signed_maps({"one": TABLE, "two": TABLE.numpy() / 4, "three": TABLE}, **LABELS))
    assert [ax.get_title(loc="left") for ax in axes] == ["one", "two", "three"]
    np.testing.assert_array_equal(axes[1].images[0].get_array(), TABLE.numpy() / 4)
    assert {ax.images[0].get_clim() for ax in axes} == {(-3, 3)}
    low, middle, high = axes[0].images[0].cmap([0.0, 0.5, 1.0])
    assert middle[:3].min() > 0.98  # zero is white, and the two signs are not one colour
    assert abs(low[0] - high[0]) > 0.3


def test_row_0_is_at_the_top_and_axes_are_named():
    figure = signed_maps({"a": TABLE, "b": TABLE}, title="what", **LABELS)
    a, b = shown(figure)
    assert a.yaxis_inverted()
    assert a.get_ylabel() == "place"
    assert [ax.get_xlabel() for ax in (a, b)] == ["feature", "feature"]
    assert [ax.get_ylabel() for ax in figure.axes][-1] == "value"
    assert figure.get_suptitle() == "what"


def test_reading_order_and_columns():
    boxes = [
        ax.get_position()
        for ax in shown(signed_maps({str(i): TABLE for i in range(3)}, columns=1, **LABELS))
    ]
    assert boxes[0].y0 > boxes[1].y0 > boxes[2].y0
    assert boxes[0].x0 == boxes[2].x0


def test_vmax_and_a_table_of_zeros():
    (ax,) = shown(signed_maps({"": TABLE}, vmax=5, **LABELS))
    assert ax.images[0].get_clim() == (-5, 5)
    (ax,) = shown(signed_maps({"": TABLE * 0}, **LABELS))
    assert ax.images[0].get_clim() == (-1, 1)


def test_takes_gradients_and_gives_equal_bytes():
    table = TABLE.bfloat16().requires_grad_()
    first, second = (to_png(signed_maps({"a": table}, **LABELS)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("tables", "more", "message"),
    [
        ({}, {}, "1 to 6 matrices, got 0"),
        ({str(i): TABLE for i in range(7)}, {}, "got 7"),
        ({"flat": torch.ones(3)}, {}, r"'flat' must be a matrix.*\(3,\)"),
        ({"hole": TABLE / 0}, {}, "'hole' must be a matrix of finite"),
        ({"a": TABLE}, {"columns": 0}, "columns must be at least 1, got 0"),
        ({"a": TABLE}, {"vmax": 0}, "vmax must be positive, got 0"),
    ],
)
def test_what_cannot_be_drawn(tables, more, message):
    with pytest.raises(ValueError, match=message):
        signed_maps(tables, **LABELS, **more)
