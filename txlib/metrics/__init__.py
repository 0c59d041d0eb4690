"""Measures: of translations, of attention against what is known, and of memory."""

from txlib.metrics.alignment import (
    alignment_error_rate,
    diagonal_alignment,
    expected_alignment_error_rate,
    hard_alignment,
)
from txlib.metrics.bleu import corpus_bleu
from txlib.metrics.by_distance import share_by_distance
from txlib.metrics.by_length import LengthScore, score_by_length
from txlib.metrics.exact_match import exact_match
from txlib.metrics.memory import megabytes_kept
from txlib.metrics.peak_memory import peak_megabytes

__all__ = [
    "LengthScore",
    "alignment_error_rate",
    "corpus_bleu",
    "diagonal_alignment",
    "exact_match",
    "expected_alignment_error_rate",
    "hard_alignment",
    "megabytes_kept",
    "peak_megabytes",
    "score_by_length",
    "share_by_distance",
]
