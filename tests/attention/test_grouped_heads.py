import pytest
import torch

from txlib.attention import grouped_product

B, H, T, X, Y = 2, 6, 5, 4, 7  # all different: a swapped axis cannot pass


def test_by_hand():
    left = torch.tensor([1.0, 2, 3, 4])[:, None, None]  # four heads of one number
    right = torch.tensor([10.0, 100])[:, None, None]
    product = grouped_product(left, right)
    assert product.flatten().tolist() == [10, 20, 300, 400]  # neighbours share, not every second


@pytest.mark.parametrize("H_kv", [1, 2, 3, 6])
@pytest.mark.parametrize("lead", [(), (B,), (3, B)], ids=len)
def test_equals_repeated_heads_in_values_and_gradients(H_kv, lead, collect):
    leaves = torch.randn(*lead, H, T, X).double(), torch.randn(*lead, H_kv, X, Y).double()
    mine = collect(grouped_product, *leaves)
    expected = collect(lambda a, b: a @ b.repeat_interleave(H // H_kv, dim=-3), *leaves)
    assert mine[0].shape == (*lead, H, T, Y)
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_heads_that_are_not_contiguous():
    left, right = torch.randn(B, T, H, X).transpose(1, 2), torch.randn(B, X, 2, Y).transpose(1, 2)
    expected = left @ right.repeat_interleave(3, dim=1)
    torch.testing.assert_close(grouped_product(left, right), expected)


def test_without_heads_it_is_the_plain_product():
    left, right = torch.randn(T, X), torch.randn(X, Y)
    torch.testing.assert_close(grouped_product(left, right), left @ right)


@pytest.mark.parametrize("T", [0, 1])
def test_few_rows_and_none(T):
    assert grouped_product(torch.randn(B, H, T, X), torch.randn(B, 3, X, Y)).shape == (B, H, T, Y)
