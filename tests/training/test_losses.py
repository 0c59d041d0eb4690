import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F

from txlib.training import masked_cross_entropy, translation_loss

B, T, V = 3, 5, 7


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(B, T, V, generator=generator, dtype=torch.float64)
    targets = torch.randint(V, (B, T), generator=generator)
    mask = torch.arange(T) < torch.tensor([[5], [2], [3]])
    return logits, targets, mask


def test_loss_by_hand():
    logits = torch.tensor([[[0.0, 0.0], [math.log(3), 0.0], [9.0, 9.0]]])  # 1/2, then 3/4 and 1/4
    targets, mask = torch.tensor([[0, 1, 0]]), torch.tensor([[True, True, False]])
    expected = torch.tensor((math.log(2) + math.log(4)) / 2)
    torch.testing.assert_close(masked_cross_entropy(logits, targets, mask), expected)


def test_agrees_with_cross_entropy_over_the_chosen_tokens(case):
    logits, targets, mask = case
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss = masked_cross_entropy(ours, targets, mask)
    expected = F.cross_entropy(theirs[mask], targets[mask])
    loss.backward()
    expected.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(ours.grad, theirs.grad)
    assert loss.dtype == torch.float64


def test_padding_has_no_say(case):
    logits, targets, mask = case
    loss = masked_cross_entropy(logits, targets, mask)
    logits = torch.where(mask[..., None], logits, 1e4)
    assert masked_cross_entropy(logits, targets.masked_fill(~mask, -5), mask) == loss


def test_a_row_of_padding_changes_nothing(case):
    logits, targets, mask = case
    without = masked_cross_entropy(logits[1:], targets[1:], mask[1:])
    mask[0] = False
    torch.testing.assert_close(masked_cross_entropy(logits, targets, mask), without)


def test_a_single_real_token_is_its_own_mean(case):
    logits, targets, mask = case
    mask = torch.zeros_like(mask)
    mask[1, 2] = True
    expected = F.cross_entropy(logits[1, 2], targets[1, 2])
    torch.testing.assert_close(masked_cross_entropy(logits, targets, mask), expected)


def test_no_real_token_is_zero_with_zero_gradients(case):
    logits, targets, mask = case
    logits.requires_grad_()
    loss = masked_cross_entropy(logits, targets, torch.zeros_like(mask))
    loss.backward()
    assert loss == 0
    assert logits.grad.eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_logits_are_averaged_in_float32(case, dtype):
    logits, targets, mask = case
    low = logits.to(dtype)
    loss = masked_cross_entropy(low, targets, mask)
    assert loss.dtype == torch.float32
    expected = masked_cross_entropy(low.double(), targets, mask)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=1e-6)


def test_translation_loss_teaches_the_next_token(case):
    logits, targets, mask = case
    batch = SimpleNamespace(
        source="source", source_mask="mask", target_in="in", target_out=targets, target_mask=mask
    )
    seen = []
    loss = translation_loss(lambda *inputs: seen.append(inputs) or logits, batch)
    assert seen == [("source", "mask", "in")]
    assert loss == masked_cross_entropy(logits, targets, mask)


def test_errors(case):
    logits, targets, mask = case
    with pytest.raises(ValueError, match=r"got \(3, 5, 7\), \(3, 5\) and \(3, 4\)"):
        masked_cross_entropy(logits, targets, mask[:, 1:])
    with pytest.raises(ValueError, match=r"targets and mask \(B, T\), got \(3, 5, 7\), \(5, 3\)"):
        masked_cross_entropy(logits, targets.T, mask)
    with pytest.raises(ValueError, match=r"logits must be \(B, T, V\)"):
        masked_cross_entropy(logits[0], targets[0], mask[0])
    with pytest.raises(ValueError, match=r"mask must be bool, True = a real token, got torch.int"):
        masked_cross_entropy(logits, targets, mask.long())
