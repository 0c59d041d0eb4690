import math

import pytest
import torch
from torch import nn

from txlib.recurrent import GRUCell, LSTMCell, RNNCell

B, C, H = 2, 3, 5  # all different: a swapped axis cannot pass
PAIRS = [(RNNCell, nn.RNNCell), (LSTMCell, nn.LSTMCell), (GRUCell, nn.GRUCell)]
CELLS = [ours for ours, _ in PAIRS]


def logit(p):
    return math.log(p / (1 - p))


def scalar_cell(cell, **values):
    """A cell of one input and one state; its parameters by gate, zero where not given."""
    module = cell(1, 1).double()
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            value = torch.as_tensor(values.get(name, 0.0), dtype=torch.float64)
            parameter.copy_(value.expand(cell.num_gates).view_as(parameter))
    return module


def column(value):
    return torch.tensor([[value]], dtype=torch.float64)


def test_rnn_by_hand():
    cell = scalar_cell(RNNCell, weight_ih=2.0, weight_hh=3.0, bias_ih=0.25, bias_hh=0.5)
    expected = math.tanh(2 * 0.5 + 3 * 0.25 + 0.25 + 0.5)
    torch.testing.assert_close(cell(column(0.5), column(0.25)), column(expected))


def test_lstm_by_hand():
    gates = [logit(0.25), logit(0.4), math.atanh(0.8), logit(0.75)]  # i, f, g, o
    cell = scalar_cell(LSTMCell, bias_ih=gates)
    h, c = cell(column(9.0), (column(7.0), column(2.0)))
    torch.testing.assert_close(c, column(0.4 * 2.0 + 0.25 * 0.8))
    torch.testing.assert_close(h, column(0.75 * math.tanh(1.0)))


def test_gru_by_hand():
    cell = scalar_cell(
        GRUCell,
        weight_hh=[0.0, 0.0, 2.0],
        bias_ih=[logit(0.5), logit(0.25), 0.1],  # reset, update, candidate
        bias_hh=[0.0, 0.0, 0.3],
    )
    candidate = math.tanh(0.1 + 0.5 * (2.0 * 0.6 + 0.3))  # the reset gate comes after the product
    expected = 0.25 * 0.6 + 0.75 * candidate
    torch.testing.assert_close(cell(column(9.0), column(0.6)), column(expected))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("from_torch", [True, False])
def test_equals_torch_in_values_and_gradients(ours, theirs, bias, from_torch):
    mine, reference = ours(C, H, bias=bias).double(), theirs(C, H, bias=bias).double()
    if from_torch:
        mine.load_state_dict(reference.state_dict())
    else:
        reference.load_state_dict(mine.state_dict())
    leaves = [torch.randn(B, C).double()] + [torch.randn(B, H).double() for _ in range(2)]

    def run(module):
        x, h, c = (leaf.clone().requires_grad_() for leaf in leaves)
        state = (h, c) if ours is LSTMCell else h
        out = module(x, module(x.flip(1), state))
        out = torch.stack(out if ours is LSTMCell else (out,))
        (out * torch.arange(out.numel()).view_as(out)).sum().backward()
        used = (x, h, c) if ours is LSTMCell else (x, h)
        return [out, *(leaf.grad for leaf in used), *(p.grad for p in module.parameters())]

    for a, b in zip(run(mine), run(reference), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_same_names_shapes_and_first_values_as_torch(ours, theirs):
    torch.manual_seed(7)
    mine = ours(C, H).state_dict()
    torch.manual_seed(7)
    reference = theirs(C, H).state_dict()
    assert list(mine) == list(reference)
    assert all(torch.equal(mine[name], reference[name]) for name in mine)


def test_an_open_forget_gate_keeps_the_cell_and_its_gradient():
    cell = scalar_cell(LSTMCell, bias_ih=[-50.0, 50.0, 0.0, 0.0])
    first = column(3.0).requires_grad_()
    h, c = column(0.0), first
    for _ in range(100):
        h, c = cell(column(1.0), (h, c))
    c.sum().backward()
    torch.testing.assert_close(c, first)
    torch.testing.assert_close(first.grad, column(1.0))


@pytest.mark.parametrize("cell", CELLS)
def test_no_state_is_a_state_of_zeros(cell):
    module, x = cell(C, H), torch.randn(1, C)
    zeros = torch.zeros(1, H)
    given = module(x, (zeros, zeros) if cell is LSTMCell else zeros)
    torch.testing.assert_close(module(x), given, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("cell", CELLS)
def test_keeps_the_dtype(cell, dtype):
    h = cell(C, H).to(dtype)(torch.randn(B, C, dtype=dtype))
    h = h[0] if cell is LSTMCell else h
    assert h.dtype == dtype
    assert h.shape == (B, H)


@pytest.mark.parametrize("cell", CELLS)
def test_bad_sizes(cell):
    with pytest.raises(ValueError, match="input_size must be at least 1, got 0"):
        cell(0, H)
    with pytest.raises(ValueError, match="hidden_size must be at least 1, got -2"):
        cell(C, -2)


@pytest.mark.parametrize("shape", [(C,), (B, C + 1), (B, 4, C)])
def test_bad_input(shape):
    with pytest.raises(ValueError, match=r"input must have shape \(B, input_size=3\), got"):
        LSTMCell(C, H)(torch.zeros(shape))


def test_bad_state():
    h = torch.zeros(B, H)
    with pytest.raises(ValueError, match=r"LSTMCell must be 2 tensor.* of shape \(2, 5\), got"):
        LSTMCell(C, H)(torch.zeros(B, C), h)
    with pytest.raises(ValueError, match="GRUCell must be 1 tensor"):
        GRUCell(C, H)(torch.zeros(B, C), (h, h))
    with pytest.raises(ValueError, match=r"RNNCell must be 1 tensor.*got \[\(5, 2\)\]"):
        RNNCell(C, H)(torch.zeros(B, C), h.T)
