"""Translation quality by the length of the source: where the fixed vector gives way (chapter 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from txlib.checks import check_sequence, check_whole
from txlib.metrics.bleu import check_parallel, corpus_bleu
from txlib.metrics.exact_match import exact_match


@dataclass(frozen=True)
class LengthScore:
    """The quality on the sentences whose source has `low` to `high` tokens, both included.

    Args:
        low: the shortest source in the bin, in tokens.
        high: the longest.
        count: sentences in the bin, at least 1.
        bleu: corpus BLEU over them, from 0 to 100.
        exact_match: the share that is right to the letter, from 0 to 1.
    """

    low: int
    high: int
    count: int
    bleu: float
    exact_match: float


def score_by_length(
    hypotheses: Sequence[str],
    references: Sequence[str],
    lengths: Sequence[int],
    edges: Sequence[int],
) -> list[LengthScore]:
    """Corpus BLEU and exact match for each bin of source lengths.

    Edges (4, 10, 20, 30) make the bins 4-9, 10-19 and 20-30: an edge opens its bin, and the last
    one also closes it. Sentences outside the edges belong to no bin.

    Args:
        hypotheses: the system's sentences.
        references: one reference for each.
        lengths: tokens in each source sentence.
        edges: at least two, increasing.

    Returns:
        One score a bin, shortest first. Bins without a sentence are left out, so that every score
        is a number.

    Raises:
        ValueError: if the sequences differ in number or are empty, or `edges` do not increase.
    """
    check_parallel(hypotheses, references)
    for name, numbers in (("lengths", lengths), ("edges", edges)):
        check_sequence(name, numbers, "whole numbers")
        for number in numbers:
            check_whole(name, number)
    if len(lengths) != len(references):
        raise ValueError(
            "lengths and references must be equal in number, "
            f"got {len(lengths)} and {len(references)}"
        )
    if len(edges) < 2 or any(a >= b for a, b in pairwise(edges)):
        raise ValueError(f"edges must be at least two increasing numbers, got {tuple(edges)}")
    scores = []
    for low, after in pairwise([*edges[:-1], edges[-1] + 1]):
        members = [i for i, length in enumerate(lengths) if low <= length < after]
        if members:
            said = [hypotheses[i] for i in members]
            meant = [references[i] for i in members]
            scores.append(
                LengthScore(
                    low=low,
                    high=after - 1,
                    count=len(members),
                    bleu=corpus_bleu(said, meant),
                    exact_match=exact_match(said, meant),
                )
            )
    return scores
