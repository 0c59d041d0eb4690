"""`decode_step`: one new token for every row of a cache whose rows have different lengths."""

import torch
from torch import Tensor

from txlib.exercises.exercise import Exercise, Misconception
from txlib.exercises.flash_and_cache.stepping import (
    Result,
    append,
    append_and_see_all,
    hide,
    no_write,
    on_seen,
    repaired,
    slots,
    step,
    up_to,
    write,
    write_across,
)


def _cases() -> list[tuple[Tensor, ...]]:
    """Rows that are empty, half full and full but for one slot; the slots ahead are not clean."""
    random = torch.Generator().manual_seed(2019)

    def case(lengths: tuple[int, ...], h: int, slots: int, d: int) -> tuple[Tensor, ...]:
        b = len(lengths)
        shapes = (b, h, d), (b, h, slots, d), (b, h, slots, d), (b, h, d), (b, h, d)
        made = (torch.randn(s, generator=random, dtype=torch.float64) for s in shapes)
        return *made, torch.tensor(lengths)

    return [
        case((2, 4), 3, 7, 5),
        case((3, 0, 5), 2, 6, 4),
        case((1,), 3, 4, 2),
        case((6, 2, 4, 3), 1, 9, 3),
        case((5, 3), 2, 6, 5),
    ]


def _reference(
    query: Tensor, keys: Tensor, values: Tensor, new_key: Tensor, new_value: Tensor, lengths: Tensor
) -> Result:
    """Row by row, with no slot in sight that is not the row's own."""
    keys, values = keys.clone(), values.clone()
    context = []
    for b, length in enumerate(lengths.tolist()):
        keys[b, :, length], values[b, :, length] = new_key[b], new_value[b]
        seen = keys[b, :, : length + 1]  # (H, length + 1, D)
        scores = (seen @ query[b, :, :, None]).squeeze(-1) / query.shape[-1] ** 0.5
        context.append((scores.softmax(-1)[:, None] @ values[b, :, : length + 1]).squeeze(1))
    return torch.stack(context), keys, values


def _mixed(*inputs: Tensor) -> bool:
    return len(inputs[-1]) > 1


DECODE_STEP = Exercise(
    name="decode_step",
    chapter=8,
    parameters=("query", "keys", "values", "new_key", "new_value", "lengths"),
    outputs=("the context", "keys", "values"),
    reference=_reference,
    cases=_cases,
    hint="Copy the cache, write row b at slot `lengths[b]`, and score all S slots. A mask (B, S),"
    " made of `torch.arange(S)` and `lengths`, says which slots count.",
    misconceptions=(
        Misconception(
            name="own-key-not-seen",
            answers=tuple(
                step(w)
                for w in (
                    *repaired(up_to(lambda lengths: lengths - 1)),
                    lambda s, n: hide(s, slots(s) < n[:, None], -1e9).softmax(-1),
                )
            ),
            message="The new token is written and does not see itself: your mask ends one slot too"
            " early.",
            hint="A causal query may look at its own place. Which slot is that?",
        ),
        Misconception(
            name="one-slot-too-many",
            answers=(step(up_to(lambda lengths: lengths + 1)),),
            message="Your mask ends one slot too late: the slot behind the new token is seen, and"
            " what lies there is left over from before.",
            hint="The last slot to be seen is the one that has just been written.",
        ),
        Misconception(
            name="all-slots-seen",
            answers=(
                step(lambda s, n: s.softmax(-1)),
                step(on_seen(lambda s, seen: (s * seen[:, None]).softmax(-1))),
                append_and_see_all,
            ),
            message="Slots behind the new token take a share of the weights. They are free, but"
            " they are not empty: something is left in them, and even a score of 0 is a score.",
            hint="What must the score of a free slot be for its weight to be 0?",
        ),
        Misconception(
            name="one-length-for-all",
            answers=tuple(
                step(up_to(bound), at=at)
                for bound in (
                    lambda n: n.max().expand(len(n)),
                    lambda n: n.min().expand(len(n)),
                    lambda n: n[0].expand(len(n)),
                )
                for at in (lambda n: n, bound)
            ),
            applies=_mixed,
            message="One length is used for all rows, the longest, the shortest or the first."
            " Each row has read another number of tokens.",
            hint="`lengths` has one entry a row, and so has your mask.",
        ),
        Misconception(
            name="one-slot-for-all",
            answers=tuple(
                step(at=at)
                for at in (
                    lambda n: n.max().expand(len(n)),
                    lambda n: n.min().expand(len(n)),
                    lambda n: n[0].expand(len(n)),
                )
            ),
            applies=_mixed,
            message="All rows are written at the same slot. That leaves a gap in the short rows,"
            " or overwrites a token in the long ones.",
            hint="Row b goes to slot `lengths[b]`.",
        ),
        Misconception(
            name="rows-times-slots",
            answers=(step(write=write_across),),
            applies=_mixed,
            message="Every row is written at the slots of all rows: `[:, :, lengths]` takes all"
            " rows, and then all those slots in each of them.",
            hint="Index the rows with a tensor as well, `torch.arange(B)`: two index tensors are"
            " taken in pairs.",
        ),
        Misconception(
            name="written-one-off",
            answers=(
                step(at=lambda n: n + 1),
                step(up_to(lambda n: n + 1), at=lambda n: n + 1),
                step(at=lambda n: n - 1),
                step(up_to(lambda n: n - 1), at=lambda n: n - 1),
            ),
            message="The new key stands one slot off: it leaves a gap, or overwrites the last"
            " token. Slots count from 0.",
            hint="A row that has read 2 tokens fills the slots 0 and 1. Which one is next?",
        ),
        Misconception(
            name="appended",
            answers=(append,),
            message="The context is right. The new key is hung on behind the last slot, so the"
            " cache grows in every step; it was made long enough from the start.",
            hint="Slot `lengths[b]` is free. Write there.",
        ),
        Misconception(
            name="not-written",
            answers=(
                step(write=no_write),
                *(step(w, write=no_write) for w in repaired(up_to(lambda n: n - 1))),
                step(write_value=no_write),
                step(write=no_write, write_value=write),
            ),
            message="The new key, the new value or both are not written: what stood in the slot"
            " before is used in their place.",
            hint="Both caches change in each row, at one slot.",
        ),
        Misconception(
            name="scale",
            answers=(
                step(scale=lambda q, k: 1.0),
                step(scale=lambda q, k: 1 / q.shape[-1]),
                step(scale=lambda q, k: k.shape[2] ** -0.5),
                step(scale=lambda q, k: (q.shape[1] * q.shape[2]) ** -0.5),
            ),
            message="The cache is right. The scores are not divided by the root of D: by nothing,"
            " or by something else.",
            hint="Nothing about the scores changes because the keys are old.",
        ),
        Misconception(
            name="mask",
            answers=(
                step(on_seen(lambda s, seen: hide(s, ~seen).softmax(-1))),
                step(on_seen(lambda s, seen: hide(s, ~seen).softmax(-1).nan_to_num())),
                step(on_seen(lambda s, seen: s.softmax(-1) * seen[:, None])),
            ),
            message="The cache is right. The mask is reversed, or it comes after the softmax, when"
            " the free slots have already taken their share.",
            hint="True means: may attend. And the scores are masked, not the weights.",
        ),
        Misconception(
            name="softmax-over-heads",
            answers=(
                step(on_seen(lambda s, seen: hide(s, seen).softmax(1))),
                step(on_seen(lambda s, seen: hide(s, seen).softmax(1).nan_to_num())),
            ),
            message="The cache is right. The softmax runs over the heads; the slots of one head"
            " should share a weight of 1.",
            hint="Your scores are (B, H, S). Which axis holds what is chosen from?",
        ),
    ),
)
