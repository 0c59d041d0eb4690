"""A step of decoding with one part done otherwise: the wrong answers of `decode_step`."""

from collections.abc import Callable

import torch
from torch import Tensor

Result = tuple[Tensor, Tensor, Tensor]
Step = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], Result]
Write = Callable[[Tensor, Tensor, Tensor], Tensor]
Weigh = Callable[[Tensor, Tensor], Tensor]


def slots(scores: Tensor) -> Tensor:
    """Numbers of all slots, (S,), for scores (B, H, S)."""
    return torch.arange(scores.shape[-1])


def write(cache: Tensor, new: Tensor, at: Tensor) -> Tensor:
    """Row b of `new` (B, H, D) at slot `at[b]` of row b, in a copy."""
    written = cache.clone()
    written[torch.arange(len(new)), :, at] = new
    return written


def write_across(cache: Tensor, new: Tensor, at: Tensor) -> Tensor:
    """In every row, at the slots of all rows: what `cache[:, :, at] = …` does."""
    written = cache.clone()
    written[:, :, at] = new[:, :, None]
    return written


def no_write(cache: Tensor, new: Tensor, at: Tensor) -> Tensor:
    """The cache as it was."""
    return cache


def hide(scores: Tensor, seen: Tensor, fill: float = -torch.inf) -> Tensor:
    """Scores (B, H, S) with `fill` where `seen` (B, S) is false."""
    return scores.masked_fill(~seen[:, None], fill)


def up_to(bound: Callable[[Tensor], Tensor] = lambda lengths: lengths) -> Weigh:
    """Softmax over the slots up to `bound`, that one included."""

    def weigh(scores: Tensor, lengths: Tensor) -> Tensor:
        seen = slots(scores) <= bound(lengths)[:, None]
        return hide(scores, seen).softmax(dim=-1)

    return weigh


def on_seen(weigh: Weigh) -> Weigh:
    """`weigh` with the right mask (B, S) in place of the lengths."""
    return lambda scores, lengths: weigh(scores, slots(scores) <= lengths[:, None])


def step(
    weigh: Weigh | None = None,
    write: Write = write,
    write_value: Write | None = None,
    at: Callable[[Tensor], Tensor] = lambda lengths: lengths,
    scale: Callable[[Tensor, Tensor], float] = lambda q, k: q.shape[-1] ** -0.5,
) -> Step:
    """Right in all parts but the ones that are named."""

    def answer(*inputs: Tensor) -> Result:
        query, keys, values, new_key, new_value, lengths = inputs
        keys = write(keys, new_key, at(lengths))
        values = (write_value or write)(values, new_value, at(lengths))
        scores = (keys @ query[..., None]).squeeze(-1) * scale(query, keys)  # (B, H, S)
        weights = (weigh or up_to())(scores, lengths)
        return (weights[:, :, None] @ values).squeeze(2), keys, values

    return answer


def repaired(weigh: Weigh) -> tuple[Weigh, Weigh]:
    """`weigh` as it is, and with zeros for NaN."""
    return weigh, lambda scores, lengths: weigh(scores, lengths).nan_to_num()


def append(*inputs: Tensor) -> Result:
    """The new token behind the last slot, and the right context."""
    query, keys, values, new_key, new_value, lengths = inputs
    keys, values = (
        torch.cat([cache, new[:, :, None]], dim=2)
        for cache, new in ((keys, new_key), (values, new_value))
    )
    scores = (keys @ query[..., None]).squeeze(-1) / query.shape[-1] ** 0.5
    seen = slots(scores) < lengths[:, None]
    seen[:, -1] = True
    weights = hide(scores, seen).softmax(dim=-1)
    return (weights[:, :, None] @ values).squeeze(2), keys, values


def append_and_see_all(*inputs: Tensor) -> Result:
    """The new token behind the last slot, and no mask at all."""
    query, (_, keys, values) = inputs[0], append(*inputs)
    scores = (keys @ query[..., None]).squeeze(-1) / query.shape[-1] ** 0.5
    return (scores.softmax(-1)[:, :, None] @ values).squeeze(2), keys, values
