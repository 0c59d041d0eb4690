"""Alignment error rate, which tells how far a heatmap is right: Och and Ney 2003.

A link is (query, key), which in a translator is (target position, source position), as in
`txlib.data.grammar.Pair.alignment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from txlib.checks import check_sequence, check_whole, shown

if TYPE_CHECKING:  # importing metrics stays light
    import numpy as np
    from torch import Tensor

    Matrix = Tensor | np.ndarray | Sequence[Sequence[float]]

Links = AbstractSet[tuple[int, int]]

ROUNDING = 1e-2  # a row of bfloat16 weights misses 1 by a few thousandths


def hard_alignment(weights: Matrix) -> frozenset[tuple[int, int]]:
    """Link each query to the key that it draws most from, the first of several.

    Args:
        weights: (T_q, T_k), each row a distribution over keys, or zero: such a query has no link.

    Returns:
        The links, at most one a query.

    Raises:
        ValueError: if `weights` is no matrix, or a row is neither a distribution nor zero.

    Example:
        >>> hard_alignment(torch.tensor([[0.9, 0.1], [0.2, 0.8]])) == {(0, 0), (1, 1)}
        True
    """
    rows = _distributions("weights", weights)
    return frozenset(
        (query, int(key)) for query, key in enumerate(rows.argmax(axis=1)) if rows[query].any()
    )


def diagonal_alignment(T_q: int, T_k: int) -> frozenset[tuple[int, int]]:
    """Link each query to the key at the same relative position: what needs no model at all.

    The first query gets the first key and the last the last: of T_q - 1 steps along the queries,
    q of them are as far as q (T_k - 1) / (T_q - 1) steps along the keys, rounded to the nearest
    key, a half upwards. A single query gets the first key.

    Args:
        T_q: number of queries, at least 1.
        T_k: number of keys, at least 1.

    Returns:
        T_q links, one a query.

    Raises:
        ValueError: if `T_q` or `T_k` is below 1.

    Example:
        >>> sorted(diagonal_alignment(2, 4))
        [(0, 0), (1, 3)]
    """
    for name, count in (("T_q", T_q), ("T_k", T_k)):
        check_whole(name, count, least=1)
    steps = max(T_q - 1, 1)
    return frozenset((q, (2 * q * (T_k - 1) + steps) // (2 * steps)) for q in range(T_q))


def alignment_error_rate(
    predicted: Sequence[Links], gold: Sequence[Links], possible: Sequence[Links] | None = None
) -> float:
    r"""The share of links that are wrong or missing, over all sentences together.

    $1 - (|A \cap S| + |A \cap P|) / (|A| + |S|)$: predicted links A should be possible (P), and
    sure links S should be predicted. Without `possible`, P = S, and this is 1 - F1.

    Args:
        predicted: A, a set of links a sentence.
        gold: S, likewise.
        possible: P, links that are allowed but not asked for; gold links are possible whether they
            are listed here or not.

    Returns:
        From 0 (all right) to 1 (nothing right).

    Raises:
        ValueError: if there is no sentence, the arguments differ in number, a position is negative,
            or neither `predicted` nor `gold` has a link.

    Example:
        >>> alignment_error_rate([{(0, 0), (1, 2)}], [{(0, 0), (1, 1)}])  # one of two is right
        0.5
    """
    allowed = _allowed("predicted", predicted, gold, possible)
    for links in predicted:
        _check_links("predicted", links)
    made = sum(len(links) for links in predicted)
    sure = sum(len(a & s) for a, s in zip(predicted, gold, strict=True))
    fine = sum(len(a & p) for a, p in zip(predicted, allowed, strict=True))
    return _error_rate("predicted", sure, fine, made, gold)


def expected_alignment_error_rate(
    weights: Sequence[Matrix], gold: Sequence[Links], possible: Sequence[Links] | None = None
) -> float:
    r"""What `alignment_error_rate` is on average when each query draws one link from its weights.

    The number of links drawn, |A|, does not depend on the draw, so the expectation of the ratio is
    the ratio of expectations: weights of 1 / T_k have an exact value, and so has every heatmap,
    with no argmax in between.

    Args:
        weights: a matrix (T_q, T_k) a sentence, each row a distribution over keys, or zero: such a
            query draws no link. Keys beyond the sentence's words, such as EOS, may be there: what
            they get is wrong unless `gold` or `possible` links to them.
        gold: S, a set of links a sentence.
        possible: P, as in `alignment_error_rate`.

    Returns:
        From 0 to 1.

    Raises:
        ValueError: if there is no sentence, the arguments differ in number, a row is neither a
            distribution nor zero, a link lies outside its matrix, or there is no link at all.
    """
    allowed = _allowed("weights", weights, gold, possible)
    sure = fine = made = 0.0
    for i, (matrix, s, p) in enumerate(zip(weights, gold, allowed, strict=True)):
        rows = _distributions(f"weights[{i}]", matrix)
        for query, key in p:
            if query >= rows.shape[0] or key >= rows.shape[1]:
                raise ValueError(
                    f"links must lie within weights[{i}] of shape {rows.shape}, got {(query, key)}"
                )
        made += int(rows.any(axis=1).sum())
        sure += sum(rows[link] for link in s)
        fine += sum(rows[link] for link in p)
    return _error_rate("weights", sure, fine, made, gold)


def _distributions(name: str, weights: Matrix) -> np.ndarray:
    """`weights` in float64, each row divided by its sum, zero rows kept."""
    import numpy as np

    given = weights
    try:
        if hasattr(weights, "detach"):
            weights = (
                weights.detach().cpu().numpy()
                if weights.is_complex()
                else (weights.detach().cpu().double().numpy())
            )
        rows = np.asarray(weights)
        rows = rows.astype(np.float64) if rows.dtype.kind in "buif" else None
    except (TypeError, ValueError):
        rows = None
    if rows is None:
        raise ValueError(f"{name} must be a matrix of numbers, got {shown(given)}")
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"{name} must be a matrix (T_q, T_k), got shape {rows.shape}")
    if not (rows >= 0).all():
        raise ValueError(f"{name} must not be negative or NaN, got {rows.min()}")
    sums = rows.sum(axis=1, keepdims=True)
    wrong = (np.abs(sums - 1) > ROUNDING) & (sums != 0)
    if wrong.any():
        query = int(wrong.argmax())
        raise ValueError(
            f"each row of {name} must sum to 1, or be zero, got {sums[query, 0]} in row {query}"
        )
    return rows / np.where(sums == 0, 1, sums)


def _allowed(
    name: str,
    sentences: Sequence[Matrix | Links],
    gold: Sequence[Links],
    possible: Sequence[Links] | None,
) -> list[Links]:
    """P of each sentence, S included, once the arguments are known to fit each other."""
    given = {name: sentences, "gold": gold} | ({} if possible is None else {"possible": possible})
    for label, value in given.items():
        if isinstance(value, AbstractSet):
            raise ValueError(f"{label} must be a sequence with a set for each sentence, got a set")
        if not hasattr(value, "ndim") or not value.ndim:
            check_sequence(label, value, "one entry a sentence")
        if len(value) != len(sentences):
            raise ValueError(
                f"{name} and {label} must be equal in number, got {len(sentences)} and {len(value)}"
            )
    if not len(sentences):
        raise ValueError(f"{name} must hold at least one sentence, got {sentences!r}")
    for links in gold:
        _check_links("gold", links)
    for links in () if possible is None else possible:
        _check_links("possible", links)
    return [s | p for s, p in zip(gold, gold if possible is None else possible, strict=True)]


def _check_links(name: str, links: Links) -> None:
    for query, key in link_pairs(name, links):
        if query < 0 or key < 0:
            raise ValueError(f"positions in {name} must be at least 0, got {(query, key)}")


def link_pairs(name: str, links: Any) -> list[tuple[int, int]]:
    """The links of a sentence, if they are a set of pairs of whole numbers.

    Raises:
        ValueError: with the rule, the argument and what was given.
    """
    if not isinstance(links, AbstractSet):
        raise ValueError(f"{name} must hold a set of (query, key) a sentence, got {shown(links)}")
    for link in links:
        if not isinstance(link, tuple) or len(link) != 2:
            raise ValueError(f"{name} must hold pairs (query, key), got {shown(link)}")
        for position in link:
            check_whole(f"positions in {name}", position)
    return list(links)


def _error_rate(name: str, sure: float, fine: float, made: float, gold: Sequence[Links]) -> float:
    total = made + sum(len(links) for links in gold)
    if not total:
        raise ValueError(f"{name} and gold must hold at least one link between them, got none")
    return float(1 - (sure + fine) / total)
