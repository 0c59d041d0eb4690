import numpy as np
import pytest
import torch

from txlib.exercises.compare import describe, difference

RIGHT = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], dtype=torch.float64)


def changed(index, value):
    other = RIGHT.clone()
    other[index] = value
    return other


@pytest.mark.parametrize(
    ("got", "kind", "words"),
    [
        (None, "type", "x should be a tensor of shape (2, 3); it is `None`."),
        ([1.0], "type", "x should be a tensor of shape (2, 3); it is a list of 1."),
        (RIGHT.T, "shape", "x should have shape (2, 3); it has (3, 2)."),
        (changed((1, 0), 7.0), "value", "x[1, 0] should be 4; it is 7."),
        (changed((0, 2), torch.nan), "value", "x[0, 2] should be 3; it is nan."),
        (changed((1, 2), 6.0001), "value", "x[1, 2] should be 6; it is 6."),
        (RIGHT.float(), "dtype", "the values are right, but x should be float64; it is float32."),
    ],
)
def test_tensors(got, kind, words):
    found = difference(RIGHT, got, ("x",))
    assert (found.kind, found.words) == (kind, words)


def test_rounding_is_no_difference():
    assert difference(RIGHT, RIGHT + 1e-9) is None
    assert difference(RIGHT, (RIGHT + 0).requires_grad_()) is None
    assert difference(torch.tensor(2.0), torch.tensor(2.00001)) is None


def test_scalars_have_no_index():
    assert difference(torch.tensor(2.0), torch.tensor(3.0), ("the loss",)).words == (
        "the loss should be 2; it is 3."
    )


@pytest.mark.parametrize("got", [5, np.int64(5), torch.tensor(5)])
def test_whole_numbers_of_any_make(got):
    assert difference(5, got) is None


@pytest.mark.parametrize(
    ("got", "kind"), [(4, "value"), (5.0, "type"), (True, "type"), ("", "type")]
)
def test_no_count(got, kind):
    assert difference(5, got).kind == kind


def test_tuples_name_the_part():
    assert difference((RIGHT, RIGHT), [RIGHT, RIGHT]) is None
    found = difference((RIGHT, RIGHT), (RIGHT, RIGHT[:1]), ("h", "c"))
    assert found.words == "c should have shape (2, 3); it has (1, 3)."
    found = difference((RIGHT, RIGHT), RIGHT, ("h", "c"))
    assert found.words == "2 results (h, c) are expected; it gives a tensor of shape (2, 3)."


def test_descriptions_hold_no_address():
    assert describe(object()) == "a value of type `object`"
    assert describe(lambda: None) == "a value of type `function`"
    assert describe((1, 2)) == "a tuple of 2"
