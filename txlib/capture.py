"""Read the attention weights of any model while it runs, without a flag in its code."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from txlib.attention.weights_tap import WeightsTap
from txlib.checks import check_kind


@contextmanager
def capture_weights(model: nn.Module) -> Iterator[dict[str, list[Tensor]]]:
    """Within the block, keep the weights of every call of every attention module.

    The modules that are listened to take their readable path; outputs are the same to rounding.

        with capture_weights(model) as weights:
            model(...)
        weights["encoder.look"][0]  # of the first call

    Args:
        model: has one or more modules that own a `WeightsTap` by the name of `tap`.

    Yields:
        For each of those modules, by its name in `model.named_modules()` (the model's own name is
        ""), the weights of its calls in order, each (..., T_q, T_k). They hang on no graph, and
        they stay when the block ends.

    Raises:
        ValueError: if the model has no such module.

    Example:
        >>> from txlib.attention import MultiHeadAttention
        >>> layer = MultiHeadAttention(d_model=8, num_heads=2)
        >>> with capture_weights(layer) as captured:
        ...     _ = layer(torch.randn(1, 3, 8), is_causal=True)
        >>> weights = captured[""][0]  # of the first call
        >>> weights.shape, weights[0, 0, 0]  # the first token sees itself alone
        (torch.Size([1, 2, 3, 3]), tensor([1., 0., 0.]))
    """
    check_kind("model", model, nn.Module)
    taps = {
        name: module.tap
        for name, module in model.named_modules()
        if isinstance(getattr(module, "tap", None), WeightsTap)
    }
    if not taps:
        raise ValueError(
            f"model must have a module with a WeightsTap named tap, got {type(model).__name__}"
        )
    weights: dict[str, list[Tensor]] = {name: [] for name in taps}
    hooks = [tap.register_forward_hook(_keeper(weights[name])) for name, tap in taps.items()]
    try:
        yield weights
    finally:
        for hook in hooks:
            hook.remove()


def _keeper(kept: list[Tensor]):
    def keep(tap: nn.Module, arguments: tuple[Tensor], weights: Tensor) -> None:
        kept.append(weights.detach())

    return keep
