"""Beam search for any model that advances a state token by token."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from txlib.checks import check_callable, check_number, check_whole
from txlib.generation.checks import check_decoding, check_rows, one_step

MOST_PENALTY = 1e30  # a log-probability over it is still a float32

S = TypeVar("S")


@dataclass(frozen=True)
class Hypotheses:
    """The best hypothesis that a search found for each row.

    Attributes:
        tokens: int64 (B, T), as from `beam_search`.
        scores: float32 (B,), log-probability over length penalty, at most 0.
    """

    tokens: Tensor
    scores: Tensor


def beam_search(
    advance: Callable[[S, Tensor], tuple[Tensor, S]],
    state: S,
    first: Tensor,
    *,
    select: Callable[[S, Tensor], S],
    beam_size: int,
    eos_id: int,
    pad_id: int,
    max_new_tokens: int,
    length_penalty: float = 0.0,
) -> Tensor:
    r"""Keep the `beam_size` likeliest beginnings of each row, and return the best that ended.

    In every step each beginning is continued by every token. Of all these candidates, those that
    end and are among the best `beam_size` are set aside with their score; the best `beam_size`
    that do not end go on. A row is done when as many have ended as the beam is wide, or when no
    beginning that is left can still win. With `beam_size` 1 this is `greedy_continue`, ties apart.

    Source: Bahdanau et al. 2015, section 4.2, which ranks by log-probability alone, as
    `length_penalty` 0 does; Wu et al. 2016, equation 14, which divides it by
    $((5 + |Y|) / 6)^\alpha$, so that a longer translation is not worse for its length alone.

    Args:
        advance: from a state and the last tokens (N, 1) to logits (N, 1, V) and the next state.
        state: what `advance` starts from, for B rows; the search makes it B * `beam_size` rows.
        first: int64 (B,), the tokens fed first, BOS as a rule; not returned.
        select: from a state and `rows`, int64 (N,), to the state whose row i is row `rows[i]` of
            the given one; rows may be repeated or left out.
        beam_size: beginnings kept for each row, at least 1.
        eos_id: ends a hypothesis; below 0 none does.
        pad_id: fills a row that has ended.
        max_new_tokens: where to stop rows that have not ended, at least 1.
        length_penalty: alpha, at least 0, and so small that what it divides by stays below 1e30.
            The length |Y| counts EOS, but not the first token.

    Returns:
        int64 (B, T), T at most `max_new_tokens`. After a row's EOS there is only PAD; a row of
        which no hypothesis ended is the best that was stopped, and has no EOS.

    Raises:
        ValueError: if an argument is not as stated, or `advance` gives something else.
    """
    return best_hypotheses(
        advance,
        state,
        first,
        select=select,
        beam_size=beam_size,
        eos_id=eos_id,
        pad_id=pad_id,
        max_new_tokens=max_new_tokens,
        length_penalty=length_penalty,
    ).tokens


def best_hypotheses(
    advance: Callable[[S, Tensor], tuple[Tensor, S]],
    state: S,
    first: Tensor,
    *,
    select: Callable[[S, Tensor], S],
    beam_size: int,
    eos_id: int,
    pad_id: int,
    max_new_tokens: int,
    length_penalty: float = 0.0,
) -> Hypotheses:
    """What `beam_search` finds, with its scores; arguments and errors are the same."""
    check_decoding(advance, first, eos_id=eos_id, pad_id=pad_id, max_new_tokens=max_new_tokens)
    check_callable("select", select)
    check_whole("beam_size", beam_size, least=1)
    check_length_penalty(length_penalty, max_new_tokens)
    B, K = len(first), beam_size
    row = torch.arange(B, device=first.device)[:, None]
    sources = row.expand(B, K)  # the rows of the state that the beam's rows continue
    tokens = first[:, None, None].expand(B, K, 1)
    live = torch.full((B, K), -torch.inf, dtype=torch.float32, device=first.device)
    live[:, 0] = 0.0  # the beam starts as one hypothesis, not as K equal ones
    best = first.new_full((B, max_new_tokens), pad_id)
    best_scores = live.new_full((B,), -torch.inf)
    lengths, ended_so_far = torch.zeros_like(first), torch.zeros_like(first)
    done = torch.zeros_like(first, dtype=torch.bool)
    length = 0
    while length < max_new_tokens and not done.all():
        length += 1
        rows = select(state, sources.flatten())
        logits, state = one_step(
            advance, rows, tokens[..., -1].flatten(), eos_id=eos_id, pad_id=pad_id
        )
        scores, parent, token = _rank(logits.unflatten(0, (B, K)), live)

        ends = token == eos_id
        aside = ends[:, :K] & scores[:, :K].isfinite()
        index = aside.int().argmax(dim=1, keepdim=True)  # all that end now are equally long
        score = scores.gather(1, index).squeeze(1) / _penalty(length, length_penalty)
        won = aside.any(dim=1) & (score > best_scores)
        history = tokens[row, parent.gather(1, index)].squeeze(1)  # (B, length)
        best[won, :length] = torch.cat([history[won, 1:], token.gather(1, index)[won]], dim=1)
        best_scores = torch.where(won, score, best_scores)
        lengths = lengths.masked_fill(won, length)
        ended_so_far = ended_so_far + aside.sum(dim=1)

        kept = ends.int().argsort(dim=1, stable=True)[:, :K]  # those that go on, best first
        live = scores.gather(1, kept)
        parent = parent.gather(1, kept)
        tokens = torch.cat([tokens[row, parent], token.gather(1, kept)[..., None]], dim=2)
        sources = row * K + parent
        hope = live[:, 0] / _penalty(max_new_tokens, length_penalty)  # probabilities only fall
        done = (ended_so_far >= K) | (best_scores >= hope)
        live = live.masked_fill(done[:, None], -torch.inf)

    cut = lengths == 0
    best[cut, :length] = tokens[cut, 0, 1:]
    best_scores = torch.where(cut, live[:, 0] / _penalty(length, length_penalty), best_scores)
    lengths = lengths.masked_fill(cut, length)
    return Hypotheses(best[:, : max(lengths.tolist(), default=0)], best_scores)


def _rank(logits: Tensor, live: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The continuations of hypotheses with log-probabilities `live` (B, K), the likeliest first.

    Of each hypothesis the best K + 1 tokens are enough: one may be EOS, and K go on.

    Returns:
        Log-probability, parent in the beam and token, each (B, K * min(K + 1, V)).
    """
    token = logits.topk(min(live.shape[1] + 1, logits.shape[-1]), dim=-1).indices  # (B, K, N)
    steps = logits.log_softmax(dim=-1, dtype=torch.float32).gather(-1, token)
    gone = live.isneginf()[..., None]
    check_rows(logits.masked_fill(gone, 0.0))
    scores = (live[..., None] + steps).masked_fill(gone, -torch.inf)  # even if it predicts NaN
    # stable, for rounding can make two sums equal, and then the larger logit is to come first
    scores, order = scores.flatten(1).sort(dim=1, descending=True, stable=True)
    return scores, order // token.shape[-1], token.flatten(1).gather(1, order)


def check_length_penalty(length_penalty: float, longest: int) -> None:
    """Refuse an exponent that is no number, negative, or too large for outputs of this length.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_number("length_penalty", length_penalty)
    if not length_penalty >= 0:
        raise ValueError(f"length_penalty must be at least 0, got {length_penalty}")
    most = math.log(MOST_PENALTY) / math.log((5 + longest) / 6) if longest > 1 else math.inf
    if length_penalty > most or length_penalty == math.inf:
        raise ValueError(
            f"length_penalty must be at most {most:.3g} for {longest} tokens, got {length_penalty}"
        )


def _penalty(length: int, alpha: float) -> float:
    return ((5 + length) / 6) ** alpha
