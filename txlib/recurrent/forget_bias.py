"""Start an LSTM remembering: the bias of its forget gate."""

import torch
from torch import nn

from txlib.recurrent.cells import LSTMCell
from txlib.recurrent.layers import LSTM
from txlib.tensor_checks import check_scale


def set_forget_bias(module: LSTMCell | LSTM | nn.LSTMCell | nn.LSTM, value: float = 1.0) -> None:
    r"""Set the forget gates' bias in place, so that with no other input $f_t = \sigma(value)$.

    At 0 half of the cell state is lost in every step; at 1 a quarter. An LSTM has two biases which
    add up: `value` goes to `bias_ih` and 0 to `bias_hh`, in all layers and directions.
    Source: Gers, Schmidhuber and Cummins 2000; Jozefowicz et al. 2015, who find that a bias of 1
    closes the gap between the LSTM and the GRU; chapter 1.

    Args:
        module: an LSTM or its cell, of this package or of `torch.nn`.
        value: the sum of the two biases.

    Raises:
        ValueError: if `module` is not an LSTM or has no biases.
    """
    if not isinstance(module, LSTMCell | LSTM | nn.LSTMCell | nn.LSTM):
        raise ValueError(f"module must be an LSTM or an LSTMCell, got {type(module).__name__}")
    check_scale("value", value)
    if not module.bias:
        raise ValueError("module must have biases, got bias=False")
    forget = slice(module.hidden_size, 2 * module.hidden_size)  # blocks stand in the order i f g o
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.startswith("bias_"):
                parameter[forget] = value if name.startswith("bias_ih") else 0.0
