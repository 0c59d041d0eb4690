import copy
import json

import pytest
import torch
from torch import nn

from txlib.training.optimizer_state import flatten_optimizer, restore_optimizer

OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.9)),
    "amsgrad": lambda p: torch.optim.AdamW(p, lr=0.1, amsgrad=True),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
    "adafactor": lambda p: torch.optim.Adafactor(p, lr=0.1),
    "groups": lambda p: torch.optim.Adam([{"params": p[:1], "lr": 0.3}, {"params": p[1:]}]),
}


def step(model, optimizer):
    optimizer.zero_grad()
    model(torch.tensor([[1.0, -2.0, 3.0]])).square().sum().backward()
    optimizer.step()


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_goes_on_as_if_nothing_had_happened(model, name):
    optimizer = OPTIMIZERS[name](list(model.parameters()))
    step(model, optimizer)
    twin = copy.deepcopy(model)
    tensors, facts = flatten_optimizer(optimizer)
    tensors = {key: tensor.clone() for key, tensor in tensors.items()}
    other = OPTIMIZERS[name](list(twin.parameters()))
    restore_optimizer(other, tensors, json.loads(json.dumps(facts)))
    for _ in range(2):
        step(model, optimizer)
        step(twin, other)
    for ours, theirs in zip(twin.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    groups = other.state_dict()["param_groups"]
    assert groups == optimizer.state_dict()["param_groups"]


def test_tensors_are_named_by_parameter(model):
    optimizer = OPTIMIZERS["momentum"](list(model.parameters()))
    step(model, optimizer)
    tensors, _ = flatten_optimizer(optimizer)
    assert {key: tuple(t.shape) for key, t in tensors.items()} == {
        "0.momentum_buffer": (5, 3),
        "1.momentum_buffer": (5,),
        "2.momentum_buffer": (2, 5),
        "3.momentum_buffer": (2,),
    }


def test_before_the_first_step_there_is_no_state(model):
    optimizer = OPTIMIZERS["adam"](list(model.parameters()))
    tensors, facts = flatten_optimizer(optimizer)
    assert tensors == {}
    assert facts["values"] == {}
    restore_optimizer(optimizer, tensors, facts)


def test_errors(model):
    parameters = list(model.parameters())
    optimizer = OPTIMIZERS["adam"](parameters)
    step(model, optimizer)
    tensors, facts = flatten_optimizer(optimizer)
    with pytest.raises(ValueError, match=r"'0.exp_avg' must fit the shape \(5, 3\), got \(3, 5\)"):
        restore_optimizer(optimizer, tensors | {"0.exp_avg": torch.zeros(3, 5)}, facts)
    with pytest.raises(ValueError, match=r"'1.exp_avg' must fit the shape \(5,\), got \(1, 5\)"):
        restore_optimizer(optimizer, tensors | {"1.exp_avg": torch.zeros(1, 5)}, facts)
    with pytest.raises(ValueError, match=r"parameters must be 4, got the key '4.exp_avg'"):
        restore_optimizer(optimizer, tensors | {"4.exp_avg": torch.zeros(1)}, facts)
    with pytest.raises(ValueError, match=r"parameters must be 4, got the key 'x.exp_avg'"):
        restore_optimizer(optimizer, tensors | {"x.exp_avg": torch.zeros(1)}, facts)
    with pytest.raises(ValueError, match="groups must be 2, got 1"):
        restore_optimizer(OPTIMIZERS["groups"](parameters), tensors, facts)
    with pytest.raises(ValueError, match="lr must be a number, got a tensor"):
        flatten_optimizer(torch.optim.Adam(parameters, lr=torch.tensor(0.1)))
