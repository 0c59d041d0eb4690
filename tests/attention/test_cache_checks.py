import pytest
import torch

from txlib.attention.cache_checks import check_new_tokens, check_rollback, check_rows, listed

SIZES = (3, 2, 5)
BUFFER = torch.zeros(2, 3, 2, 9, 5)


def test_what_fits_is_counted():
    assert check_new_tokens(torch.zeros(3, 2, 4, 5), torch.zeros(3, 2, 4, 5), SIZES, BUFFER) == 4
    assert check_new_tokens(torch.zeros(3, 2, 0, 5), torch.zeros(3, 2, 0, 5), SIZES, BUFFER) == 0
    assert listed(torch.tensor([0, 7, 3]), "counts", 3, 7) == [0, 7, 3]


def test_what_does_not_is_refused():
    with pytest.raises(ValueError, match=r"\(3, 2, T, 5\), got \(3, 2, 4, 6\) and \(3, 2, 4, 5\)"):
        check_new_tokens(torch.zeros(3, 2, 4, 6), torch.zeros(3, 2, 4, 5), SIZES, BUFFER)
    new = torch.zeros(3, 2, 4, 5)
    with pytest.raises(ValueError, match=r"values must be torch\.float32 as keys, got .*float16"):
        check_new_tokens(new, new.half(), SIZES, BUFFER)
    with pytest.raises(ValueError, match="keys must be on meta as the cache, got cpu"):
        check_new_tokens(new, new, SIZES, BUFFER.to("meta"))
    with pytest.raises(ValueError, match="lengths must lie from 0 to 6, got 7"):
        listed(torch.tensor([0, 7, 3]), "lengths", 3, 6)
    with pytest.raises(ValueError, match=r"lengths must be integers .*, got torch.bool"):
        listed(torch.tensor([True, False, True]), "lengths", 3, 6)


def test_lengths_to_go_back_to():
    check_rollback([0, 3], [2, 3], [0, 0], None)
    check_rollback([8, 3], [9, 3], [6, 1], 3)
    check_rollback([0, 3], [2, 3], [0, 1], 3)
    with pytest.raises(ValueError, match="from 0 to the 3 held, got 4"):
        check_rollback([0, 4], [2, 3], [0, 0], None)
    with pytest.raises(ValueError, match=r"window=3 the oldest .* position 6, .* lengths of 7"):
        check_rollback([7, 3], [9, 3], [6, 1], 3)


def test_rows_to_choose():
    check_rows(torch.tensor([2, 0, 0, 1]), 3, BUFFER)
    for rows, words in (
        (torch.tensor([0, 3]), "rows must lie from 0 to 2, got 3"),
        (torch.tensor([-1]), "rows must lie from 0 to 2, got -1"),
        (
            torch.tensor([[1]]),
            r"rows must be integers \(B_new >= 1,\), got torch.int64 of \(1, 1\)",
        ),
        ([0], r"rows must be a tensor, got \[0\]"),
    ):
        with pytest.raises(ValueError, match=words):
            check_rows(rows, 3, BUFFER)
