from contextlib import nullcontext

import pytest
import torch
from torch import nn

from txlib.attention import (
    AdditiveAttention,
    SingleHeadAttention,
    WeightsTap,
    attention_weights,
    masked_softmax,
)
from txlib.capture import capture_weights

B, T_Q, T_K, C, D = 2, 3, 5, 4, 6


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.look = SingleHeadAttention(C, C, D)

    def forward(self, x):
        return self.look(x, x, is_causal=True)


class Model(nn.Module):
    """Two attention modules, one of them twice in a call, one deeper; and one that never runs."""

    def __init__(self):
        super().__init__()
        self.encoder = Reader()
        self.ask = AdditiveAttention(C, C, D)
        self.idle = SingleHeadAttention(C, C, D)

    def forward(self, query, memory):
        memory = self.encoder(memory)
        return self.ask(self.ask(query, memory), memory)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Model().double()


@pytest.fixture
def inputs():
    torch.manual_seed(1)
    return torch.randn(B, T_Q, C).double(), torch.randn(B, T_K, C).double()


def is_heard(model):
    return any(module.listened for module in model.modules() if isinstance(module, WeightsTap))


def test_weights_by_name_and_in_order(model, inputs):
    query, memory = inputs
    with capture_weights(model) as weights:
        model(query, memory)
    look = model.encoder.look
    assert list(weights) == ["encoder.look", "ask", "idle"]
    assert [len(calls) for calls in weights.values()] == [1, 2, 0]
    expected = attention_weights(look.q_proj(memory), look.k_proj(memory), is_causal=True)
    torch.testing.assert_close(weights["encoder.look"][0], expected)
    memory = model.encoder(memory)
    keys, _ = model.ask.project(memory)
    first = masked_softmax(model.ask.scores(query, keys))
    second = masked_softmax(model.ask.scores(first @ memory, keys))
    torch.testing.assert_close(weights["ask"], [first, second])


def test_calls_add_up_until_the_block_ends(model, inputs):
    with capture_weights(model) as weights:
        model(*inputs)
        model(*inputs)
    kept = {name: list(calls) for name, calls in weights.items()}
    model(*inputs)
    assert [len(calls) for calls in weights.values()] == [2, 4, 0]
    assert all(a is b for name in kept for a, b in zip(kept[name], weights[name], strict=True))


def test_the_output_and_its_gradients_are_the_same(model, inputs):
    outputs = []
    for block in (nullcontext(), capture_weights(model)):
        model.zero_grad()
        with block:
            output = model(*inputs)
        output.square().sum().backward()
        outputs.append([output, *(p.grad for p in model.parameters() if p.grad is not None)])
    for a, b in zip(*outputs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_weights_hang_on_no_graph(model, inputs):
    with capture_weights(model) as weights:
        assert model(*inputs).requires_grad
    assert not any(call.requires_grad for calls in weights.values() for call in calls)


def test_nobody_listens_afterwards(model, inputs):
    assert not is_heard(model)
    with capture_weights(model):
        assert is_heard(model)
    assert not is_heard(model)


def test_nobody_listens_after_an_error(model, inputs):
    query, memory = inputs
    with pytest.raises(ValueError, match="query must have"), capture_weights(model) as weights:
        model(query[..., 1:], memory)
    assert not is_heard(model)
    assert [len(calls) for calls in weights.values()] == [1, 0, 0]


def test_blocks_nest(model, inputs):
    with capture_weights(model) as outer:
        with capture_weights(model.encoder) as inner:
            model(*inputs)
        model(*inputs)
    assert list(inner) == ["look"]
    assert len(inner["look"]) == 1
    assert len(outer["encoder.look"]) == 2
    assert outer["encoder.look"][0] is not outer["encoder.look"][1]
    torch.testing.assert_close(inner["look"][0], outer["encoder.look"][0], rtol=0, atol=0)


def test_an_attention_module_is_a_model_without_a_name(inputs):
    attention = SingleHeadAttention(C, C, D).double()
    with capture_weights(attention) as weights:
        attention(*inputs)
    assert list(weights) == [""]
    assert weights[""][0].shape == (B, T_Q, T_K)


def test_a_module_of_ones_own_needs_a_tap_and_nothing_more():
    class Uniform(nn.Module):
        def __init__(self):
            super().__init__()
            self.tap = WeightsTap()

        def forward(self, memory):
            return self.tap(torch.full((T_Q, len(memory)), 1 / len(memory))) @ memory

    model = nn.Sequential(Uniform())
    with capture_weights(model) as weights:
        model(torch.randn(T_K, C))
    torch.testing.assert_close(weights["0"], [torch.full((T_Q, T_K), 1 / T_K)])


def test_a_model_without_a_tap():
    class Sink(nn.Module):
        def __init__(self):
            super().__init__()
            self.tap = nn.Identity()  # of that name, and no WeightsTap

    message = "model must have a module with a WeightsTap named tap, got "
    with pytest.raises(ValueError, match=f"{message}Sink"), capture_weights(Sink()):
        pass
    with pytest.raises(ValueError, match=f"{message}Linear"), capture_weights(nn.Linear(C, D)):
        pass
