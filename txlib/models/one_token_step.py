"""A GPT's step of decoding with nothing but its arithmetic: no modules, checks or masks."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.attention import KVCache, MultiHeadAttention, WeightsTap
from txlib.layers import EncoderBlock, FeedForward, GatedFeedForward, LayerNorm, RMSNorm
from txlib.positions import ALiBi, BucketedBias, RelativeKeys, RotaryEmbedding

Step = Callable[[Tensor], Tensor]
KNOWN = {EncoderBlock, MultiHeadAttention, WeightsTap, FeedForward, GatedFeedForward}
KNOWN |= {LayerNorm, RMSNorm, nn.Linear, nn.Dropout, nn.ReLU, nn.GELU, nn.SiLU}
KNOWN |= {RotaryEmbedding, ALiBi, BucketedBias, RelativeKeys}


def one_token_block(block: EncoderBlock, cache: KVCache) -> Step:
    """What a pre-norm block does to the newest token of rows that are equally long.

    Weights are fetched once, and with a single token heads need no transposing. For as long as this
    is in use, no module of the block may be replaced, and none be given a hook.

    Args:
        block: in evaluation mode, of "pre".
        cache: of its attention; rows of one length.

    Returns:
        From the stream before the block, (B, C), to the one after it; the token is put into the
        cache. Where a module is of a kind unknown here, or has a hook, that calls the block.
    """
    if not _is_known(block):
        return lambda x: block(x[:, None], is_causal=True, cache=cache)[:, 0]
    attention, feed_forward = block.attention, block.feed_forward
    attention_norm, feed_forward_norm = (
        _plain(block.attention_norm),
        _plain(block.feed_forward_norm),
    )
    q_proj, k_proj, v_proj, out_proj = (
        _plain(proj)
        for proj in (attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj)
    )
    up_proj, down_proj = _plain(feed_forward.up_proj), _plain(feed_forward.down_proj)
    activation = feed_forward.activation.forward
    gate_proj = None if isinstance(feed_forward, FeedForward) else _plain(feed_forward.gate_proj)
    rotary, score_bias = attention.rotary, attention.score_bias
    H, H_kv, D = attention.num_heads, attention.num_kv_heads, attention.head_dim

    def step(x: Tensor) -> Tensor:
        B = len(x)
        normed = attention_norm(x)
        query = q_proj(normed).view(B, H, 1, D)
        keys = k_proj(normed).view(B, H_kv, 1, D)
        values = v_proj(normed).view(B, H_kv, 1, D)
        turned = query
        if rotary is not None:
            turned, keys = rotary(query, cache.offset), rotary(keys, cache.offset)
        keys, values, _ = cache.append(keys, values)
        bias = None
        if score_bias is not None:
            bias = score_bias(query, keys.shape[2])  # (1 or B, H, 1, T_k), without B for ALiBi
            bias = bias.expand(B, H, 1, -1).reshape(B, H_kv, H // H_kv, -1)
        turned = turned.view(B, H_kv, H // H_kv, D)  # a group's heads as so many queries
        context = F.scaled_dot_product_attention(turned, keys, values, bias)
        x = x + out_proj(context.reshape(B, H * D))
        normed = feed_forward_norm(x)
        hidden = up_proj(normed)
        if gate_proj is None:
            return x + down_proj(activation(hidden))
        return x + down_proj(activation(gate_proj(normed)) * hidden)

    return step


def _is_known(block: EncoderBlock) -> bool:
    """Whether `step` says all that the block would do."""
    modules, dtypes = list(block.modules()), {weight.dtype for weight in block.parameters()}
    return (
        block.norm_order == "pre"
        and {type(module) for module in modules} <= KNOWN
        and not any(module.training for module in modules)
        and not any(module._forward_hooks or module._forward_pre_hooks for module in modules)
        and len(dtypes) == 1
        and not torch.is_autocast_enabled(block.attention.q_proj.weight.device.type)
    )


def _plain(module: nn.Module) -> Step:
    """The function that a module is, given what it has learned."""
    weight, eps = module.weight, getattr(module, "eps", None)
    if isinstance(module, nn.Linear):
        bias = module.bias
        return lambda x: F.linear(x, weight, bias)
    if isinstance(module, RMSNorm):
        return lambda x: F.rms_norm(x, weight.shape, weight, eps)
    bias = module.bias
    return lambda x: F.layer_norm(x, weight.shape, weight, bias, eps)
