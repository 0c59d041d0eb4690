"""Greedy decoding for any model that advances a state token by token."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn

from txlib.checks import shown
from txlib.generation.step_by_step import continue_by

S = TypeVar("S")


def greedy_continue(
    advance: Callable[[S, Tensor], tuple[Tensor, S]],
    state: S,
    first: Tensor,
    *,
    eos_id: int,
    pad_id: int,
    max_new_tokens: int,
) -> Tensor:
    """In every step take the likeliest token of each row and feed it back, until all rows ended.

    Args:
        advance: from a state and the last tokens (B, 1) to logits (B, 1, V) and the next state.
        state: what `advance` starts from.
        first: int64 (B,), the tokens fed first, BOS as a rule; not returned.
        eos_id: ends a row; below 0 none does.
        pad_id: fills a row that has ended.
        max_new_tokens: where to stop rows that have not ended, at least 1.

    Returns:
        int64 (B, T), T at most `max_new_tokens`. After a row's EOS there is only PAD; a row that
        was stopped has no EOS.

    Raises:
        ValueError: if an argument is not as stated, or `advance` gives something else.

    Example:
        >>> def advance(state, last):  # a model that can only count
        ...     return torch.nn.functional.one_hot(last + 1, 10).float(), state
        >>> first = torch.tensor([3])
        >>> greedy_continue(advance, None, first, eos_id=7, pad_id=0, max_new_tokens=9)
        tensor([[4, 5, 6, 7]])
    """
    return continue_by(
        lambda logits: logits.argmax(dim=-1),
        advance,
        state,
        first,
        eos_id=eos_id,
        pad_id=pad_id,
        max_new_tokens=max_new_tokens,
    )


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients for a while; then every submodule has its own mode back.

    Raises:
        ValueError: if `module` is none.
    """
    if not isinstance(module, nn.Module):
        raise ValueError(f"module must be a torch.nn.Module, got {shown(module)}")
    modes = {child: child.training for child in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for child, training in modes.items():
            child.training = training
