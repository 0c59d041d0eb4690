"""Weights of other people's modules in ours, refused where the two do not compute the same."""

from txlib.interop.gpt2 import gpt2_config, gpt2_from_checkpoint, load_gpt2
from txlib.interop.torch_attention import load_multi_head_attention
from txlib.interop.torch_blocks import load_decoder_block, load_encoder_block
from txlib.interop.torch_transformer import load_transformer

__all__ = [
    "gpt2_config",
    "gpt2_from_checkpoint",
    "load_decoder_block",
    "load_encoder_block",
    "load_gpt2",
    "load_multi_head_attention",
    "load_transformer",
]
