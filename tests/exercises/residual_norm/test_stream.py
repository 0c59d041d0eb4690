"""Answers as learners write them: all of the first list pass, each of the others is named."""

from itertools import pairwise

import pytest
import torch

from txlib.exercises import check
from txlib.exercises.residual_norm import EXERCISES


def in_a_loop(x, blocks):
    parts = [x]
    for block in blocks:
        look = block.attention(block.attention_norm(x))
        x = x + look
        thought = block.feed_forward(block.feed_forward_norm(x))
        x = x + thought
        parts += [look, thought]
    return torch.stack(parts)


def into_a_tensor(x, blocks):
    parts = x.new_zeros(1 + 2 * len(blocks), *x.shape)
    parts[0] = x
    for i, block in enumerate(blocks):
        parts[2 * i + 1] = block.attention(block.attention_norm(parts.sum(0)))
        parts[2 * i + 2] = block.feed_forward(block.feed_forward_norm(parts.sum(0)))
    return parts


def by_hooks(x, blocks):
    parts, handles = [x], []
    for block in blocks:
        for sublayer in (block.attention, block.feed_forward):
            hook = sublayer.register_forward_hook(lambda m, inputs, out: parts.append(out))
            handles.append(hook)
    for block in blocks:
        x = block(x)
    for handle in handles:
        handle.remove()
    return torch.stack(parts)


def walk(read, step, show):
    def answer(x, blocks):
        parts = [x]
        for b in blocks:
            for f, norm in (
                (b.attention, b.attention_norm),
                (b.feed_forward, b.feed_forward_norm),
            ):
                part = f(read(x, norm))
                parts.append(show(x, part, norm))
                x = step(x, part, norm)
        return torch.stack(parts)

    return answer


def read_normed(x, norm):
    return norm(x)


def read_bare(x, norm):
    return x


def add(x, part, norm):
    return x + part


def show_part(x, part, norm):
    return part


def norm_overwrites(x, blocks):
    parts = [x]
    for b in blocks:
        x = b.attention_norm(x)
        parts.append(b.attention(x))
        x = x + parts[-1]
        x = b.feed_forward_norm(x)
        parts.append(b.feed_forward(x))
        x = x + parts[-1]
    return torch.stack(parts)


def by_block(x, blocks):
    streams = [x]
    for b in blocks:
        streams.append(b(streams[-1]))
    return torch.stack([x] + [b - a for a, b in pairwise(streams)])


def parallel(x, blocks):
    parts = [x]
    for b in blocks:
        parts.append(b.attention(b.attention_norm(x)))
        parts.append(b.feed_forward(b.feed_forward_norm(x)))
        x = x + parts[-2] + parts[-1]
    return torch.stack(parts)


def one_norm(x, blocks):
    parts = [x]
    for b in blocks:
        for f in (b.attention, b.feed_forward):
            parts.append(f(b.attention_norm(x)))
            x = x + parts[-1]
    return torch.stack(parts)


def two_lists(x, blocks):
    looks, thoughts = [], []
    for b in blocks:
        looks.append(b.attention(b.attention_norm(x)))
        x = x + looks[-1]
        thoughts.append(b.feed_forward(b.feed_forward_norm(x)))
        x = x + thoughts[-1]
    return torch.stack([x - sum(looks) - sum(thoughts), *looks, *thoughts])


WRONG = {
    "streams": [
        walk(read_normed, add, add),
        lambda x, blocks: in_a_loop(x, blocks).cumsum(0),
    ],
    "whole-blocks": [by_block],
    "input-missing": [lambda x, blocks: in_a_loop(x, blocks)[1:]],
    "norm-forgotten": [walk(read_bare, add, show_part)],
    "norm-on-stream": [norm_overwrites],
    "post-norm": [
        walk(read_bare, lambda x, part, norm: norm(x + part), show_part),
        walk(
            read_bare,
            lambda x, part, norm: norm(x + part),
            lambda x, part, norm: norm(x + part) - x,
        ),
    ],
    "all-read-the-input": [walk(read_normed, lambda x, part, norm: x, show_part)],
    "in-parallel": [parallel],
    "replaces": [walk(read_normed, lambda x, part, norm: part, show_part)],
    "one-norm-for-both": [one_norm],
    "sorted-by-kind": [two_lists],
}


@pytest.mark.parametrize("answer", [in_a_loop, into_a_tensor, by_hooks])
def test_right_answers_pass(answer):
    verdict = check("contributions", answer)
    assert verdict.passed, verdict


@pytest.mark.parametrize(("name", "answer"), [(n, a) for n, many in WRONG.items() for a in many])
def test_wrong_answers_are_named(name, answer):
    verdict = check("contributions", answer)
    assert (verdict.passed, verdict.diagnosis) == (False, name)


def test_bank_is_complete():
    assert set(WRONG) == {m.name for m in EXERCISES["contributions"].misconceptions}


def test_parts_sum_to_what_the_blocks_give():
    for x, blocks in EXERCISES["contributions"].cases():
        parts = EXERCISES["contributions"].reference(x, blocks)
        torch.testing.assert_close(parts.sum(0), torch.nn.Sequential(*blocks)(x))


def test_a_list_is_to_be_stacked():
    verdict = check("contributions", lambda x, blocks: tuple(in_a_loop(x, blocks)))
    assert verdict.diagnosis == "type"
    assert "it is a tuple of 5" in verdict.message


def test_adding_in_place_is_noticed():
    def in_place(x, blocks):
        parts = [x]
        for block in blocks:
            parts.append(block.attention(block.attention_norm(x)))
            x += parts[-1]
            parts.append(block.feed_forward(block.feed_forward_norm(x)))
            x += parts[-1]
        return torch.stack(parts)

    assert check("contributions", in_place).diagnosis == "mutates"


def test_an_unforeseen_answer_gets_no_addresses():
    verdict = check("contributions", lambda x, blocks: in_a_loop(x, blocks) + 1)
    assert verdict.diagnosis == "value"
    assert "blocks = [EncoderBlock(4, 2, 12), EncoderBlock(4, 2, 12)]" in verdict.message
