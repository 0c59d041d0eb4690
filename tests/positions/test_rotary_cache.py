"""What `RotaryEmbedding` keeps between calls may cost or save time, and change nothing else."""

import copy
import io
import sys

import pytest
import torch
from torch import nn

from txlib.positions.rotary import RotaryEmbedding

B, H, T, D = 2, 3, 7, 10  # all different: a swapped axis cannot pass


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def count(monkeypatch):
    """How often cosines were made, by length."""
    lengths, compute = [], RotaryEmbedding._compute

    def counted(self, start, end, *where):
        lengths.append(end - start)
        return compute(self, start, end, *where)

    monkeypatch.setattr(RotaryEmbedding, "_compute", counted)
    return lengths


def vectors(*shape, dtype=torch.float64):
    return torch.randn(*(shape or (B, H, T, D)), dtype=dtype)


def fresh(rotary, x, offset=0):
    names = ("head_dim", "base", "pairing", "interpolation", "ntk_factor")
    return RotaryEmbedding(**{name: getattr(rotary, name) for name in names})(x, offset)


def train_step(rotary, x):
    """As in training: a leaf that wants a gradient goes through the rotation."""
    x = x.detach().clone().requires_grad_()
    rotary(x, 2).square().sum().backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())  # a rotation keeps norms


def test_made_once_and_grown_by_doubling(count):
    rotary, x = RotaryEmbedding(D), vectors()
    rotary(x)
    rotary(x)
    rotary(x[:, :, :3], 2)
    assert count == [T]
    for t in range(T, 30):
        rotary(x[:, :, :1], t)
    assert count == [T, 2 * T, 4 * T, 8 * T]


def test_a_leap_past_twice_the_length_is_served():
    rotary, x = RotaryEmbedding(D), vectors()
    rotary(x)
    torch.testing.assert_close(rotary(x, 100), fresh(rotary, x, 100), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base", 500.0),
        ("interpolation", 2.0),
        ("ntk_factor", 3.0),
        ("pairing", "interleaved"),
        ("head_dim", 4),
    ],
)
def test_a_setting_changed_afterwards_counts_from_the_next_call(name, value):
    rotary, x = RotaryEmbedding(D), vectors()
    before = rotary(x)
    setattr(rotary, name, value)
    x = x[..., : rotary.head_dim]
    torch.testing.assert_close(rotary(x), fresh(rotary, x), rtol=0, atol=0)
    assert not torch.allclose(rotary(x), before[..., : rotary.head_dim])


def test_each_dtype_gets_its_own_precision():
    rotary, x = RotaryEmbedding(D), vectors()
    exact = rotary(x, 500)
    for dtype in (torch.float32, torch.bfloat16, torch.float64, torch.float16, torch.float64):
        mine = rotary(x.to(dtype), 500)
        assert mine.dtype == dtype
        torch.testing.assert_close(mine, fresh(rotary, x.to(dtype), 500), rtol=0, atol=0)
    torch.testing.assert_close(mine, exact, rtol=0, atol=0)


def test_casting_the_module_changes_nothing():
    rotary, x = RotaryEmbedding(D), vectors()
    expected = rotary(x)
    for cast in (rotary.half(), rotary.bfloat16(), rotary.double(), rotary.to(torch.float32)):
        torch.testing.assert_close(cast(x), expected, rtol=0, atol=0)


def test_devices_do_not_mix():
    rotary, x = RotaryEmbedding(D), vectors()
    expected = rotary(x)
    assert rotary(x.to("meta")).device.type == "meta"
    torch.testing.assert_close(rotary(x), expected, rtol=0, atol=0)
    rotary.to("meta")
    torch.testing.assert_close(rotary(x), expected, rtol=0, atol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_module_that_moves_to_the_gpu_and_back():
    rotary, x = RotaryEmbedding(D), vectors(dtype=torch.float32)
    expected = rotary(x, 3)
    torch.testing.assert_close(rotary.cuda()(x.cuda(), 3).cpu(), expected)
    torch.testing.assert_close(rotary.cpu()(x, 3), expected, rtol=0, atol=0)


def test_nothing_is_saved():
    rotary = RotaryEmbedding(D)
    rotary(vectors())
    assert not rotary.state_dict()
    assert not list(rotary.buffers())
    assert not list(rotary.parameters())
    model = nn.Sequential(nn.Linear(D, D), rotary)
    saved = io.BytesIO()
    torch.save(model.state_dict(), saved)
    saved.seek(0)
    state = torch.load(saved, weights_only=True)
    assert set(state) == {"0.weight", "0.bias"}
    model.load_state_dict(state)


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_filled_without_gradients_and_trained_afterwards(mode):
    rotary, x = RotaryEmbedding(D), vectors()
    with mode():
        rotary(x)
    train_step(rotary, x)
    with mode():
        rotary(x, 50)  # grows here
    train_step(rotary, x)


def test_filled_in_training_and_used_in_inference_mode():
    rotary, x = RotaryEmbedding(D), vectors()
    train_step(rotary, x)
    with torch.inference_mode():
        torch.testing.assert_close(rotary(x), fresh(rotary, x), rtol=0, atol=0)


def test_filled_inside_a_function_transform_and_used_outside():
    rotary, x = RotaryEmbedding(D), vectors()
    per_row = torch.func.vmap(torch.func.grad(lambda row: rotary(row).square().sum()))(x)
    torch.testing.assert_close(per_row, 2 * x)
    train_step(rotary, x)
    torch.testing.assert_close(rotary(x), fresh(rotary, x), rtol=0, atol=0)


def test_a_deep_copy_goes_its_own_way():
    rotary, x = RotaryEmbedding(D), vectors()
    expected = rotary(x)
    with torch.inference_mode():
        other = copy.deepcopy(rotary)
    other.base = 3.0
    other(x, 90)
    torch.testing.assert_close(rotary(x), expected, rtol=0, atol=0)
    torch.testing.assert_close(other(x), fresh(other, x), rtol=0, atol=0)
    train_step(other, x)
    train_step(copy.deepcopy(rotary), x)


def test_what_comes_out_may_be_written_into():
    rotary, x = RotaryEmbedding(2, base=1.0), torch.ones(T, 2)
    expected = rotary(x)
    rotary(x).zero_()
    torch.testing.assert_close(rotary(x), expected, rtol=0, atol=0)


@pytest.fixture
def compiled():
    """Compile as one graph without a C++ compiler; nothing left over for the next test."""
    torch.compiler.reset()
    yield lambda module: torch.compile(module, fullgraph=True, backend="aot_eager")
    torch.compiler.reset()


@pytest.mark.skipif(sys.platform == "win32", reason="torch.compile is not supported there")
@pytest.mark.parametrize("pairing", ["half", "interleaved"])
def test_compiled_equals_eager_in_values_and_gradients(pairing, compiled):
    rotary = RotaryEmbedding(D, pairing=pairing)
    fast = compiled(rotary)
    for length, offset in ((T, 0), (4, 11), (1, 15)):
        x, direction = vectors(B, H, length, D).requires_grad_(), vectors(B, H, length, D)
        mine, theirs = fast(x, offset), fresh(rotary, x, offset)
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)
        gradients = (torch.autograd.grad((y * direction).sum(), x)[0] for y in (mine, theirs))
        torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)
    assert rotary._kept is None


def test_compiled_between_inference_and_training(compiled):
    rotary, x = RotaryEmbedding(D), vectors()
    fast = compiled(rotary)
    with torch.inference_mode():
        expected = rotary(x, 2)
        torch.testing.assert_close(fast(x, 2), expected, rtol=0, atol=1e-12)
    train_step(fast, x)
    train_step(rotary, x)
    rotary.interpolation = 4.0
    torch.testing.assert_close(fast(x, 2), fresh(rotary, x, 2), rtol=0, atol=1e-12)
