import math
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from txlib.data.batching import make_batch
from txlib.training import gradients, translation_loss
from txlib.training.gradients import new_scaler, take_gradients

CPU = torch.device("cpu")
take = partial(take_gradients, max_gradient_norm=math.inf, device=CPU)


def numbers(*pairs):
    """Batches of one number each, with so many tokens."""
    batches = [SimpleNamespace(value=value, num_target_tokens=n) for value, n in pairs]
    for batch in batches:
        batch.to = lambda device, batch=batch: batch
    return batches


def slope(model, batch):
    return (model.weight * batch.value).sum()  # the gradient is the batch's number


@pytest.fixture
def line():
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    return model


@pytest.fixture
def float16(monkeypatch):
    monkeypatch.setattr(gradients, "pick_dtype", lambda device: torch.float16)


def adam(model):
    return torch.optim.Adam(model.parameters(), fused=True)


def test_by_hand(line):
    optimizer = adam(line)
    line.weight.grad = torch.full_like(line.weight, 50.0)  # of a former step
    batches = numbers((2.0, 3), (6.0, 1))
    value, norm, tokens = take(line, batches, optimizer, slope, new_scaler(CPU))
    # each batch by its tokens: (3 * 2 + 1 * 6) / 4
    assert (value, norm, tokens) == (3.0, 3.0, 4)
    assert line.weight.grad.item() == 3.0
    _, norm, _ = take(line, batches, optimizer, slope, new_scaler(CPU), max_gradient_norm=1.5)
    assert norm == 3.0
    assert line.weight.grad.item() == pytest.approx(1.5)


def test_agrees_with_one_batch_of_all(make_model):
    split, whole = make_model(dropout=0.0), make_model(dropout=0.0)
    pairs = [([4 + i % 7] * (1 + i % 3), [4 + i % 9] * (1 + i)) for i in range(7)]
    parts = [make_batch(pairs[:3]), make_batch(pairs[3:5]), make_batch(pairs[5:])]
    all_pairs = make_batch(pairs)
    value, norm, tokens = take(split, parts, adam(split), translation_loss, new_scaler(CPU))
    expected = translation_loss(whole, all_pairs)
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-6)
    assert tokens == all_pairs.num_target_tokens
    norms = [p.grad.norm() for p in whole.parameters()]
    assert norm == pytest.approx(torch.stack(norms).norm().item(), rel=1e-5)
    for ours, theirs in zip(split.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-7)


def test_batches_without_a_token_are_no_share(line):
    scaler = new_scaler(CPU)
    empty = numbers((5.0, 0))
    assert take(line, empty, adam(line), slope, scaler) == (0.0, 0.0, 0)
    value, *_ = take(line, empty + numbers((2.0, 3)), adam(line), slope, scaler)
    assert value == 2.0


def through_float16(model, batch):
    """A loss whose gradient passes through float16 on its way, as in a low-precision model."""
    return (model.weight.half() * batch.value).float().sum() / 2**20


def test_float16_keeps_small_gradients_by_scaling(line, float16, monkeypatch):
    batch = numbers((0.01, 1))
    scaler = new_scaler(CPU)
    assert scaler.is_enabled()
    assert scaler.get_scale() == 65_536
    _, norm, _ = take(line, batch, adam(line), through_float16, scaler)
    assert norm == pytest.approx(0.01 / 2**20, rel=1e-2)
    assert line.weight.grad.item() == pytest.approx(norm)
    monkeypatch.setattr(gradients, "pick_dtype", lambda device: torch.float32)
    _, norm, _ = take(line, batch, adam(line), through_float16, new_scaler(CPU))
    assert norm == 0.0  # unscaled, it lies below the least float16 number


def overflowing(model, batch):
    return (model.weight.half() * batch.value).float().sum()


def test_a_scale_that_overflows_is_halved_until_the_update_is_whole(line, float16):
    scaler, calls = new_scaler(CPU), []

    def loss(model, batch):
        calls.append(scaler.get_scale())
        return overflowing(model, batch)

    # 65536 itself is beyond float16; 32768 * 3 as well, 16384 * 3 is not
    value, norm, tokens = take(line, numbers((3.0, 1)), adam(line), loss, scaler)
    assert calls == [65_536, 32_768, 16_384]
    assert scaler.get_scale() == 16_384
    assert (value, norm, tokens) == (3.0, 3.0, 1)
    assert line.weight.grad.item() == 3.0


def test_what_no_scale_helps_is_given_back(line, float16):
    def loss(model, batch):
        return overflowing(model, batch) * math.nan

    value, norm, _ = take(line, numbers((1.0, 1)), adam(line), loss, new_scaler(CPU))
    assert math.isnan(value)
    assert not math.isfinite(norm)


def test_float16_gradients_agree_with_float32(make_model, batches, float16, monkeypatch):
    low, full = make_model(dropout=0.0), make_model(dropout=0.0)
    batch, dtypes = next(batches.stream()), set()

    def loss(model, batch):
        hook = model.out_proj.register_forward_hook(lambda m, i, out: dtypes.add(out.dtype))
        result = translation_loss(model, batch)
        hook.remove()
        return result

    value, norm, _ = take(low, [batch], adam(low), loss, new_scaler(CPU))
    assert dtypes == {torch.float16}
    monkeypatch.setattr(gradients, "pick_dtype", lambda device: torch.float32)
    expected, whole, _ = take(full, [batch], adam(full), loss, new_scaler(CPU))
    assert value == pytest.approx(expected, rel=1e-3)
    assert norm == pytest.approx(whole, rel=1e-2)
    for ours, theirs in zip(low.parameters(), full.parameters(), strict=True):
        assert ours.grad.dtype == torch.float32
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=2e-2, atol=2e-3 * whole)


def test_no_scaling_in_float32():
    scaler = new_scaler(CPU)
    assert not scaler.is_enabled()
    assert scaler.state_dict() == {}
