"""What a computation keeps for its derivative, in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from txlib.checks import check_callable

if TYPE_CHECKING:  # importing metrics stays light
    from torch import Tensor


def megabytes_kept(function: Callable[..., Any], *inputs: Any) -> float:
    """How much memory autograd holds on to after a forward pass, until the backward pass.

    Each piece of memory counts once, however many tensors look at it, and whole, however small the
    part that they look at. Inputs and parameters count where autograd needs them.

    Args:
        function: what is measured; it is called once.
        inputs: its arguments.

    Returns:
        Megabytes of 2**20 bytes; 0 where nothing takes part in a gradient.

    Raises:
        ValueError: if `function` cannot be called.
    """
    import torch

    check_callable("function", function)
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        function(*inputs)
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) / 2**20
