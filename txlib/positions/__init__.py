"""Positions: added to embeddings, spoken in the scores, or turned into queries and keys."""

from txlib.positions.alibi import ALiBi, alibi_slopes
from txlib.positions.bucketed import BucketedBias, relative_buckets
from txlib.positions.learned import LearnedEncoding
from txlib.positions.offsets import positions_from
from txlib.positions.relative import (
    RelativeKeys,
    relative_attention,
    relative_distances,
    relative_scores_gather,
    relative_scores_skew,
)
from txlib.positions.rotary import (
    PAIRINGS,
    RotaryEmbedding,
    half_to_interleaved,
    interleaved_to_half,
    rotary_frequencies,
)
from txlib.positions.schemes import SCHEMES, PositionScheme, position_scheme
from txlib.positions.sinusoidal import (
    SinusoidalEncoding,
    shift_matrix,
    sinusoidal_encoding,
    wavelengths,
)

__all__ = [
    "PAIRINGS",
    "SCHEMES",
    "ALiBi",
    "BucketedBias",
    "LearnedEncoding",
    "PositionScheme",
    "RelativeKeys",
    "RotaryEmbedding",
    "SinusoidalEncoding",
    "alibi_slopes",
    "half_to_interleaved",
    "interleaved_to_half",
    "position_scheme",
    "positions_from",
    "relative_attention",
    "relative_buckets",
    "relative_distances",
    "relative_scores_gather",
    "relative_scores_skew",
    "rotary_frequencies",
    "shift_matrix",
    "sinusoidal_encoding",
    "wavelengths",
]
