"""Attention: additive, scaled dot product, multi-head, and the masks they take.

Example:
    >>> from txlib.attention import KVCache, MultiHeadAttention
    >>> layer = MultiHeadAttention(d_model=8, num_heads=2)
    >>> x = torch.randn(1, 4, 8)  # (B, T, C)
    >>> y = layer(x, is_causal=True)
    >>> y.shape
    torch.Size([1, 4, 8])

    A cache gives the same, word by word:

    >>> cache = KVCache(1, 2, 4, max_len=4)  # B, H_kv, D
    >>> words = [layer(x[:, [t]], is_causal=True, cache=cache) for t in range(4)]
    >>> torch.allclose(torch.cat(words, dim=1), y, atol=1e-6)
    True
"""

from txlib.attention.additive import AdditiveAttention
from txlib.attention.grouped_heads import grouped_product
from txlib.attention.kv_cache import KVCache
from txlib.attention.masked_softmax import masked_softmax
from txlib.attention.masks import causal_mask, padding_mask, sliding_window_mask
from txlib.attention.multi_head import MultiHeadAttention
from txlib.attention.online_softmax import OnlineSoftmax
from txlib.attention.scaled_dot_product import (
    attention_weights,
    fused_attention,
    scaled_dot_product_attention,
)
from txlib.attention.silence import silence_heads
from txlib.attention.single_head import SingleHeadAttention
from txlib.attention.tiled import tiled_attention
from txlib.attention.traffic import (
    Traffic,
    count_traffic,
    fast_memory_needed,
    pick_tiles,
    standard_attention,
)
from txlib.attention.weights_tap import WeightsTap

__all__ = [
    "AdditiveAttention",
    "KVCache",
    "MultiHeadAttention",
    "OnlineSoftmax",
    "SingleHeadAttention",
    "Traffic",
    "WeightsTap",
    "attention_weights",
    "causal_mask",
    "count_traffic",
    "fast_memory_needed",
    "fused_attention",
    "grouped_product",
    "masked_softmax",
    "padding_mask",
    "pick_tiles",
    "scaled_dot_product_attention",
    "silence_heads",
    "sliding_window_mask",
    "standard_attention",
    "tiled_attention",
]
