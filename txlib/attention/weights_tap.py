"""A place in an attention module where its weights can be read."""

from torch import Tensor, nn


class WeightsTap(nn.Module):
    """The identity, through which a module passes its attention weights.

    Whoever wants the weights hooks it (`txlib.capture.capture_weights` does). A module whose tap
    nobody listens to is free to take a faster path that never forms the weights.
    """

    @property
    def listened(self) -> bool:
        """Whether a forward hook is registered."""
        return bool(self._forward_hooks)

    def forward(self, weights: Tensor) -> Tensor:
        """The weights, unchanged."""
        return weights
