"""Attention: additive and scaled dot product, readable and fused, and the masks they take."""

from txlib.attention.additive import AdditiveAttention
from txlib.attention.masked_softmax import masked_softmax
from txlib.attention.masks import causal_mask, padding_mask, sliding_window_mask
from txlib.attention.scaled_dot_product import (
    attention_weights,
    fused_attention,
    scaled_dot_product_attention,
)
from txlib.attention.single_head import SingleHeadAttention
from txlib.attention.weights_tap import WeightsTap

__all__ = [
    "AdditiveAttention",
    "SingleHeadAttention",
    "WeightsTap",
    "attention_weights",
    "causal_mask",
    "fused_attention",
    "masked_softmax",
    "padding_mask",
    "scaled_dot_product_attention",
    "sliding_window_mask",
]
