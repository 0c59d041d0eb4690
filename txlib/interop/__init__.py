"""Weights of other people's modules in ours, refused where the two do not compute the same."""

from txlib.interop.torch_attention import load_multi_head_attention

__all__ = ["load_multi_head_attention"]
