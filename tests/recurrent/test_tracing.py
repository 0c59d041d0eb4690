import pytest
import torch
from torch import nn

from txlib.recurrent import LSTM
from txlib.recurrent.tracing import GATES, trace_gates

T, C, H = 5, 3, 4


@pytest.mark.parametrize("kind", [LSTM, nn.LSTM])
def test_states_are_those_of_the_layer(kind):
    lstm = kind(C, H) if kind is LSTM else kind(C, H, batch_first=True)
    x = torch.randn(T, C)
    traces = trace_gates(lstm, x)
    output, (h, c) = lstm(x[None])
    torch.testing.assert_close(traces["hidden state"], output[0].detach())
    torch.testing.assert_close(traces["cell state"][-1:], c[0].detach())
    torch.testing.assert_close(traces["hidden state"][-1:], h[0].detach())


def test_gates_make_the_cell_state():
    traces = trace_gates(nn.LSTM(C, H, num_layers=2, bidirectional=True), torch.randn(T, C))
    i, f, g, o = (traces[name] for name in GATES)
    before = torch.cat([torch.zeros(1, H), traces["cell state"][:-1]])
    torch.testing.assert_close(traces["cell state"], f * before + i * g)
    torch.testing.assert_close(traces["hidden state"], o * traces["cell state"].tanh())
    assert all(gate.min() > 0 and gate.max() < 1 for gate in (i, f, o))
    assert g.min() < 0


def test_nothing_hangs_on_a_graph():
    traces = trace_gates(nn.LSTM(C, H), torch.randn(T, C, requires_grad=True))
    assert not any(trace.requires_grad for trace in traces.values())


@pytest.mark.parametrize("shape", [(T, C + 1), (1, T, C)])
def test_input_must_be_one_sentence(shape):
    with pytest.raises(ValueError, match=r"input must be \(T, 3\), got"):
        trace_gates(nn.LSTM(C, H), torch.randn(shape))
