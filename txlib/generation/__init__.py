"""Writing the output, for any model that advances a state token by token."""

from txlib.generation.acceptance import (
    acceptance_rate,
    corrected_distribution,
    expected_tokens,
    verify_draft,
)
from txlib.generation.beam import Hypotheses, beam_search, best_hypotheses
from txlib.generation.decoder_only import DecoderOnly
from txlib.generation.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from txlib.generation.greedy import evaluating, greedy_continue
from txlib.generation.sampling import next_token_probabilities, sample_continue
from txlib.generation.speculative import SpeculativeResult, speculative_generate

__all__ = [
    "DecoderOnly",
    "EncoderDecoder",
    "EncoderDecoderConfig",
    "Hypotheses",
    "SpeculativeResult",
    "acceptance_rate",
    "beam_search",
    "best_hypotheses",
    "corrected_distribution",
    "evaluating",
    "expected_tokens",
    "greedy_continue",
    "next_token_probabilities",
    "sample_continue",
    "speculative_generate",
    "verify_draft",
]
