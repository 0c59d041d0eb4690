"""What stands around attention in a block: norms, feed-forward layers, residuals, first values."""

from txlib.layers.decoder_block import DecoderBlock
from txlib.layers.encoder_block import EncoderBlock
from txlib.layers.feed_forward import FeedForward
from txlib.layers.gated_feed_forward import GatedFeedForward
from txlib.layers.initialization import initialize_, xavier_
from txlib.layers.normalization import LayerNorm, RMSNorm, layer_norm, rms_norm

__all__ = [
    "DecoderBlock",
    "EncoderBlock",
    "FeedForward",
    "GatedFeedForward",
    "LayerNorm",
    "RMSNorm",
    "initialize_",
    "layer_norm",
    "rms_norm",
    "xavier_",
]
