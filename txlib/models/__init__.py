"""Whole models without recurrence, one file each."""

from txlib.models.attention_only import AttentionOnlyConfig, AttentionOnlyTranslator
from txlib.models.gpt import GPT, GPTConfig
from txlib.models.transformer import Transformer, TransformerConfig

__all__ = [
    "GPT",
    "AttentionOnlyConfig",
    "AttentionOnlyTranslator",
    "GPTConfig",
    "Transformer",
    "TransformerConfig",
]
