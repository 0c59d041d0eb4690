"""Cross entropy over the tokens that are real (chapter 1), with smoothed labels (chapter 7)."""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from txlib.checks import check_callable, check_flag, check_number, check_tensor, shown


class TranslationBatch(Protocol):
    """What `translation_loss` reads of a batch; `txlib.data.batching.Batch` has it all."""

    source: Tensor
    source_mask: Tensor
    target_in: Tensor
    target_out: Tensor
    target_mask: Tensor


def masked_cross_entropy(
    logits: Tensor, targets: Tensor, mask: Tensor, *, label_smoothing: float = 0.0
) -> Tensor:
    r"""How badly the real tokens were foreseen: the mean of $-\log p(\text{target})$ in nats.

    The mean is over tokens, not over rows: a long sentence counts for more than a short one, and
    padding for nothing. It is taken in float32 when the logits are of lower precision.

    With smoothing the wanted distribution is no longer all on the target: of its mass, a share
    $\epsilon$ is spread evenly over all V tokens, the target included. Source: Szegedy et al. 2016,
    section 7; Vaswani et al. 2017, section 5.4, where $\epsilon$ is 0.1. The loss of the best
    possible model is then above 0 (chapter 7).

    Args:
        logits: (B, T, V), floating point.
        targets: (B, T), int64 in 0 ... V - 1 wherever `mask` is True; anything elsewhere.
        mask: (B, T), bool. True means "a real token".
        label_smoothing: the share $\epsilon$, in 0 ... 1.

    Returns:
        A scalar. Without a single real token it is exactly 0 with zero gradients: that is the
        neutral share of a process whose part of a batch holds only padding.

    Raises:
        ValueError: if the shapes do not fit, `mask` is not bool, or the share is out of range.

    Example:
        >>> logits = torch.zeros(1, 3, 4)  # no idea: each of four tokens equally likely
        >>> mask = torch.tensor([[True, True, False]])
        >>> masked_cross_entropy(logits, torch.tensor([[2, 1, 0]]), mask)  # ln 4, padding left out
        tensor(1.3863)
    """
    for name, given in (("logits", logits), ("targets", targets), ("mask", mask)):
        check_tensor(name, given)
    if logits.ndim != 3 or targets.shape != logits.shape[:2] or mask.shape != logits.shape[:2]:
        raise ValueError(
            "logits must be (B, T, V), targets and mask (B, T), "
            f"got {tuple(logits.shape)}, {tuple(targets.shape)} and {tuple(mask.shape)}"
        )
    if mask.dtype != torch.bool:
        raise ValueError(f"mask must be bool, True = a real token, got {mask.dtype}")
    if not logits.is_floating_point() or not logits.shape[-1]:
        raise ValueError(
            f"logits must be floating point, with V of at least 1, got {shown(logits)}"
        )
    if targets.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"targets must be integers, got {shown(targets)}")
    _check_targets(targets.masked_fill(~mask, 0), logits.shape[-1])
    check_number("label_smoothing", label_smoothing)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must be in 0 ... 1, got {label_smoothing}")
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    losses = F.cross_entropy(
        precise.flatten(0, 1),
        targets.masked_fill(~mask, 0).flatten().long(),
        reduction="none",
        label_smoothing=label_smoothing,
    )
    real = mask.flatten()
    return losses.where(real, 0.0).sum() / real.sum().clamp(min=1)


def _check_targets(targets: Tensor, V: int) -> None:
    """Where looking is free, on the CPU; a GPU stops with an error of its own."""
    if targets.device.type == "cpu" and targets.numel():
        low, high = (int(extreme) for extreme in targets.aminmax())
        if low < 0 or high >= V:
            raise ValueError(
                f"targets must be in 0 ... {V - 1} where mask is True, got {low} to {high}"
            )


def translation_loss(
    model: nn.Module,
    batch: TranslationBatch,
    *,
    label_smoothing: float = 0.0,
    ignore_padding: bool = True,
) -> Tensor:
    """Teacher forcing: the loss of foreseeing each target token from the true ones before it.

    Bind the settings with `functools.partial`: `fit(..., loss=partial(translation_loss,
    label_smoothing=0.1))`.

    Args:
        model: maps (source, source_mask, target_in) to logits (B, T_t, V_t).
        batch: a batch of sentence pairs, on the model's device.
        label_smoothing: as in `masked_cross_entropy`.
        ignore_padding: False is a common mistake, here to be measured (chapter 7): PAD becomes a
            target like any other, and the mean is over every position of the batch.

    Returns:
        A scalar, the mean over the batch's real target tokens.
    """
    check_callable("model", model)
    check_flag("ignore_padding", ignore_padding)
    for name in ("source", "source_mask", "target_in", "target_out", "target_mask"):
        if not hasattr(batch, name):
            raise ValueError(f"batch must have {name}, got {shown(batch)}")
    check_tensor("batch's target_mask", batch.target_mask)
    logits = model(batch.source, batch.source_mask, batch.target_in)
    counted = batch.target_mask if ignore_padding else torch.ones_like(batch.target_mask)
    return masked_cross_entropy(logits, batch.target_out, counted, label_smoothing=label_smoothing)
