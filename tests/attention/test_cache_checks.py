import pytest
import torch

from txlib.attention.cache_checks import check_new_tokens, listed

BUFFER = torch.zeros(2, 3, 2, 9, 5)


def test_what_fits_is_counted():
    assert check_new_tokens(torch.zeros(3, 2, 4, 5), torch.zeros(3, 2, 4, 5), BUFFER) == 4
    assert check_new_tokens(torch.zeros(3, 2, 0, 5), torch.zeros(3, 2, 0, 5), BUFFER) == 0
    assert listed(torch.tensor([0, 7, 3]), "counts", 3, 7) == [0, 7, 3]


def test_what_does_not_is_refused():
    with pytest.raises(ValueError, match=r"\(3, 2, T, 5\), got \(3, 2, 4, 6\) and \(3, 2, 4, 5\)"):
        check_new_tokens(torch.zeros(3, 2, 4, 6), torch.zeros(3, 2, 4, 5), BUFFER)
    with pytest.raises(ValueError, match="lengths must lie from 0 to 6, got 7"):
        listed(torch.tensor([0, 7, 3]), "lengths", 3, 6)
    with pytest.raises(ValueError, match=r"lengths must be integers .*, got torch.bool"):
        listed(torch.tensor([True, False, True]), "lengths", 3, 6)
