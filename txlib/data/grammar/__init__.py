"""The course's own corpus: English-French pairs, written by a grammar that knows the answers."""

from txlib.data.grammar.pair import Pair, Referent, detokenize

__all__ = ["Pair", "Referent", "detokenize"]
