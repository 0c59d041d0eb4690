"""Exact match: the share of sentences that are right to the letter."""

from collections.abc import Sequence

from txlib.metrics.bleu import check_parallel


def exact_match(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """The share of hypotheses that equal their reference, blanks and capitals included.

    Args:
        hypotheses: the system's sentences.
        references: one reference for each.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: if the two differ in number, or are empty.

    Example:
        >>> exact_match(["un chat", "une rue"], ["un chat", "la rue"])
        0.5
    """
    check_parallel(hypotheses, references)
    hits = sum(h == r for h, r in zip(hypotheses, references, strict=True))
    return hits / len(references)
