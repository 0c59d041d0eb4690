import pytest
import torch

from txlib.metrics import megabytes_kept

MEGABYTE = 2**18  # numbers of four bytes


def test_by_hand():
    x = torch.ones(3 * MEGABYTE, requires_grad=True)
    assert megabytes_kept(torch.exp, x) == pytest.approx(3)  # exp keeps its result
    assert megabytes_kept(torch.neg, x) == 0  # minus needs nothing


def test_shared_memory_counts_once_and_whole():
    x = torch.ones(2 * MEGABYTE, requires_grad=True)
    assert megabytes_kept(lambda: x * x) == pytest.approx(2)
    assert megabytes_kept(lambda: x[:10] * x[10:20]) == pytest.approx(2)


def test_several_inputs_and_steps_add_up():
    x = torch.ones(MEGABYTE, requires_grad=True)
    y = torch.ones(MEGABYTE, requires_grad=True)
    assert megabytes_kept(lambda a, b: (a * b).exp(), x, y) == pytest.approx(3)


def test_nothing_is_kept_without_a_gradient():
    x = torch.ones(MEGABYTE)
    assert megabytes_kept(torch.exp, x) == 0


def test_the_function_is_called_once_and_its_errors_pass():
    calls = []
    megabytes_kept(calls.append, 1)
    assert calls == [1]
    with pytest.raises(ZeroDivisionError):
        megabytes_kept(lambda: 1 / 0)
