"""Sampling: the next token is drawn from what the model foretells, not the likeliest taken."""

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from txlib.checks import check_number, check_tensor, check_whole, shown
from txlib.generation.checks import check_generator, check_rows
from txlib.generation.step_by_step import continue_by

S = TypeVar("S")
FLAT, STEEP = torch.finfo(torch.float32).max, torch.finfo(torch.float32).tiny


def next_token_probabilities(
    logits: Tensor,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Tensor:
    r"""The distribution to draw from: $\mathrm{softmax}(\text{logits} / \tau)$, its tail cut off.

    The two cuts follow one another, each on what the last has left, rescaled to sum to 1. Softmax
    in float32. Source: temperature, Ackley et al. 1985; `top_k`, Fan et al. 2018; `top_p`, the
    nucleus, Holtzman et al. 2020, section 3.1.

    Args:
        logits: (..., V), floating point; the largest of each row finite, the others perhaps -inf.
        temperature: $\tau$, at least 0. Below 1 the likely grow likelier, above 1 all draw level;
            at 0 the likeliest token, the first of equals, has all.
        top_k: keep this many of the likeliest tokens, at least 1, and equals of the last of them;
            all if None.
        top_p: keep the fewest likeliest tokens that together have at least this probability, in
            (0, 1]; all if None.

    Returns:
        float32 (..., V). Each row sums to 1.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> logits = torch.tensor([0.5, 0.25, 0.25]).log()
        >>> next_token_probabilities(logits)
        tensor([0.5000, 0.2500, 0.2500])
        >>> next_token_probabilities(logits, temperature=0.5)  # the likely become likelier
        tensor([0.6667, 0.1667, 0.1667])
        >>> next_token_probabilities(logits, top_k=1)
        tensor([1., 0., 0.])
    """
    check_choices(temperature, top_k, top_p)
    check_tensor("logits", logits)
    if not logits.ndim or not logits.shape[-1] or not logits.is_floating_point():
        raise ValueError(f"logits must be (..., V), floating point, got {shown(logits)}")
    check_rows(logits, "logits must be rows")
    return probabilities(logits, temperature, top_k, top_p)


def probabilities(
    logits: Tensor, temperature: float, top_k: int | None, top_p: float | None
) -> Tensor:
    """`next_token_probabilities` without its checks, some of which must wait for the device."""
    if temperature == 0:
        likeliest = logits.argmax(dim=-1, keepdim=True)
        return torch.zeros_like(logits, dtype=torch.float32).scatter(-1, likeliest, 1.0)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    # the largest first brought to 0: divided by a small temperature, others could overflow
    logits = (logits - logits.amax(dim=-1, keepdim=True)).float()
    logits = logits / min(max(temperature, STEEP), FLAT)  # beyond, 0/0 and inf/inf
    if top_k is not None and top_k < logits.shape[-1]:
        last = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < last, -torch.inf)
    chances = logits.softmax(dim=-1)
    if top_p is None or top_p == 1:  # rounding could cut a tail there
        return chances
    ordered, order = chances.sort(dim=-1, descending=True, stable=True)
    before = ordered.cumsum(dim=-1) - ordered  # what the likelier tokens have without this one
    cut = before >= top_p
    cut[..., 0] = False  # even where top_p is 0 in float32
    kept = ordered.masked_fill(cut, 0.0)
    kept = kept / kept.sum(dim=-1, keepdim=True)
    return torch.zeros_like(kept).scatter(-1, order, kept)


def sample_continue(
    advance: Callable[[S, Tensor], tuple[Tensor, S]],
    state: S,
    first: Tensor,
    *,
    eos_id: int,
    pad_id: int,
    max_new_tokens: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """In every step draw a token of each row and feed it back, until all rows ended.

    Args:
        advance: from a state and the last tokens (B, 1) to logits (B, 1, V) and the next state.
        state: what `advance` starts from.
        first: int64 (B,), the tokens fed first, BOS as a rule; not returned.
        eos_id: ends a row; below 0 none does.
        pad_id: fills a row that has ended.
        max_new_tokens: where to stop rows that have not ended, at least 1.
        temperature: as in `next_token_probabilities`; 0 is `greedy_continue`.
        top_k: as in `next_token_probabilities`.
        top_p: as in `next_token_probabilities`.
        generator: where the draws come from, on the device of the logits; PyTorch's own if None.
            With the same seed the same rows are drawn.

    Returns:
        int64 (B, T), T at most `max_new_tokens`. After a row's EOS there is only PAD; a row that
        was stopped has no EOS.

    Raises:
        ValueError: if an argument is not as stated, or `advance` gives something else.
    """
    check_choices(temperature, top_k, top_p)
    check_generator(generator)

    def draw(logits: Tensor) -> Tensor:
        if temperature == 0:
            return logits.argmax(dim=-1)  # no draw decides anything
        chances = probabilities(logits, temperature, top_k, top_p)
        return torch.multinomial(chances, 1, generator=generator).squeeze(1)

    return continue_by(
        draw,
        advance,
        state,
        first,
        eos_id=eos_id,
        pad_id=pad_id,
        max_new_tokens=max_new_tokens,
    )


def check_choices(temperature: float, top_k: int | None, top_p: float | None) -> None:
    """Refuse what no draw can go by.

    Raises:
        ValueError: if one is out of the range of `next_token_probabilities`.
    """
    check_number("temperature", temperature)
    if not 0 <= temperature < math.inf:
        raise ValueError(f"temperature must be finite and at least 0, got {temperature}")
    if top_k is not None:
        check_whole("top_k", top_k, least=1)
    if top_p is not None:
        check_number("top_p", top_p)
        if not 0 < top_p <= 1:
            raise ValueError(f"top_p must be in (0, 1], got {top_p}")
