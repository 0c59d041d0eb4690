"""What a head does, as numbers: how much of its weight falls where a pattern says, and how spread.

A pattern is a set of links (query, key) a sentence, as in `txlib.metrics.alignment`: the word
before, a gold alignment, the noun behind a pronoun. Whatever the pattern, a head that looks
everywhere alike gets some of it too; `uniform_heads` gives that head, to be scored beside the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from txlib.checks import check_flag, check_sequence, check_whole, shown
from txlib.metrics.alignment import ROUNDING, link_pairs

if TYPE_CHECKING:  # importing metrics stays light
    from torch import Tensor

    from txlib.data.grammar import Pair

Links = AbstractSet[tuple[int, int]]


def link_scores(weights: Sequence[Tensor], links: Sequence[Links]) -> Tensor:
    """The share of each head's weight that falls on linked keys, over all queries that have links.

    Source: the same count as in Voita et al. 2019, sections 5.1 and 5.2, who take the largest
    weight of a query, and in Clark et al. 2019, section 3.1, who average weights; chapter 5.

    Args:
        weights: for each sentence (H, T_q, T_k), each row a distribution over keys.
        links: for each sentence its pattern; queries without a link do not count, and of several
            links of one query the weights add up.

    Returns:
        (H,) float64, from 0, never on a linked key, to 1, nowhere else.

    Raises:
        ValueError: if the two differ in number, no query has a link, weights are not (H, T_q, T_k)
            with one H throughout, or a link lies outside.
    """
    import torch

    check_weights(weights)
    check_sequence("links", links, "sets of links")
    if len(links) != len(weights):
        raise ValueError(
            f"links must be a set for each sentence: {len(weights)}, got {len(links)} of them"
        )
    total, queries = torch.zeros(len(weights[0]), dtype=torch.float64), 0
    for heads, pattern in zip(weights, links, strict=True):
        for query, key in link_pairs("links", pattern):
            if not (0 <= query < heads.shape[1] and 0 <= key < heads.shape[2]):
                raise ValueError(
                    f"links must lie within (T_q, T_k) = {tuple(heads.shape[1:])}, "
                    f"got {(query, key)}"
                )
        if pattern:
            rows, columns = torch.tensor(sorted(pattern), device=heads.device).T
            total += heads.detach()[:, rows, columns].double().sum(dim=-1).cpu()
            queries += len(rows.unique())
    if not queries:
        raise ValueError(f"links must hold at least one link, got none in {len(links)} sentences")
    return total / queries


def spread(weights: Sequence[Tensor], *, is_causal: bool = False) -> Tensor:
    r"""How evenly each head looks: its rows' entropy over that of an even row, $\ln n$.

    Args:
        weights: for each sentence (H, T_q, T_k), each row a distribution over keys.
        is_causal: whether a query sees only the keys up to its own; n is then their number, and
            the queries, the last of which stands at the last key, are no more than the keys.

    Returns:
        (H,) float64, the mean over all queries with a choice (n above 1): 0 for a head that always
        picks one key, 1 for one that looks everywhere alike.

    Raises:
        ValueError: if weights are not (H, T_q, T_k) with one H throughout, no query has a choice,
            or a causal query would come before the first key.
    """
    import torch

    check_weights(weights)
    total, queries = torch.zeros(len(weights[0]), dtype=torch.float64), 0
    for heads in weights:
        even = uniform_heads(*heads.shape[1:], is_causal=is_causal)
        most = torch.special.entr(even)[0].sum(dim=-1)  # (T_q,): ln n
        free = most > 0
        entropy = torch.special.entr(heads.detach().double().cpu()).sum(dim=-1)  # (H, T_q)
        total += (entropy[:, free] / most[free]).sum(dim=-1)
        queries += int(free.sum())
    if not queries:
        raise ValueError("weights must have a query that sees more than one key, got none")
    return total / queries


def uniform_heads(T_q: int, T_k: int, *, is_causal: bool = False) -> Tensor:
    """One head that looks at every key alike, or at every key up to its query's own.

    Args:
        T_q: number of queries, at least 1.
        T_k: number of keys, at least 1.
        is_causal: whether a query sees only the keys up to its own, aligned lower-right.

    Returns:
        (1, T_q, T_k) float64, each row a distribution.

    Raises:
        ValueError: if a number is below 1, or a causal query would come before the first key.
    """
    import torch

    for name, count in (("T_q", T_q), ("T_k", T_k)):
        check_whole(name, count, least=1)
    check_flag("is_causal", is_causal)
    if is_causal and T_q > T_k:
        raise ValueError(f"causal queries must not outnumber the keys, got {T_q} and {T_k}")
    seen = torch.ones(1, T_q, T_k, dtype=torch.float64)
    if is_causal:
        seen = seen.tril(T_k - T_q)
    return seen / seen.sum(dim=-1, keepdim=True)


def offset_links(T: int, offset: int) -> frozenset[tuple[int, int]]:
    """Each position with the one `offset` further on: -1 the one before, 0 itself, 1 the next.

    Args:
        T: number of positions, at least 1.
        offset: from query to key.

    Returns:
        Links for the queries whose key exists.

    Raises:
        ValueError: if `T` is below 1.
    """
    check_whole("T", T, least=1)
    check_whole("offset", offset)
    return frozenset((q, q + offset) for q in range(T) if 0 <= q + offset < T)


def referent_links(pair: Pair) -> frozenset[tuple[int, int]]:
    """The English "it" of a reason with the noun that it stands for; empty where there is none.

    Raises:
        ValueError: if `pair` is no `txlib.data.grammar.Pair`.
    """
    if not hasattr(pair, "referent"):
        raise ValueError(f"pair must be a Pair of the grammar, got {shown(pair)}")
    if pair.referent is None:
        return frozenset()
    return frozenset({(pair.referent.source_pronoun, pair.referent.source_noun)})


def check_weights(weights: Sequence[Tensor]) -> None:
    """Refuse what is not one (H, T_q, T_k) a sentence, with the same H, of rows of weights.

    Raises:
        ValueError: with the rule and what was given.
    """
    import torch

    if not isinstance(weights, torch.Tensor) or not weights.ndim:
        check_sequence("weights", weights, "one tensor a sentence")
    if not len(weights):
        raise ValueError(f"weights must hold at least one sentence, got {weights!r}")
    for i, heads in enumerate(weights):
        if not isinstance(heads, torch.Tensor) or not heads.is_floating_point():
            raise ValueError(f"weights must be tensors of floats, got {shown(heads)} at {i}")
        if heads.ndim != 3 or len(heads) != len(weights[0]) or not heads.numel():
            raise ValueError(
                f"weights must be (H, T_q, T_k) a sentence, with one H, got "
                f"{tuple(weights[0].shape)} first and {tuple(heads.shape)} at {i}"
            )
    for i, heads in enumerate(weights):
        sums = heads.detach().double().sum(dim=-1)
        spread_out = ((sums - 1).abs() <= ROUNDING) | (sums == 0)
        if not (heads >= 0).all() or not spread_out.all():
            raise ValueError(
                f"weights must be rows that sum to 1, or zero, got sums from {sums.min():.4g} to "
                f"{sums.max():.4g} at {i}"
            )
