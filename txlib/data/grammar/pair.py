"""What the grammar hands out: a sentence in two languages, its alignment, its referent."""

from collections.abc import Iterable
from dataclasses import dataclass

from txlib.data.vocabulary import strings


@dataclass(frozen=True)
class Referent:
    """Which noun a pronoun stands for, on both sides; all four are token positions."""

    source_pronoun: int
    source_noun: int
    target_pronoun: int
    target_noun: int


@dataclass(frozen=True)
class Pair:
    """An English sentence, its French translation, and the truth about which word is which.

    Attributes:
        source: the English tokens, lower case, final "." included.
        target: the French tokens; an elided word keeps its apostrophe ("l'", "animal").
        alignment: (target position, source position) of every pair of words that mean the same.
            Each position of either side occurs at least once.
        referent: the noun behind the "it" of a reason, "because it was too wide", which often
            meaning alone tells; None where the sentence has no such "it".
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    alignment: frozenset[tuple[int, int]]
    referent: Referent | None = None


def detokenize(tokens: Iterable[str]) -> str:
    """The tokens as one would write them: "l'" "animal" "." is "l'animal.".

    Raises:
        ValueError: if `tokens` is one string, or holds something else than strings.

    Example:
        >>> detokenize(["l'", "animal", "est", "fatigué", "."])
        "l'animal est fatigué."
    """
    text = ""
    for token in strings("tokens", tokens):
        glued = not text or text.endswith("'") or token in (".", ",", "'s")
        text += token if glued else " " + token
    return text
