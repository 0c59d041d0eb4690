"""Writing the output, for any model that advances a state token by token."""

from txlib.generation.beam import Hypotheses, beam_search, best_hypotheses
from txlib.generation.encoder_decoder import EncoderDecoder, EncoderDecoderConfig
from txlib.generation.greedy import evaluating, greedy_continue
from txlib.generation.sampling import next_token_probabilities, sample_continue

__all__ = [
    "EncoderDecoder",
    "EncoderDecoderConfig",
    "Hypotheses",
    "beam_search",
    "best_hypotheses",
    "evaluating",
    "greedy_continue",
    "next_token_probabilities",
    "sample_continue",
]
