"""What decoding is given, and what a model gives it at each step: the checks that all ways share.

Shapes are looked at on every device. The numbers are only where that makes nobody wait: on the CPU.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from txlib.checks import check_callable, check_ids, check_whole, shown

S = TypeVar("S")
MOST_ID = 2**63 - 1


def check_decoding(
    advance: Any, first: Any, *, eos_id: Any, pad_id: Any, max_new_tokens: Any
) -> None:
    """Refuse what no way of decoding can start from.

    Raises:
        ValueError: with the rule, the argument and what was given.
    """
    check_whole("max_new_tokens", max_new_tokens, least=1)
    check_callable("advance", advance)
    check_ids("first", first, "B")
    check_whole("eos_id", eos_id, least=-MOST_ID, most=MOST_ID)
    check_whole("pad_id", pad_id, least=0, most=MOST_ID)


def check_generator(generator: Any) -> None:
    """Refuse what no draws can come from.

    Raises:
        ValueError: with the rule and what was given.
    """
    if generator is not None and not isinstance(generator, torch.Generator):
        raise ValueError(f"generator must be a torch.Generator or None, got {shown(generator)}")


def one_step(
    advance: Callable[[S, Tensor], tuple[Tensor, S]],
    state: S,
    tokens: Tensor,
    *,
    eos_id: int,
    pad_id: int,
) -> tuple[Tensor, S]:
    """Advance by the tokens (N,): logits (N, V) and the next state.

    Raises:
        ValueError: if `advance` gives something else than logits (N, 1, V) and a state, or the
            vocabulary lacks a special id.
    """
    given = advance(state, tokens[:, None])
    if not isinstance(given, tuple) or len(given) != 2:
        raise ValueError(f"advance must give logits and the next state, got {shown(given)}")
    logits, state = given
    if not isinstance(logits, Tensor) or logits.ndim != 3 or logits.shape[:2] != (len(tokens), 1):
        raise ValueError(f"advance must give logits ({len(tokens)}, 1, V), got {shown(logits)}")
    V = logits.shape[-1]
    for name, special in (("eos_id", eos_id), ("pad_id", pad_id)):
        if special >= V:
            raise ValueError(f"{name} must be below the vocabulary's size, {V}, got {special}")
    return logits[:, 0], state


def check_rows(logits: Tensor, name: str = "advance must give logits") -> None:
    """Refuse logits (..., V) that foretell nothing, where looking is free: on the CPU.

    Raises:
        ValueError: if a row holds NaN, +inf, or no token that is possible.
    """
    if logits.device.type != "cpu":
        return
    largest = logits.amax(dim=-1)
    if not largest.isfinite().all():
        wrong = largest[~largest.isfinite()].flatten()[0].item()
        raise ValueError(f"{name} of which the largest in each row is finite, got {wrong}")
