"""The course's own corpus: English-French pairs, written by a grammar that knows the answers."""

from txlib.data.grammar.generation import SPLITS, animal_and_street, generate
from txlib.data.grammar.pair import Pair, Referent, detokenize
from txlib.data.grammar.reason_twins import twins
from txlib.data.grammar.vocabularies import english_vocabulary, french_vocabulary

__all__ = [
    "SPLITS",
    "Pair",
    "Referent",
    "animal_and_street",
    "detokenize",
    "english_vocabulary",
    "french_vocabulary",
    "generate",
    "twins",
]
