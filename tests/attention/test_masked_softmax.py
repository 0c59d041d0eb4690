import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from txlib.attention import masked_softmax

B, T_Q, T_K = 2, 3, 5


def test_by_hand():
    scores = torch.tensor([[0.0, math.log(3), 9.0], [1.0, 1.0, 1.0], [4.0, 5.0, 6.0]])
    mask = torch.tensor([[True, True, False], [True, True, True], [False, False, True]])
    expected = torch.tensor([[0.25, 0.75, 0.0], [1 / 3] * 3, [0.0, 0.0, 1.0]])
    torch.testing.assert_close(masked_softmax(scores, mask), expected)


def test_without_a_mask_it_is_softmax(collect):
    scores = torch.randn(B, T_Q, T_K).double()
    mine = collect(masked_softmax, scores)
    for a, b in zip(mine, collect(lambda s: F.softmax(s, -1), scores), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)


@given(rows=st.lists(st.lists(st.booleans(), min_size=T_K, max_size=T_K), min_size=1, max_size=4))
def test_any_mask_is_softmax_over_the_allowed_keys_alone(rows):
    mask = torch.tensor(rows)
    scores = torch.randn(mask.shape, generator=torch.Generator().manual_seed(0)).double()
    weights = masked_softmax(scores, mask)
    for row, allowed, given_scores in zip(weights, mask, scores, strict=True):
        torch.testing.assert_close(row[allowed], given_scores[allowed].softmax(dim=0))
        assert row[~allowed].eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_row_with_nothing_allowed_is_zero_and_so_is_its_gradient(dtype):
    scores = torch.randn(B, T_Q, T_K).to(dtype).requires_grad_()
    mask = torch.ones(T_Q, T_K, dtype=torch.bool)
    mask[1] = False
    weights = masked_softmax(scores, mask)
    weights[..., 0].sum().backward()
    assert weights.dtype == dtype
    assert weights[:, 1].eq(0).all()
    assert scores.grad.isfinite().all()
    assert scores.grad[:, 1].eq(0).all()
    assert scores.grad[:, 0].ne(0).any()


def test_gradcheck():
    mask = torch.rand(B, T_Q, T_K) > 0.4
    mask[0, 0] = False
    scores = torch.randn(B, T_Q, T_K).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda s: masked_softmax(s, mask), scores, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_is_the_float32_answer_rounded_once(dtype):
    scores = (3 * torch.randn(B, T_Q, 1000)).to(dtype)
    expected = scores.float().softmax(dim=-1).to(dtype)
    torch.testing.assert_close(masked_softmax(scores), expected, rtol=0, atol=0)


def test_its_arguments_stay_as_they_were():
    scores, mask = torch.randn(T_Q, T_K), torch.rand(T_Q, T_K) > 0.5
    before = scores.clone(), mask.clone()
    masked_softmax(scores, mask)
    assert torch.equal(scores, before[0])
    assert torch.equal(mask, before[1])


def test_mask_must_be_bool():
    with pytest.raises(ValueError, match=r"mask must be bool.* got torch.float32"):
        masked_softmax(torch.zeros(T_Q, T_K), torch.zeros(T_Q, T_K))


@pytest.mark.parametrize("shape", [(T_Q, T_K + 1), (T_Q + 1, T_K), (B + 1, 1, 1), (1, B, T_Q, T_K)])
def test_mask_must_broadcast(shape):
    with pytest.raises(ValueError, match=r"mask must broadcast .* = \(2, 3, 5\), got \("):
        masked_softmax(torch.zeros(B, T_Q, T_K), torch.ones(shape, dtype=torch.bool))


def test_a_blind_row_makes_no_nan_on_the_way():
    scores = torch.randn(3, 4, requires_grad=True)
    mask = torch.tensor([[True], [False], [True]])
    with torch.autograd.set_detect_anomaly(True):
        masked_softmax(scores, mask).square().sum().backward()
    assert scores.grad[1].eq(0).all()
