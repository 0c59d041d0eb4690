import pytest
import torch
from torch import nn

from txlib.recurrent import GRU, LSTM, LSTMCell, set_forget_bias

C, H, L = 3, 5, 2
MODULES = {
    "our cell": lambda bias: LSTMCell(C, H, bias=bias),
    "our layer": lambda bias: LSTM(C, H, L, bias=bias, bidirectional=True),
    "torch cell": lambda bias: nn.LSTMCell(C, H, bias=bias),
    "torch layer": lambda bias: nn.LSTM(C, H, L, bias=bias, bidirectional=True),
}


@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
def test_sets_the_sum_of_both_biases_of_the_forget_gate_and_nothing_else(make):
    module = make(True)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    set_forget_bias(module, 1.5)
    after = dict(module.named_parameters())
    for name in (n for n in after if n.startswith("bias_ih")):
        total = after[name] + after[name.replace("ih", "hh")]
        torch.testing.assert_close(total[H : 2 * H], torch.full((H,), 1.5))
    for name, parameter in after.items():
        kept = torch.ones(4 * H, dtype=torch.bool)
        kept[H : 2 * H] = not name.startswith("bias_")
        assert torch.equal(parameter[kept], before[name][kept])
        assert parameter.requires_grad


def test_a_cell_with_no_other_input_keeps_that_share():
    cell = LSTMCell(C, H)
    for parameter in cell.parameters():
        nn.init.zeros_(parameter)
    set_forget_bias(cell)
    _, c = cell(torch.zeros(1, C), (torch.zeros(1, H), torch.full((1, H), 2.0)))
    torch.testing.assert_close(c, torch.full((1, H), 2 * torch.tensor(1.0).sigmoid().item()))


@pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)
def test_needs_biases(make):
    with pytest.raises(ValueError, match="module must have biases, got bias=False"):
        set_forget_bias(make(False))


@pytest.mark.parametrize("module", [GRU(C, H), nn.Linear(C, H)])
def test_needs_an_lstm(module):
    name = type(module).__name__
    with pytest.raises(ValueError, match=f"must be an LSTM or an LSTMCell, got {name}"):
        set_forget_bias(module)
