"""The loss over sentences that the model was not trained on."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from txlib.checks import check_callable, shown
from txlib.data.vocabulary import check_many
from txlib.training.losses import translation_loss


def mean_loss(
    model: nn.Module,
    batches: Iterable[Any],
    *,
    loss: Callable[[nn.Module, Any], Tensor] = translation_loss,
) -> float:
    """The mean loss over all real tokens of `batches`, without gradients.

    The mode of the model is left as it is: pass it in evaluation mode, or dropout takes part.

    Args:
        model: on any device.
        batches: at least one, each with `.to(device)` and `.num_target_tokens`.
        loss: from the model and a batch to the mean loss over the batch's tokens.

    Raises:
        ValueError: if there is not one real token.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model must be a torch.nn.Module, got {shown(model)}")
    check_callable("loss", loss)
    check_many("batches", batches, "batches")
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    summed, tokens = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            count = batch.num_target_tokens
            summed += loss(model, batch.to(device)).item() * count
            tokens += count
    if tokens == 0:
        raise ValueError("batches must hold at least one real token, got none")
    return summed / tokens
