"""`contributions`: the stream of a pre-norm stack, taken apart into what each layer wrote."""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from txlib.exercises.exercise import Exercise, Misconception
from txlib.layers import EncoderBlock

Blocks = list[EncoderBlock]
Answer = Callable[[Tensor, Blocks], Tensor]
Sublayer = Callable[[Tensor], Tensor]


class _Block(EncoderBlock):
    """The library's block with random weights, which a copy of the inputs shares."""

    def __init__(self, d_model: int, num_heads: int, d_ff: int, random: torch.Generator):
        super().__init__(d_model, num_heads, d_ff)
        self.double().requires_grad_(False)
        for weight in self.parameters():
            weight.copy_(torch.randn(weight.shape, generator=random) / weight.shape[-1] ** 0.5)
        for norm in (self.attention_norm, self.feed_forward_norm):
            norm.weight += 1.5

    def __deepcopy__(self, memo: dict) -> Self:
        return self

    def __repr__(self) -> str:
        sizes = self.d_model, self.attention.num_heads, self.feed_forward.up_proj.out_features
        return f"EncoderBlock{sizes}"


def _cases() -> list[tuple[Tensor, Blocks]]:
    """Streams of four shapes, through 2, 1, 3 and 2 blocks."""
    random = torch.Generator().manual_seed(2021)
    sizes = ((2, 3, 4, 2), (3, 4, 6, 1), (1, 5, 8, 3), (2, 4, 2, 2))  # (B, T, C, blocks)
    return [
        (
            torch.randn(b, t, c, generator=random, dtype=torch.float64),
            [_Block(c, 2, 3 * c, random) for _ in range(num_blocks)],
        )
        for b, t, c, num_blocks in sizes
    ]


def _sublayers(blocks: Blocks) -> list[tuple[Sublayer, nn.Module]]:
    return [
        pair
        for block in blocks
        for pair in (
            (block.attention, block.attention_norm),
            (block.feed_forward, block.feed_forward_norm),
        )
    ]


def _reference(x: Tensor, blocks: Blocks) -> Tensor:
    """By differences: the stream before a block, in its middle and after it, as the block runs."""
    parts = [x]
    for block in blocks:
        middle = x + block.attention(block.attention_norm(x))
        after = block(x)
        parts += [middle - x, after - middle]
        x = after
    return torch.stack(parts)


def _walk(
    *,
    written: Callable[[Sublayer, nn.Module, Tensor], Tensor] = lambda f, norm, x: f(norm(x)),
    after: Callable[[Tensor, Tensor, nn.Module], Tensor] = lambda x, part, norm: x + part,
    shown: Callable[[Tensor, Tensor, nn.Module], Tensor] = lambda x, part, norm: part,
    first: Callable[[Tensor], list[Tensor]] = lambda x: [x],
    last: Callable[[list[Tensor]], list[Tensor]] = lambda parts: parts,
    order: Callable[[Blocks], list[tuple[Sublayer, nn.Module]]] = _sublayers,
) -> Answer:
    """An answer that differs from the right one in the steps that are named."""

    def answer(x: Tensor, blocks: Blocks) -> Tensor:
        parts = first(x)
        for sublayer, norm in order(blocks):
            part = written(sublayer, norm, x)
            parts.append(shown(x, part, norm))
            x = after(x, part, norm)
        return torch.stack(last(parts))

    return answer


def _in_parallel(x: Tensor, blocks: Blocks) -> Tensor:
    """Both halves of a block read the stream as it enters the block."""
    parts = [x]
    for block in blocks:
        look = block.attention(block.attention_norm(x))
        thought = block.feed_forward(block.feed_forward_norm(x))
        parts += [look, thought]
        x = x + look + thought
    return torch.stack(parts)


def _whole_blocks(x: Tensor, blocks: Blocks) -> Tensor:
    parts = [x]
    for block in blocks:
        parts.append(block(x) - x)
        x = block(x)
    return torch.stack(parts)


def _streams_of_blocks(x: Tensor, blocks: Blocks) -> Tensor:
    streams = [x]
    for block in blocks:
        streams.append(block(streams[-1]))
    return torch.stack(streams)


def _first_norms(blocks: Blocks) -> list[tuple[Sublayer, nn.Module]]:
    norms = [b.attention_norm for b in blocks for _ in range(2)]
    return [(f, norm) for (f, _), norm in zip(_sublayers(blocks), norms, strict=True)]


def _by_kind(blocks: Blocks) -> list[tuple[Sublayer, nn.Module]]:
    pairs = _sublayers(blocks)
    return pairs[::2] + pairs[1::2]


def _sorted_by_kind(parts: list[Tensor]) -> list[Tensor]:
    return [parts[0], *parts[1::2], *parts[2::2]]


CONTRIBUTIONS = Exercise(
    name="contributions",
    chapter=6,
    parameters=("x", "blocks"),
    outputs=("the parts",),
    reference=_reference,
    cases=_cases,
    hint="Walk up with `x` in hand. At each sub-layer: what does it read, what does it write, and"
    " what is `x` afterwards? Keep what is written.",
    misconceptions=(
        Misconception(
            name="streams",
            answers=(
                _walk(shown=lambda x, part, norm: x + part),
                _streams_of_blocks,
            ),
            message="These are the streams after each layer; what was asked is what each layer"
            " wrote into them. Yours sum to far more than the last stream.",
            hint="Between two streams that follow each other, what is the difference?",
        ),
        Misconception(
            name="whole-blocks",
            answers=(_whole_blocks,),
            message="Attention and feed-forward of a block are in one part. The sum is right; what"
            " of it came from which of the two cannot be told.",
            hint="Between the two the stream has a value, too. A block's `attention` and"
            " `attention_norm` get you there.",
        ),
        Misconception(
            name="input-missing",
            answers=(_walk(first=lambda x: []),),
            message="What the layers wrote is right, and the first part is missing: the input"
            " itself. Without it the parts do not sum to the last stream.",
            hint="Of a stack without blocks, what should come back?",
        ),
        Misconception(
            name="norm-forgotten",
            answers=(_walk(written=lambda f, norm, x: f(x)),),
            message="The layers read the stream as it is, without their norms.",
            hint="In the equation of pre-norm, what stands inside f?",
        ),
        Misconception(
            name="norm-on-stream",
            answers=(
                _walk(after=lambda x, part, norm: norm(x) + part),
                _walk(
                    shown=lambda x, part, norm: norm(x),
                    after=lambda x, part, norm: norm(x) + part,
                ),
            ),
            message="The norm falls on the stream itself: what you add to is no longer `x` but its"
            " normalised copy.",
            hint="If you write `x = norm(x)`, the old `x` is lost, and it is still needed.",
        ),
        Misconception(
            name="post-norm",
            answers=(
                _walk(
                    written=lambda f, norm, x: f(x),
                    after=lambda x, part, norm: norm(x + part),
                ),
                _walk(
                    written=lambda f, norm, x: f(x),
                    shown=lambda x, part, norm: norm(x + part) - x,
                    after=lambda x, part, norm: norm(x + part),
                ),
                _walk(written=lambda f, norm, x: norm(f(x))),
            ),
            message="The norms come after the layers. These blocks are pre-norm: each layer reads a"
            " normalised copy, and what it writes is added as it is.",
            hint="Compare the two equations, post-norm and pre-norm: what is inside what?",
        ),
        Misconception(
            name="all-read-the-input",
            answers=(_walk(after=lambda x, part, norm: x),),
            message="Every layer reads the input of the stack: what the layers below have written"
            " does not reach it.",
            hint="After each layer, `x` must have become another one.",
        ),
        Misconception(
            name="in-parallel",
            answers=(_in_parallel,),
            message="Attention is right in the first block. The feed-forward layer reads the stream"
            " as it was before attention added to it.",
            hint="Two sums follow each other in a block, with two values of `x`.",
        ),
        Misconception(
            name="replaces",
            answers=(_walk(after=lambda x, part, norm: part),),
            message="Each layer hands only its own part to the next: the stream is replaced instead"
            " of added to.",
            hint="This is the stack with which the chapter began.",
        ),
        Misconception(
            name="one-norm-for-both",
            answers=(_walk(order=_first_norms),),
            message="Attention is right in the first block; the feed-forward layer then reads"
            " through attention's norm. A block has two norms with weights of their own.",
            hint="`block.feed_forward_norm` is not used yet.",
        ),
        Misconception(
            name="sorted-by-kind",
            answers=(_walk(order=_by_kind), _walk(last=_sorted_by_kind)),
            message="All attentions come first, then all feed-forward layers. In the stack they"
            " take turns, block by block.",
            hint="One loop over the blocks, with two steps in it.",
        ),
    ),
)
