import pytest
import torch

from txlib.attention.cache_buffer import last_slots, new_buffer, resized, write_slots

B, H_KV, S, D = 3, 2, 7, 4


@pytest.fixture
def filled():
    buffer = new_buffer((2, B, H_KV, S, D), None, torch.float64)
    slots = torch.arange(S, dtype=torch.float64)
    return buffer + slots[:, None] + 10 * torch.arange(B)[:, None, None, None]  # 10 * row + slot


def test_new_is_zero_where_it_is_wanted():
    buffer = new_buffer((2, B, H_KV, S, D), "cpu", torch.float16)
    assert buffer.shape == (2, B, H_KV, S, D)
    assert buffer.dtype == torch.float16
    assert buffer.eq(0).all()


@pytest.mark.parametrize("first", [2, torch.tensor([0, 4, 2])], ids=str)
def test_written_slots_and_no_others(filled, first):
    keys, values = torch.randn(2, B, H_KV, 3, D, dtype=torch.float64)
    expected = filled.clone()
    for row, slot in enumerate([first] * B if isinstance(first, int) else first.tolist()):
        expected[0, row, :, slot : slot + 3] = keys[row]
        expected[1, row, :, slot : slot + 3] = values[row]
    for half, new in zip(filled, (keys, values), strict=True):
        write_slots(half, new, first)
    assert torch.equal(filled, expected)


def test_last_slots_by_hand(filled):
    assert last_slots(filled, 5, 2)[0, 1, 0, :, 0].tolist() == [13.0, 14.0]
    rows = last_slots(filled, torch.tensor([5, 1, 3]), 3)[1, :, 1, :, 2]
    assert rows.tolist() == [[2.0, 3.0, 4.0], [10.0, 11.0, 12.0], [20.0, 21.0, 22.0]]
    assert last_slots(filled, 5, 0).shape == (2, B, H_KV, 0, D)


def test_resized_begins_with_what_was_there(filled):
    larger = resized(filled[:, :, :, :5], 9)
    assert larger.shape == (2, B, H_KV, 9, D)
    assert torch.equal(larger[:, :, :, :5], filled[:, :, :, :5])
    assert larger[:, :, :, 5:].eq(0).all()
    larger.zero_()
    assert filled[0, 1, 0, 2, 0] == 12  # a buffer of its own
