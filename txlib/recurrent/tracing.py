"""Watch an LSTM read: its gates and its memory, word by word."""

import torch
from torch import Tensor, nn

from txlib.checks import check_kind, check_tensor
from txlib.recurrent.cells import LSTMCell
from txlib.recurrent.layers import LSTM
from txlib.tensor_checks import check_like

GATES = ("input gate", "forget gate", "candidate", "output gate")


def trace_gates(lstm: nn.LSTM | LSTM, input: Tensor) -> dict[str, Tensor]:
    """The gates, the cell state and the hidden state of an LSTM's first layer, reading forward.

    Source: Hochreiter and Schmidhuber 1997; Gers et al. 2000; chapter 1.

    Args:
        lstm: of this package or of `torch.nn`, batch first.
        input: (T >= 1, C), the embedded words of one sentence.

    Returns:
        (T, H) each, by name: the four of `GATES`, "cell state" and "hidden state". They hang on no
        graph.

    Raises:
        ValueError: if `input` is not (T, C) with the LSTM's C.
    """
    check_kind("lstm", lstm, nn.LSTM, LSTM)
    if getattr(lstm, "proj_size", 0):
        raise ValueError(f"lstm must have no projection, got proj_size={lstm.proj_size}")
    check_tensor("input", input)
    if input.ndim != 2 or input.shape[1] != lstm.input_size or not len(input):
        raise ValueError(f"input must be (T, {lstm.input_size}), got {tuple(input.shape)}")
    check_like("input", input, lstm.weight_ih_l0)
    cell = LSTMCell(lstm.input_size, lstm.hidden_size, bias=lstm.bias).to(input)
    weights = {name.removesuffix("_l0"): tensor for name, tensor in lstm.state_dict().items()}
    cell.load_state_dict({name: weights[name] for name in cell.state_dict()})
    traces: dict[str, list[Tensor]] = {name: [] for name in (*GATES, "cell state", "hidden state")}
    h = c = input.new_zeros(1, lstm.hidden_size)
    with torch.no_grad():
        for x in input:
            sums = nn.functional.linear(x, cell.weight_ih, cell.bias_ih if lstm.bias else None)
            sums = sums + nn.functional.linear(h[0], cell.weight_hh, cell.bias_hh)  # (4H)
            for name, gate in zip(GATES, sums.chunk(4), strict=True):
                traces[name].append(gate.tanh() if name == "candidate" else gate.sigmoid())
            h, c = cell(x[None], (h, c))
            traces["cell state"].append(c[0])
            traces["hidden state"].append(h[0])
    return {name: torch.stack(rows) for name, rows in traces.items()}
