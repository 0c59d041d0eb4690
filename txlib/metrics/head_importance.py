"""How much the loss would feel a head go, from gradients: one backward pass for all heads."""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from txlib.attention import MultiHeadAttention
from txlib.checks import shown
from txlib.data.vocabulary import check_many
from txlib.generation.greedy import evaluating
from txlib.training.losses import translation_loss


def head_importance(model: nn.Module, batches: Iterable[Any]) -> dict[str, Tensor]:
    r"""The sensitivity of the loss to a switch on each head, one for each sentence.

    Every head's context is multiplied by a switch $\xi$ that stands at 1; importance is the mean
    over sentences of $|\partial L / \partial \xi|$, where L is the batch's mean loss times its
    sentences. Zero means that turning the head down a little changes nothing.

    Source: Michel et al. 2019, section 4.1, equation 2, without their normalisation by layer, so
    that a whole layer may turn out to matter little; chapter 5.

    Args:
        model: an encoder-decoder with `MultiHeadAttention` in it; left in the mode it was in, its
            gradients untouched.
        batches: as `txlib.data.batching.make_batch` makes them, on the model's device.

    Returns:
        By the name of each attention module, (H,) float64, not negative.

    Raises:
        ValueError: if the model has no such module or there is no batch.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {shown(model)}")
    check_many("batches", batches, "batches")
    found = {n: m for n, m in model.named_modules() if isinstance(m, MultiHeadAttention)}
    if not found:
        raise ValueError(f"model must have a MultiHeadAttention, got {type(model).__name__}")
    total = {name: torch.zeros(m.num_heads, dtype=torch.float64) for name, m in found.items()}
    sentences = 0
    for batch in batches:
        size, device = len(batch.source), batch.source.device
        switches = {
            name: torch.ones(size, 1, module.num_heads, 1, device=device, requires_grad=True)
            for name, module in found.items()
        }
        with evaluating(model), torch.enable_grad(), ExitStack() as hooks:
            for name, module in found.items():
                turn = partial(_turn_down, switches[name])
                hooks.callback(module.out_proj.register_forward_pre_hook(turn).remove)
            loss = translation_loss(model, batch) * size
        slopes = torch.autograd.grad(loss, list(switches.values()))
        for name, slope in zip(switches, slopes, strict=True):
            total[name] += slope.abs().sum(dim=(0, 1, 3)).double().cpu()  # (H,)
        sentences += size
    if not sentences:
        raise ValueError("batches must hold at least one batch, got none")
    return {name: slopes / sentences for name, slopes in total.items()}


def _turn_down(switches: Tensor, out_proj: nn.Module, arguments: tuple[Tensor]) -> Tensor:
    """(B, T, H * D) times (B, 1, H, 1), head by head."""
    (context,) = arguments
    return (context.unflatten(-1, (switches.shape[2], -1)) * switches).flatten(-2)
