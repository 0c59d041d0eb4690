"""The loop that greedy decoding and sampling share: one token of each row a step, fed back."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from txlib.generation.checks import check_decoding, check_rows, one_step

S = TypeVar("S")


def continue_by(
    pick: Callable[[Tensor], Tensor],
    advance: Callable[[S, Tensor], tuple[Tensor, S]],
    state: S,
    first: Tensor,
    *,
    eos_id: int,
    pad_id: int,
    max_new_tokens: int,
) -> Tensor:
    """In every step pick a token of each row and feed it back, until all rows ended.

    Args:
        pick: from logits (B, V) to one token of each row, int64 (B,).
        advance: from a state and the last tokens (B, 1) to logits (B, 1, V) and the next state.
        state: what `advance` starts from.
        first: int64 (B,), the tokens fed first, BOS as a rule; not returned.
        eos_id: ends a row; below 0 none does, and no step has to wait and see.
        pad_id: fills a row that has ended; a token, for rows that have ended are fed it.
        max_new_tokens: where to stop rows that have not ended, at least 1.

    Returns:
        int64 (B, T), T at most `max_new_tokens`. After a row's EOS there is only PAD; a row that
        was stopped has no EOS.

    Raises:
        ValueError: if an argument is not as stated, or `advance` gives something else.
    """
    check_decoding(advance, first, eos_id=eos_id, pad_id=pad_id, max_new_tokens=max_new_tokens)
    tokens = [first]
    finished = torch.zeros_like(first, dtype=torch.bool)
    while len(tokens) <= max_new_tokens and (eos_id < 0 or not finished.all()):
        logits, state = one_step(advance, state, tokens[-1], eos_id=eos_id, pad_id=pad_id)
        check_rows(logits)
        token = pick(logits)
        if eos_id >= 0:
            token = token.masked_fill(finished, pad_id)
            finished = finished | (token == eos_id)
        tokens.append(token)
    return torch.stack(tokens, dim=1)[:, 1:]
