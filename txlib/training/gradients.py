"""The gradients of one update: of all its batches, on all processes, in a quick number format."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from txlib.device import pick_dtype
from txlib.training import distributed


def new_scaler(device: torch.device) -> torch.amp.GradScaler:
    """What scales the loss up before float16 gradients are taken, and these down again.

    Below 6e-8 a float16 number is 0, and many gradients are. The factor starts at 65 536, halves
    when a gradient overflows, and doubles after 2000 steps without. In another format than float16
    it is 1 for good.

    Args:
        device: what the run works on; `txlib.device.pick_dtype` knows its format.
    """
    return torch.amp.GradScaler(device.type, enabled=pick_dtype(device) is torch.float16)


def take_gradients(
    replica: nn.Module,
    batches: Sequence[Any],
    optimizer: torch.optim.Optimizer,
    loss: Callable[[nn.Module, Any], Tensor],
    scaler: torch.amp.GradScaler,
    *,
    max_gradient_norm: float,
    device: torch.device,
) -> tuple[float, float, int]:
    """Leave in the parameters the clipped gradients of the mean loss over all tokens.

    All are those of `batches` on every process; each batch counts by its tokens, so it does not
    matter how they were dealt out. A scaled gradient that overflows is taken again at half the
    scale, so that every step has its update.

    Args:
        replica: the model as `distributed.replicate` gave it, in training mode.
        batches: this process's, at least one, each with `.to(device)` and `.num_target_tokens`.
        optimizer: over the model's parameters; its old gradients are dropped.
        loss: from the model and a batch to the mean loss over the batch's tokens.
        scaler: of `new_scaler`; its scale is brought up to date.
        max_gradient_norm: longer gradients are shortened to it.
        device: where the model is.

    Returns:
        This process's share of the loss, the gradient's norm before clipping, all tokens. The norm
        is infinite or NaN only where no scale would help; the gradients are then as they came.
    """
    counts = [batch.num_target_tokens for batch in batches]
    (tokens,) = distributed.total([sum(counts)], device)
    dtype = pick_dtype(device)
    while True:
        value = 0.0
        optimizer.zero_grad()
        for i, (batch, count) in enumerate(zip(batches, counts, strict=True), start=1):
            with distributed.exchanging(replica, i == len(batches)):
                with torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32):
                    share = loss(replica, batch.to(device)) * (count / max(tokens, 1))
                summed = share * distributed.world_size()  # replicas average, shares are summed
                scaler.scale(summed).backward()
            value += share.item()
        scaler.unscale_(optimizer)
        norm = _clip(replica, max_gradient_norm)
        scale = scaler.get_scale()
        scaler.update()
        if math.isfinite(norm) or scale <= 1:
            return value, norm, int(tokens)


def first_not_finite(model: nn.Module) -> str | None:
    """The first parameter, in the model's order, that holds NaN or infinity; else such a gradient.

    Args:
        model: whose gradients were taken and not clipped.

    Returns:
        Words such as "the gradient of out_proj.weight"; None if all numbers are finite.
    """
    parameters = dict(model.named_parameters())
    gradients = {name: p.grad for name, p in parameters.items() if p.grad is not None}
    for what, tensors in (("the parameter", parameters), ("the gradient of", gradients)):
        for name, tensor in tensors.items():
            if not tensor.isfinite().all():
                return f"{what} {name}"
    return None


def _clip(model: nn.Module, longest: float) -> float:
    """Shorten the gradients, unless their norm is not finite, and return that norm."""
    try:
        return nn.utils.clip_grad_norm_(model.parameters(), longest, error_if_nonfinite=True).item()
    except RuntimeError:
        gradients = [p.grad.detach().float() for p in model.parameters() if p.grad is not None]
        norm = torch.stack([g.norm() for g in gradients]).norm().item()
        if math.isfinite(norm):
            raise
        return norm
