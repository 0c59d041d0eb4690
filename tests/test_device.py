import random

import pytest
import torch

from txlib.device import describe_device, pick_device, pick_dtype, seed_everything


@pytest.fixture(autouse=True)
def no_wish(monkeypatch):
    monkeypatch.delenv("TXLIB_DEVICE", raising=False)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_best_device_that_is_there(monkeypatch, cuda, mps, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device().type == expected


def test_argument_comes_before_environment_before_best(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setenv("TXLIB_DEVICE", "cpu")
    assert pick_device() == torch.device("cpu")
    assert pick_device("mps") == torch.device("mps")


def test_bfloat16_only_on_a_gpu_that_has_it(monkeypatch):
    cuda = torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    assert pick_dtype(cuda) == torch.bfloat16
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert pick_dtype(cuda) == torch.float16
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (6, 1))
    assert pick_dtype(cuda) == torch.float32
    assert pick_dtype(torch.device("cpu")) == torch.float32
    assert pick_dtype(torch.device("mps")) == torch.float32


def test_description_counts_threads(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert describe_device(torch.device("cpu")) == "CPU, 2 threads"
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert describe_device(torch.device("cpu")) == "CPU, 1 thread"


def test_description_of_gpus(monkeypatch):
    class Properties:
        name, total_memory = "NVIDIA H200", 140 * 2**30

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties)
    assert describe_device(torch.device("cuda")) == "NVIDIA H200, 140 GiB"
    assert describe_device(torch.device("mps")) == "Apple GPU (MPS)"


def test_a_seed_repeats_both_generators():
    draws = []
    for seed in (3, 3, 4):
        seed_everything(seed)
        draws.append((random.random(), torch.rand(()).item()))
    assert draws[0] == draws[1]
    assert draws[0][0] != draws[2][0]
    assert draws[0][1] != draws[2][1]


def test_errors(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"name must be a device such as .* got 'abacus'"):
        pick_device("abacus")
    with pytest.raises(ValueError, match="that this machine has, got 'cuda'"):
        pick_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="one of 1 GPUs, got 'cuda:1'"):
        pick_device("cuda:1")
    with pytest.raises(ValueError, match=r"seed must be in 0 .* got -1"):
        seed_everything(-1)
