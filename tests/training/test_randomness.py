import pytest
import torch

from txlib.training.randomness import generator_states, set_generator_states

CPU = torch.device("cpu")


def test_draws_repeat_from_a_state():
    states = generator_states(CPU)
    first = torch.rand(3)
    set_generator_states(states, CPU)
    assert torch.equal(torch.rand(3), first)
    assert list(states) == ["cpu"]


def test_a_state_is_not_moved_by_later_draws():
    states = generator_states(CPU)
    copy = states["cpu"].clone()
    torch.rand(1000)
    assert torch.equal(states["cpu"], copy)


def test_another_kind_of_device_is_left_aside():
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    set_generator_states({"cuda": torch.zeros(16, dtype=torch.uint8)}, CPU)
    assert torch.equal(torch.rand(2), expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_draws_on_a_gpu_repeat():
    device = torch.device("cuda")
    states = generator_states(device)
    first = torch.rand(3, device=device)
    set_generator_states(states, device)
    assert torch.equal(torch.rand(3, device=device), first)


def test_what_is_no_state_is_an_error():
    with pytest.raises(ValueError, match=r"states\['cpu'\] must be a generator's state, got"):
        set_generator_states({"cpu": torch.zeros(3, dtype=torch.uint8)}, CPU)
    with pytest.raises(ValueError, match="must be a generator's state"):
        set_generator_states({"cpu": torch.zeros(5056)}, CPU)
