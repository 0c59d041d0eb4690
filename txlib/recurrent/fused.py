"""The fast path: torch.nn's fused recurrent kernels, with masks in place of packed sequences."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from txlib.checks import check_kind, shown
from txlib.recurrent.cells import States
from txlib.recurrent.layers import check_input
from txlib.tensor_checks import check_alike


def run_fused(
    module: nn.RNNBase,
    input: Tensor,
    state: Tensor | States | None = None,
    *,
    mask: Tensor | None = None,
) -> tuple[Tensor, Tensor | States]:
    """Do what `RNN`, `LSTM` and `GRU` of this package do, by the kernels of their namesakes.

    With a mask, sequences of unequal lengths are packed, and packing wants the lengths on the CPU:
    one wait for the device per call. On a CPU packed sequences run at less than half the speed of
    others: batches of equal lengths pay. A mask with padding before a real token costs a reordering
    on top, since the kernels want the real tokens first.

    Args:
        module: `nn.RNN`, `nn.LSTM` or `nn.GRU` with `batch_first=True`.
        input: (B, T, input_size).
        state: where to start, (L * directions, B, H), for the LSTM a pair of such; zeros if None.
        mask: bool (B, T), True = a real token. Masked steps are skipped; their outputs are zero.

    Returns:
        Outputs (B, T, directions * H) and the final state, of the form of `state`; a row without
        any real token gives zeros and its initial state.

    Raises:
        ValueError: if an argument has the wrong shape or dtype, or `module` is not batch first.
    """
    check_kind("module", module, nn.RNN, nn.LSTM, nn.GRU)
    if not module.batch_first:
        raise ValueError("module must be made with batch_first=True, got batch_first=False")
    check_input(input, mask, module.input_size, module.weight_ih_l0)
    _check_state(module, input, state)
    if mask is None:
        return module(input, state)
    on_cpu = mask.cpu()
    if on_cpu.all():
        return module(input, state)
    if (on_cpu[:, 1:] & ~on_cpu[:, :-1]).any():
        return _run_reordered(module, input, state, mask)

    real = mask[..., None]
    lengths = on_cpu.sum(dim=1).clamp(min=1)  # packing refuses empty rows: they are undone below
    packed = pack_padded_sequence(
        input.masked_fill(~real, 0), lengths, batch_first=True, enforce_sorted=False
    )
    packed_output, final = module(packed, state)
    output, _ = pad_packed_sequence(packed_output, batch_first=True, total_length=input.shape[1])
    output = output.masked_fill(~real, 0)  # (B, T, directions * H)
    nonempty = mask.any(dim=1)[:, None]
    if isinstance(final, Tensor):
        return output, _where_nonempty(nonempty, final, state)
    initial = (None, None) if state is None else state
    return output, tuple(
        _where_nonempty(nonempty, f, i) for f, i in zip(final, initial, strict=True)
    )


def _check_state(module: nn.RNNBase, input: Tensor, state: Tensor | States | None) -> None:
    """What the kernels would refuse in words of their own."""
    if state is None:
        return
    rows = module.num_layers * (2 if module.bidirectional else 1)
    width = module.proj_size or module.hidden_size
    shapes = {"h": (rows, len(input), width)}
    if isinstance(module, nn.LSTM):
        shapes["c"] = (rows, len(input), module.hidden_size)
    states = (state,) if isinstance(state, Tensor) else state
    if not isinstance(states, tuple | list) or len(states) != len(shapes):
        raise ValueError(f"state must be {len(shapes)} tensor(s), got {shown(state)}")
    for s, shape in zip(states, shapes.values(), strict=True):
        check_alike(input=input, state=s)
        if s.shape != shape:
            raise ValueError(f"state must be of shape {shape}, got {tuple(s.shape)}")


def _run_reordered(
    module: nn.RNNBase, input: Tensor, state: Tensor | States | None, mask: Tensor
) -> tuple[Tensor, Tensor | States]:
    """Bring each row's real tokens to the front, run, and put the outputs back in their places."""
    order = (~mask).int().argsort(dim=1, stable=True)  # (B, T)
    front = input.gather(1, order[..., None].expand_as(input))
    output, final = run_fused(module, front, state, mask=mask.gather(1, order))
    back = order.argsort(dim=1)[..., None].expand_as(output)
    return output.gather(1, back), final


def _where_nonempty(nonempty: Tensor, final: Tensor, initial: Tensor | None) -> Tensor:
    """The final state (L * directions, B, H), but the initial one in rows without a real token."""
    if initial is None:
        return final.masked_fill(~nonempty, 0)
    return torch.where(nonempty, final, initial)
