"""Whole models without recurrence, one file each."""

from txlib.models.attention_only import AttentionOnlyConfig, AttentionOnlyTranslator

__all__ = ["AttentionOnlyConfig", "AttentionOnlyTranslator"]
