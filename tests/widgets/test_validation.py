import numpy as np
import pytest
import torch

from txlib.widgets.validation import (
    check_array,
    check_integer,
    check_number,
    check_numbers,
    check_string,
    check_text,
    check_texts,
)

AXES = ("heads", "queries", "keys")


def test_values_pass_through():
    assert check_text("question", "why?") == "why?"
    assert check_texts("options", ("a", "b"), least=2, most=2) == ["a", "b"]
    assert check_integer("answer", np.int64(3), least=0, most=3) == 3


def test_array_reaches_the_browser_in_order_as_float32():
    values = torch.arange(24, dtype=torch.float64, requires_grad=True).reshape(2, 3, 4)
    array = check_array("weights", values.mT, AXES)
    assert array.shape == (2, 4, 3)
    assert np.frombuffer(array.tobytes(), np.float32)[:4].tolist() == [0, 4, 8, 1]
    assert check_array("weights", [[[1, 2]]], AXES).shape == (1, 1, 2)
    assert check_array("weights", torch.ones(1, 1, 1, dtype=torch.bfloat16), AXES).item() == 1


@pytest.mark.parametrize("value", ["", "  ", 3, None])
def test_blank_text_is_refused(value):
    with pytest.raises(ValueError, match=r"question must be a string that is not blank, got"):
        check_text("question", value)


def test_lists_of_texts_that_are_refused():
    with pytest.raises(ValueError, match="options must be a sequence of strings, got 'ab'"):
        check_texts("options", "ab", least=1, most=3)
    with pytest.raises(ValueError, match="options must be a sequence of strings, got 7"):
        check_texts("options", 7, least=1, most=3)
    with pytest.raises(ValueError, match="options must hold 2 to 3 strings, got 4"):
        check_texts("options", ["a", "b", "c", "d"], least=2, most=3)
    with pytest.raises(ValueError, match=r"options\[1\] must be a string .* got ''"):
        check_texts("options", ["a", ""], least=2, most=3)


@pytest.mark.parametrize("value", [-1, 4, 1.0, True, "1", None])
def test_integers_that_are_refused(value):
    with pytest.raises(ValueError, match="answer must be a whole number from 0 to 3, got"):
        check_integer("answer", value, least=0, most=3)


def test_arrays_that_are_refused():
    with pytest.raises(ValueError, match=r"heads x queries x keys, none empty, got shape \(2, 3\)"):
        check_array("weights", np.ones((2, 3)), AXES)
    with pytest.raises(ValueError, match=r"none empty, got shape \(2, 0, 3\)"):
        check_array("weights", np.ones((2, 0, 3)), AXES)
    with pytest.raises(ValueError, match="weights must be finite, got nan"):
        check_array("weights", [[[1.0, float("nan")]]], AXES)


def test_numbers_from_lists_arrays_and_tensors():
    assert check_number("temperature", np.float64(0.1), least=0, most=1) == 0.1
    assert check_number("temperature", torch.tensor(1), least=0, most=1) == 1.0
    for values in ([1, 2.5], (1, 2.5), np.array([1, 2.5]), torch.tensor([1, 2.5])):
        numbers = check_numbers("scores", values, least=2, most=3, limit=4)
        assert numbers == [1.0, 2.5]
        assert all(type(number) is float for number in numbers)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), True, "1", None, [1], np.ones(2)])
def test_number_that_is_refused(value):
    with pytest.raises(ValueError, match="temperature must be a number from 0 to 1, got"):
        check_number("temperature", value, least=0, most=1)


def test_lists_of_numbers_that_are_refused():
    limits = {"least": 2, "most": 3, "limit": 4}
    with pytest.raises(ValueError, match="scores must be a sequence of numbers, got '12'"):
        check_numbers("scores", "12", **limits)
    with pytest.raises(ValueError, match="scores must be a sequence of numbers, got 7"):
        check_numbers("scores", 7, **limits)
    with pytest.raises(ValueError, match="scores must hold 2 to 3 numbers, got 1"):
        check_numbers("scores", [1], **limits)
    with pytest.raises(ValueError, match="keys must hold 2 numbers, got 3"):
        check_numbers("keys", [1, 2, 3], least=2, most=2, limit=4)
    with pytest.raises(ValueError, match=r"scores\[1\] must be a number from -4 to 4, got 5"):
        check_numbers("scores", [1, 5], **limits)


@pytest.mark.parametrize("half", ["\ud800", "a\udcffb"])
def test_half_a_character_is_refused(half):
    """It could be shown in no page and saved in no notebook."""
    for check in (check_text, check_string):
        with pytest.raises(
            ValueError, match=r"options must be whole characters, got a lone surrog"
        ):
            check("options", half)
    assert check_string("options", "👩\u200d👧") == "👩\u200d👧"
    assert check_string("options", "") == ""
