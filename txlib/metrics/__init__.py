"""How good a translation is: corpus BLEU, exact match, and both by source length."""

from txlib.metrics.bleu import corpus_bleu
from txlib.metrics.by_length import LengthScore, score_by_length
from txlib.metrics.exact_match import exact_match

__all__ = ["LengthScore", "corpus_bleu", "exact_match", "score_by_length"]
