"""How good a translation is, how far its attention is right, and what it goes by."""

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

__all__ = [
    "LengthScore",
    "alignment_error_rate",
    "corpus_bleu",
    "diagonal_alignment",
    "exact_match",
    "expected_alignment_error_rate",
    "hard_alignment",
    "score_by_length",
    "share_by_distance",
]
