"""What stands around attention in a block: norms, feed-forward layers, residuals, first values."""

from txlib.layers.feed_forward import FeedForward
from txlib.layers.gated_feed_forward import GatedFeedForward
from txlib.layers.normalization import LayerNorm, RMSNorm, layer_norm, rms_norm

__all__ = [
    "FeedForward",
    "GatedFeedForward",
    "LayerNorm",
    "RMSNorm",
    "layer_norm",
    "rms_norm",
]
