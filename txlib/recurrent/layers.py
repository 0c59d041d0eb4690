"""RNN, LSTM and GRU over whole sequences: a cell applied step after step, layer upon layer.

The loop over time in `_run` is the point of chapter 1: step t waits for step t - 1.
"""

from collections.abc import Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.checks import check_flag, check_tensor, check_whole
from txlib.recurrent.cells import (
    Cell,
    GRUCell,
    LSTMCell,
    RNNCell,
    States,
    add_weights,
    checked_states,
    reset_parameters,
)
from txlib.tensor_checks import check_beside, check_like, check_share


class Unrolled(nn.Module):
    """A cell unrolled over time; `state_dict`s are exchanged with the namesake in `torch.nn`.

    Readable, not fast: models run `run_fused`, which a test holds equal to this class.

    Args:
        input_size: features of the input, at least 1.
        hidden_size: H, features of each direction's state, at least 1.
        num_layers: L, at least 1; a layer reads the outputs of the one below.
        bias: whether the cells have biases.
        dropout: probability in [0, 1) with which, in training, outputs are zeroed on their way to
            the next layer; without effect when there is one layer.
        bidirectional: whether each layer also reads from the end, with weights of its own.

    Raises:
        ValueError: if an argument is out of range.
    """

    cell: ClassVar[type[Cell]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
    ):
        super().__init__()
        check_whole("num_layers", num_layers, least=1)
        check_share("dropout", dropout)
        check_flag("bidirectional", bidirectional)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.num_directions = 2 if bidirectional else 1
        for layer in range(num_layers):
            size = input_size if layer == 0 else hidden_size * self.num_directions
            for suffix in self._suffixes(layer):
                add_weights(self, size, hidden_size, self.cell.num_gates, bias=bias, suffix=suffix)
        reset_parameters(self, hidden_size)

    def forward(
        self, input: Tensor, state: Tensor | States | None = None, *, mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor | States]:
        """Read the sequences.

        Args:
            input: (B, T, input_size).
            state: where to start, (L * directions, B, H), for the LSTM a pair (h, c) of such; zeros
                if None. Layers come one after the other, in each the forward direction first.
            mask: bool (B, T), True = a real token. A masked step is skipped: the state passes it
                unchanged and its output is zero. Both directions thus see only the real tokens.

        Returns:
            The top layer's hidden states (B, T, directions * H), forward half first; and the final
            state, of the form of `state`: after the last real token in the forward direction, after
            the first in the backward one, the initial state for a row without any.

        Raises:
            ValueError: if an argument has the wrong shape or dtype.
        """
        check_input(input, mask, self.input_size, self.weight_ih_l0)
        shape = (self.num_layers * self.num_directions, len(input), self.hidden_size)
        initial = list(zip(*checked_states(self.cell, state, shape, input), strict=True))
        final = []
        output = input if mask is None else input.masked_fill(~mask[..., None], 0)
        for layer in range(self.num_layers):
            if layer > 0:
                output = F.dropout(output, self.dropout, self.training)
            directions = []
            for suffix in self._suffixes(layer):
                hidden, states = self._run(output, initial[len(final)], mask, suffix)
                directions.append(hidden)
                final.append(states)
            output = torch.cat(directions, dim=-1)  # (B, T, directions * H)
        if mask is not None:
            output = output.masked_fill(~mask[..., None], 0)
        states = tuple(torch.stack(s) for s in zip(*final, strict=True))  # (L * directions, B, H)
        return output, states if self.cell.num_states > 1 else states[0]

    def _run(
        self, input: Tensor, states: States, mask: Tensor | None, suffix: str
    ) -> tuple[Tensor, States]:
        """One layer in one direction: outputs (B, T, H) and the last states, each (B, H)."""
        weight_ih, weight_hh, bias_ih, bias_hh = (
            getattr(self, f"{name}{suffix}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        from_input = F.linear(input, weight_ih, bias_ih)  # (B, T, num_gates * H): all steps at once
        steps = list(range(input.shape[1]))
        backward = suffix.endswith("_reverse")
        outputs = []
        for t in reversed(steps) if backward else steps:
            from_hidden = F.linear(states[0], weight_hh, bias_hh)  # this product has to wait
            new = self.cell.combine(from_input[:, t], from_hidden, states)
            if mask is not None:
                real = mask[:, t, None]
                new = tuple(torch.where(real, n, s) for n, s in zip(new, states, strict=True))
            states = new
            outputs.append(states[0])
        return torch.stack(outputs[::-1] if backward else outputs, dim=1), states

    def _suffixes(self, layer: int) -> Iterator[str]:
        yield f"_l{layer}"
        if self.bidirectional:
            yield f"_l{layer}_reverse"

    def extra_repr(self) -> str:
        """Sizes, as `print` shows them."""
        return (
            f"{self.input_size}, {self.hidden_size}, num_layers={self.num_layers}, "
            f"bias={self.bias}, dropout={self.dropout}, bidirectional={self.bidirectional}"
        )


class RNN(Unrolled):
    """Elman's network over whole sequences: `Unrolled` with `RNNCell`."""

    cell = RNNCell


class LSTM(Unrolled):
    """The LSTM over whole sequences: `Unrolled` with `LSTMCell`.

    Example:
        >>> lstm = LSTM(input_size=3, hidden_size=5, bidirectional=True)
        >>> outputs, (hidden, memory) = lstm(torch.randn(2, 7, 3))
        >>> outputs.shape  # both directions, side by side
        torch.Size([2, 7, 10])
    """

    cell = LSTMCell


class GRU(Unrolled):
    """The GRU over whole sequences: `Unrolled` with `GRUCell`."""

    cell = GRUCell


def check_input(input: Tensor, mask: Tensor | None, input_size: int, weight: Tensor) -> None:
    """Hold the arguments that the readable and the fused path share against their rules.

    Raises:
        ValueError: if `input` is not (B, T >= 1, input_size) for `weight`, or `mask` is not bool
            (B, T).
    """
    check_tensor("input", input)
    shape = tuple(input.shape)
    if input.ndim != 3 or shape[2] != input_size or shape[1] < 1:
        raise ValueError(f"input must have shape (B, T >= 1, input_size={input_size}), got {shape}")
    check_like("input", input, weight)
    if mask is None:
        return
    check_tensor("mask", mask)
    check_beside("mask", mask, "input", input)
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool (True = a real token), got {mask.dtype}")
    if mask.shape != shape[:2]:
        raise ValueError(f"mask must have shape (B, T) = {shape[:2]}, got {tuple(mask.shape)}")
