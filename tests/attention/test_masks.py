import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from txlib.attention import causal_mask, padding_mask, sliding_window_mask
from txlib.attention.masks import position_mask

SIZES = st.integers(0, 9)


def table(text):
    return torch.tensor([[mark == "x" for mark in row] for row in text.split()])


def test_padding_by_hand():
    expected = table("xx. xxx ...")
    assert torch.equal(padding_mask(torch.tensor([2, 3, 0])), expected)
    wider = padding_mask(torch.tensor([2, 3, 0], dtype=torch.int32), 5)
    assert torch.equal(wider, table("xx... xxx.. ....."))


@pytest.mark.parametrize(
    ("T_q", "T_k", "expected"),
    [
        (3, None, "x.. xx. xxx"),
        (2, 5, "xxxx. xxxxx"),
        (4, 2, ".. .. x. xx"),
        (1, 3, "xxx"),
    ],
)
def test_causal_by_hand(T_q, T_k, expected):
    assert torch.equal(causal_mask(T_q, T_k), table(expected))


@pytest.mark.parametrize(
    ("T_q", "T_k", "window", "expected"),
    [
        (4, 4, 1, "x... .x.. ..x. ...x"),
        (4, 4, 2, "xx.. xxx. .xxx ..xx"),
        (2, 5, 2, "..xxx ...xx"),
        (4, 2, 2, ".. x. xx xx"),
        (2, 3, 9, "xxx xxx"),
    ],
)
def test_window_by_hand(T_q, T_k, window, expected):
    assert torch.equal(sliding_window_mask(T_q, T_k, window), table(expected))


@given(T_q=SIZES, T_k=SIZES)
def test_causal_is_a_lower_triangle_in_the_lower_right_corner(T_q, T_k):
    expected = torch.ones(T_q, T_k, dtype=torch.bool).tril(T_k - T_q)
    assert torch.equal(causal_mask(T_q, T_k), expected)


@given(T_q=SIZES, T_k=SIZES, window=st.integers(1, 9))
def test_causal_and_window_leave_the_last_keys(T_q, T_k, window):
    both = causal_mask(T_q, T_k) & sliding_window_mask(T_q, T_k, window)
    for i, row in enumerate(both.tolist()):
        own = i + T_k - T_q
        assert [j for j, seen in enumerate(row) if seen] == [
            j for j in range(own - window + 1, own + 1) if j >= 0
        ]


@given(lengths=st.lists(SIZES, min_size=1, max_size=4), room=SIZES)
def test_padding_counts_back_to_the_lengths(lengths, room):
    mask = padding_mask(torch.tensor(lengths), max(lengths) + room)
    assert mask.shape == (len(lengths), max(lengths) + room)
    assert mask.sum(dim=1).tolist() == lengths
    assert not (mask[:, 1:] & ~mask[:, :-1]).any()  # no real token after padding


def test_padding_and_causal_combine_as_the_module_says():
    mask = padding_mask(torch.tensor([1, 3]))[:, None] & causal_mask(3)
    assert torch.equal(mask, torch.stack([table("x.. x.. x.."), table("x.. xx. xxx")]))


def test_positions_by_hand():
    assert torch.equal(position_mask(1, 2, 4), table("xx.. xxx."))
    assert torch.equal(position_mask(1, 2, 4, window=2), table("xx.. .xx."))
    rows = position_mask(torch.tensor([0, 2]), 2, 4)
    assert torch.equal(rows, torch.stack([table("x... xx.."), table("xxx. xxxx")]))
    rows = position_mask(torch.tensor([0, 2]), 2, 4, window=1)
    assert torch.equal(rows, torch.stack([table("x... .x.."), table("..x. ...x")]))


@given(SIZES, SIZES, st.integers(1, 9))
def test_positions_at_the_end_are_the_other_masks(T_q, before, window):
    T_k = T_q + before
    assert torch.equal(position_mask(before, T_q, T_k), causal_mask(T_q, T_k))
    both = causal_mask(T_q, T_k) & sliding_window_mask(T_q, T_k, window)
    assert torch.equal(position_mask(before, T_q, T_k, window=window), both)
    first = torch.tensor([before, before])
    assert torch.equal(position_mask(first, T_q, T_k, window=window), torch.stack([both, both]))


def test_masks_are_made_where_they_are_asked_for():
    assert causal_mask(2, device="meta").device.type == "meta"
    assert sliding_window_mask(2, 3, 1, device="meta").device.type == "meta"
    assert position_mask(1, 2, 3, device="meta").device.type == "meta"


def test_errors_of_padding():
    with pytest.raises(ValueError, match=r"lengths must have shape \(B >= 1,\), got \(1, 2\)"):
        padding_mask(torch.tensor([[1, 2]]))
    with pytest.raises(ValueError, match=r"lengths must have shape \(B >= 1,\), got \(0,\)"):
        padding_mask(torch.tensor([], dtype=torch.int64))
    for dtype in (torch.float32, torch.bool, torch.complex64):
        with pytest.raises(ValueError, match=f"lengths must be integers, got {dtype}"):
            padding_mask(torch.tensor([1, 0]).to(dtype))
    with pytest.raises(ValueError, match="lengths must be at least 0, got -1"):
        padding_mask(torch.tensor([2, -1]))
    with pytest.raises(ValueError, match="lengths must be at most max_length=3, got 4"):
        padding_mask(torch.tensor([2, 4]), 3)


def test_errors_of_the_others():
    with pytest.raises(ValueError, match="T_q must be at least 0, got -1"):
        causal_mask(-1)
    with pytest.raises(ValueError, match="T_k must be at least 0, got -2"):
        sliding_window_mask(2, -2, 1)
    with pytest.raises(ValueError, match="window must be at least 1, got 0"):
        sliding_window_mask(2, 3, 0)
