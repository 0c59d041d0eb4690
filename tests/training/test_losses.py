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


def test_smoothed_loss_by_hand():
    logits = torch.tensor([[[0.0, math.log(2), 0.0]]])  # 1/4, 1/2, 1/4
    targets, mask = torch.tensor([[1]]), torch.tensor([[True]])
    # wanted: 0.1, 0.8 and 0.1, for a third of 0.3 goes to each token, the target included
    expected = torch.tensor(0.2 * math.log(4) + 0.8 * math.log(2))
    loss = masked_cross_entropy(logits, targets, mask, label_smoothing=0.3)
    torch.testing.assert_close(loss, expected)


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


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_smoothing_agrees_with_cross_entropy_to_a_smoothed_distribution(case, share):
    logits, targets, mask = case
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    loss = masked_cross_entropy(ours, targets, mask, label_smoothing=share)
    wanted = (1 - share) * F.one_hot(targets, V) + share / V
    expected = -(wanted * theirs.log_softmax(dim=-1)).sum(dim=-1)[mask].mean()
    loss.backward()
    expected.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(ours.grad, theirs.grad)
    built_in = F.cross_entropy(logits[mask], targets[mask], label_smoothing=share)
    torch.testing.assert_close(loss.detach(), built_in)


def test_no_smoothing_is_the_plain_loss_to_the_bit(case):
    assert masked_cross_entropy(*case, label_smoothing=0.0) == masked_cross_entropy(*case)


def test_smoothing_is_least_at_the_smoothed_distribution(case):
    _, targets, mask = case
    share = 0.1
    wanted = (1 - share) * F.one_hot(targets, V) + share / V
    logits = wanted.log().double().requires_grad_()
    loss = masked_cross_entropy(logits, targets, mask, label_smoothing=share)
    loss.backward()
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits), rtol=0, atol=1e-7)
    right, other = 1 - share + share / V, share / V
    entropy = -right * math.log(right) - (V - 1) * other * math.log(other)
    assert loss.item() == pytest.approx(entropy, abs=1e-6)


def test_padding_has_no_say(case):
    logits, targets, mask = case
    for share in (0.0, 0.1):
        loss = masked_cross_entropy(logits, targets, mask, label_smoothing=share)
        other = torch.where(mask[..., None], logits, 1e4)
        ids = targets.masked_fill(~mask, -5)
        assert masked_cross_entropy(other, ids, mask, label_smoothing=share) == loss


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


@pytest.fixture
def batch(case):
    _, targets, mask = case
    return SimpleNamespace(
        source="source", source_mask="mask", target_in="in", target_out=targets, target_mask=mask
    )


def test_translation_loss_teaches_the_next_token(case, batch):
    logits, targets, mask = case
    seen = []
    loss = translation_loss(lambda *inputs: seen.append(inputs) or logits, batch)
    assert seen == [("source", "mask", "in")]
    assert loss == masked_cross_entropy(logits, targets, mask)
    smoothed = translation_loss(lambda *inputs: logits, batch, label_smoothing=0.2)
    assert smoothed == masked_cross_entropy(logits, targets, mask, label_smoothing=0.2)
    assert smoothed != loss


def test_counted_padding_is_a_target_like_any_other(case, batch):
    logits, targets, mask = case
    batch.target_out = targets.masked_fill(~mask, 0)
    loss = translation_loss(lambda *inputs: logits, batch, ignore_padding=False)
    expected = F.cross_entropy(logits.flatten(0, 1), batch.target_out.flatten())
    torch.testing.assert_close(loss, expected)
    sure_of_padding = torch.where(mask[..., None], logits, 30 * torch.eye(V)[0].double())
    flattered = translation_loss(lambda *inputs: sure_of_padding, batch, ignore_padding=False)
    honest = translation_loss(lambda *inputs: sure_of_padding, batch)
    torch.testing.assert_close(flattered, honest * mask.sum() / mask.numel())


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
    with pytest.raises(ValueError, match=r"label_smoothing must be in 0 ... 1, got -0.1"):
        masked_cross_entropy(logits, targets, mask, label_smoothing=-0.1)
    with pytest.raises(ValueError, match=r"label_smoothing must be in 0 ... 1, got 1.5"):
        masked_cross_entropy(logits, targets, mask, label_smoothing=1.5)
