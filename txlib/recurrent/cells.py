"""The recurrent cells, gate by gate: one step of Elman's network, of the LSTM and of the GRU.

A step is always the same two matrix products, $W x_t + b$ from the input and $U h_{t-1} + b'$ from
the state, and then arithmetic element by element. The cells differ in that arithmetic alone: it is
their `combine`. Chapter 1 derives them.
"""

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.checks import check_flag, check_tensor, check_whole, shown
from txlib.tensor_checks import check_alike, check_like

States = tuple[Tensor, ...]  # (h,) or (h, c): the hidden state always comes first


class Cell(nn.Module):
    """One step of a recurrence; the parameters are those of its namesake in `torch.nn`.

    Args:
        input_size: features of the input, at least 1.
        hidden_size: H, features of the state, at least 1.
        bias: whether the two products have biases. There are two, and only their sum matters:
            they are kept apart so that `state_dict`s can be exchanged with `torch.nn`.

    Raises:
        ValueError: if a size is less than 1.
    """

    num_gates: ClassVar[int]
    num_states: ClassVar[int] = 1

    def __init__(self, input_size: int, hidden_size: int, *, bias: bool = True):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        add_weights(self, input_size, hidden_size, self.num_gates, bias=bias)
        reset_parameters(self, hidden_size)

    @staticmethod
    def combine(from_input: Tensor, from_hidden: Tensor, states: States) -> States:
        """Turn the two products into the next states.

        Args:
            from_input: (B, num_gates * H), the product with the input, one block per gate.
            from_hidden: (B, num_gates * H), the product with the hidden state.
            states: what the previous step left, each (B, H).

        Returns:
            The next states, each (B, H).
        """
        raise NotImplementedError

    def forward(self, input: Tensor, state: Tensor | States | None = None) -> Tensor | States:
        """Advance by one step.

        Args:
            input: (B, input_size).
            state: (B, H), for the LSTM a pair (h, c) of such; zeros if None.

        Returns:
            The next state, of the same form.

        Raises:
            ValueError: if `input` or `state` has the wrong shape.
        """
        check_tensor("input", input)
        if input.ndim != 2 or input.shape[1] != self.input_size:
            raise ValueError(
                f"input must have shape (B, input_size={self.input_size}), got {tuple(input.shape)}"
            )
        check_like("input", input, self.weight_ih)
        states = checked_states(type(self), state, (len(input), self.hidden_size), input)
        from_input = F.linear(input, self.weight_ih, self.bias_ih)  # (B, num_gates * H)
        from_hidden = F.linear(states[0], self.weight_hh, self.bias_hh)  # (B, num_gates * H)
        states = self.combine(from_input, from_hidden, states)
        return states if self.num_states > 1 else states[0]

    def extra_repr(self) -> str:
        """Sizes, as `print` shows them."""
        return f"{self.input_size}, {self.hidden_size}, bias={self.bias}"


class RNNCell(Cell):
    r"""Elman's network: the state is one squashed sum of what is seen and what was.

    $$h_t = \tanh(W x_t + b + U h_{t-1} + b')$$

    Source: Elman 1990, "Finding structure in time" (his context units are $h_{t-1}$); chapter 1.
    """

    num_gates = 1

    @staticmethod
    def combine(from_input: Tensor, from_hidden: Tensor, states: States) -> States:
        """Compute $h_t$; see `Cell.combine`."""
        return (torch.tanh(from_input + from_hidden),)


class LSTMCell(Cell):
    r"""Long short-term memory: beside the hidden state runs a cell state that is only added to.

    $$i_t = \sigma(W_i x_t + U_i h_{t-1} + b_i), \quad f_t = \sigma(W_f x_t + U_f h_{t-1} + b_f)$$
    $$g_t = \tanh(W_g x_t + U_g h_{t-1} + b_g), \quad o_t = \sigma(W_o x_t + U_o h_{t-1} + b_o)$$
    $$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = o_t \odot \tanh(c_t)$$

    Where $f_t$ is near 1 the gradient passes from $c_t$ to $c_{t-1}$ undiminished, and
    `set_forget_bias` starts training there. Source: Hochreiter and Schmidhuber 1997, who had no
    forget gate ($f_t = 1$); the gate is from Gers, Schmidhuber and Cummins 2000; chapter 1.

    Example:
        >>> cell = LSTMCell(input_size=3, hidden_size=5)
        >>> hidden, memory = cell(torch.randn(2, 3))
        >>> hidden.shape, memory.shape
        (torch.Size([2, 5]), torch.Size([2, 5]))
    """

    num_gates = 4
    num_states = 2

    @staticmethod
    def combine(from_input: Tensor, from_hidden: Tensor, states: States) -> States:
        """Compute $h_t$ and $c_t$; see `Cell.combine`."""
        _, c = states
        i, f, g, o = (from_input + from_hidden).chunk(4, dim=-1)  # each (B, H)
        input_gate = i.sigmoid()
        forget_gate = f.sigmoid()
        candidate = g.tanh()
        output_gate = o.sigmoid()
        c = forget_gate * c + input_gate * candidate
        return output_gate * c.tanh(), c


class GRUCell(Cell):
    r"""Gated recurrent unit: one gate mixes the old state with a candidate, one clears the past.

    $$r_t = \sigma(W_r x_t + U_r h_{t-1} + b_r), \quad z_t = \sigma(W_z x_t + U_z h_{t-1} + b_z)$$
    $$n_t = \tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + b'_n))$$
    $$h_t = z_t \odot h_{t-1} + (1 - z_t) \odot n_t$$

    Source: Cho et al. 2014, section 2.3, equations 5 to 8; chapter 1. Paper and code differ: the
    paper resets the state before the product, $U_n (r_t \odot h_{t-1})$; this cell resets after it,
    as `torch.nn` and cuDNN do, so that the three products with $h_{t-1}$ are one.
    """

    num_gates = 3

    @staticmethod
    def combine(from_input: Tensor, from_hidden: Tensor, states: States) -> States:
        """Compute $h_t$; see `Cell.combine`."""
        (h,) = states
        r_input, z_input, n_input = from_input.chunk(3, dim=-1)  # each (B, H)
        r_hidden, z_hidden, n_hidden = from_hidden.chunk(3, dim=-1)
        reset_gate = (r_input + r_hidden).sigmoid()
        update_gate = (z_input + z_hidden).sigmoid()
        candidate = (n_input + reset_gate * n_hidden).tanh()
        return (update_gate * h + (1 - update_gate) * candidate,)


def add_weights(
    module: nn.Module,
    input_size: int,
    hidden_size: int,
    num_gates: int,
    *,
    bias: bool,
    suffix: str = "",
) -> None:
    """Register one cell's parameters on `module` under `torch.nn`'s names, values not yet set.

    Raises:
        ValueError: if a size is less than 1.
    """
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        check_whole(name, size, least=1)
    check_flag("bias", bias)
    rows = num_gates * hidden_size
    module.register_parameter(f"weight_ih{suffix}", nn.Parameter(torch.empty(rows, input_size)))
    module.register_parameter(f"weight_hh{suffix}", nn.Parameter(torch.empty(rows, hidden_size)))
    for name in ("bias_ih", "bias_hh"):
        parameter = nn.Parameter(torch.empty(rows)) if bias else None
        module.register_parameter(f"{name}{suffix}", parameter)


def reset_parameters(module: nn.Module, hidden_size: int) -> None:
    r"""Draw every parameter from $U(-1/\sqrt{H}, 1/\sqrt{H})$, as `torch.nn` does."""
    bound = 1 / math.sqrt(hidden_size)
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -bound, bound)


def checked_states(
    cell: type[Cell], state: Tensor | States | None, shape: tuple[int, ...], input: Tensor
) -> States:
    """The state as a tuple of `cell.num_states` tensors of `shape`; zeros like `input` if None.

    Raises:
        ValueError: if `state` has another form.
    """
    if state is None:
        return (input.new_zeros(shape),) * cell.num_states
    states = (state,) if isinstance(state, Tensor) else state
    if not isinstance(states, tuple | list) or not all(isinstance(s, Tensor) for s in states):
        raise ValueError(f"state must be a tensor or a tuple of them, got {shown(state)}")
    for s in states:
        check_alike(input=input, state=s)
    states = tuple(states)
    if len(states) != cell.num_states or any(s.shape != shape for s in states):
        raise ValueError(
            f"state of {cell.__name__} must be {cell.num_states} tensor(s) of shape {shape}, "
            f"got {[tuple(s.shape) for s in states]}"
        )
    return states
