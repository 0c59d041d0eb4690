import pytest
import torch
from torch.nn.attention import SDPBackend

from txlib.attention import scaled_dot_product_attention
from txlib.attention.tiled import tiled_attention
from txlib.recipes import gpu_kernels
from txlib.recipes.gpu_kernels import CUDNN, FLASH, OURS, WAYS, flop, measure_kernels

CPU = torch.device("cpu")
SMALL = {"tokens": 24, "width": 8, "lengths": (3, 12), "head_dims": (4,), "repeats": 2}


def rough(*qkv, is_causal):
    return scaled_dot_product_attention(*qkv, is_causal=is_causal) + 0.25 * qkv[2].mean()


def measure(**ways):
    return measure_kernels(CPU, torch.float32, **SMALL, at_once=0.0, ways=ways)


def test_operations_by_hand():
    assert flop((1, 1, 2, 3), False) == 2 * (2 * 2 * 3) * 2  # two products of 2 x 2 x 3, 2 a pair
    assert flop((5, 7, 2, 3), True) == 5 * 7 * 24


def test_a_row_for_each_mask_length_and_pass():
    rows = measure(**{OURS: tiled_attention, FLASH: rough, CUDNN: WAYS[CUDNN]})
    assert [(row["is_causal"], row["length"], row["pass"]) for row in rows] == [
        (causal, length, name)
        for causal in (False, True)
        for length in (3, 12)
        for name in ("forward", "backward", "forward + backward")
    ]
    for row in rows:
        assert row["batch"] * row["length"] == 24
        assert row["heads"] * row["head_dim"] == 8
        assert set(row["milliseconds"]) == set(row["tflops"]) == {OURS, FLASH}
        assert row["tflops"][OURS] == pytest.approx(row["flop"] / row["milliseconds"][OURS] / 1e9)
        assert set(row["speed_over"]) == {FLASH}
        assert row["unavailable"][CUDNN].startswith("RuntimeError: No ")  # and words that vary
    forward, backward, both = rows[:3]
    assert backward["flop"] == 2.5 * forward["flop"]
    assert both["flop"] == forward["flop"] + backward["flop"]


def test_errors_are_those_of_each_way():
    forward, backward, both = measure(**{OURS: tiled_attention, FLASH: rough})[:3]
    assert forward["largest_error"][OURS] < 1e-6
    assert backward["largest_error"][OURS] < 1e-6
    assert forward["largest_error"][FLASH] > 1e-3
    assert both["largest_error"][FLASH] >= forward["largest_error"][FLASH]


def test_the_backward_pass_is_timed_alone():
    runs = []

    def counting(*qkv, is_causal):
        runs.append(is_causal)
        return tiled_attention(*qkv, is_causal=is_causal)

    leaves = [torch.randn(1, 1, 3, 4, requires_grad=True) for _ in range(3)]
    call = gpu_kernels._backward(
        lambda: counting(*leaves, is_causal=True), leaves, torch.ones(1, 1, 3, 4)
    )
    assert len(call()) == len(call()) == 3
    assert runs == [True]


def test_without_our_kernel_there_is_no_ratio():
    row = measure(**{OURS: WAYS[OURS], FLASH: rough})[0]
    assert row["speed_over"] == {}
    assert row["unavailable"][OURS].startswith("RuntimeError: ")
    assert set(row["largest_error"]) == {FLASH}


def test_backends_are_pinned_by_name():
    assert list(WAYS) == [OURS, FLASH, CUDNN]
    assert [WAYS[way].args[0] for way in (FLASH, CUDNN)] == [
        SDPBackend.FLASH_ATTENTION,
        SDPBackend.CUDNN_ATTENTION,
    ]
