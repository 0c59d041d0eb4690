import numpy as np
import pytest
import torch

from txlib.plotting import pictures, to_png

SQUARE = torch.tensor([[0.0, 0.5, 1.0], [1.5, -1.0, 0.25]])


def shown(figure):
    return [ax for ax in figure.axes if ax.images]


def test_each_picture_under_its_name_on_one_scale():
    axes = shown(pictures({"one": SQUARE, "two": SQUARE.numpy() / 2, "three": SQUARE}))
    assert [ax.get_title(loc="left") for ax in axes] == ["one", "two", "three"]
    assert {ax.images[0].get_clim() for ax in axes} == {(0, 1)}
    np.testing.assert_array_equal(axes[1].images[0].get_array(), SQUARE.numpy() / 2)


def test_reading_order_and_columns():
    boxes = [ax.get_position() for ax in shown(pictures({str(i): SQUARE for i in range(3)}))]
    assert boxes[0].y0 == boxes[1].y0 > boxes[2].y0
    assert boxes[0].x0 == boxes[2].x0 < boxes[1].x0
    (alone,) = shown(pictures({"alone": SQUARE}, columns=3, title="what"))
    assert alone.figure.get_suptitle() == "what"


def test_takes_gradients_and_low_precision_and_gives_equal_bytes():
    image = SQUARE.bfloat16().requires_grad_()
    assert to_png(pictures({"a": image})) == to_png(pictures({"a": image}))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ({}, "1 to 8 pictures, got 0"),
        ({str(i): SQUARE for i in range(9)}, "got 9"),
        ({"flat": torch.ones(3)}, r"'flat' must be a matrix.*\(3,\)"),
        ({"hole": SQUARE / 0}, "'hole' must be a matrix of finite"),
    ],
)
def test_what_is_no_picture(images, message):
    with pytest.raises(ValueError, match=message):
        pictures(images)


def test_no_columns():
    with pytest.raises(ValueError, match="columns must be at least 1, got 0"):
        pictures({"a": SQUARE}, columns=0)
