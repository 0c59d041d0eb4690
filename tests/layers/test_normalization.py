import copy
import math
import warnings

import pytest
import torch
from torch import nn

from txlib.layers import LayerNorm, RMSNorm, layer_norm, rms_norm

B, T, C = 2, 5, 7  # all different: a swapped axis cannot pass
NORMS = [LayerNorm, RMSNorm]
norms = pytest.mark.parametrize("norm", NORMS)
low = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])


def make(norm, *sizes, dtype=torch.float64, **options):
    """A norm whose parameters are not those of a fresh one."""
    module = norm(*(sizes or (C,)), **options)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
    return module.to(dtype)


def readable(module, x):
    if isinstance(module, RMSNorm):
        return rms_norm(x, module.weight, eps=module.eps)
    return layer_norm(x, module.weight, module.bias, eps=module.eps)


def as_written(module, x):
    """The papers' formulas, in whatever precision they are given."""
    if isinstance(module, LayerNorm):
        x = x - x.mean(dim=-1, keepdim=True)
    x = x / (x.square().mean(dim=-1, keepdim=True) + module.eps).sqrt() * module.weight
    return x + module.bias if isinstance(module, LayerNorm) else x


def test_layer_norm_by_hand():
    x = torch.tensor([1.0, 3.0, 5.0, 7.0])  # mean 4, variance (9 + 1 + 1 + 9) / 4 = 5
    expected = torch.tensor([-3.0, -1.0, 1.0, 3.0]) / 3  # the root of 5 + 4
    torch.testing.assert_close(layer_norm(x, eps=4.0), expected)
    weight, bias = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([5.0, 0.0, 0.0, 1.0])
    torch.testing.assert_close(
        layer_norm(x, weight, bias, eps=4.0), torch.tensor([4.0, -2 / 3, 1.0, 5.0])
    )


def test_rms_norm_by_hand():
    x = torch.tensor([1.0, -1.0, 5.0, 3.0])  # mean square 36 / 4 = 9
    expected = torch.tensor([1.0, -1.0, 5.0, 3.0]) / 5  # the root of 9 + 16
    torch.testing.assert_close(rms_norm(x, eps=16.0), expected)
    weight = torch.tensor([5.0, 10.0, 1.0, 0.0])
    torch.testing.assert_close(rms_norm(x, weight, eps=16.0), torch.tensor([1.0, -2.0, 1.0, 0.0]))


@pytest.mark.parametrize("eps", [1e-5, 0.3])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("run", [None, readable])
def test_layer_norm_equals_torch_in_values_and_gradients(run, bias, eps, collect):
    ours = make(LayerNorm, eps=eps, bias=bias)
    theirs = nn.LayerNorm(C, eps=eps, bias=bias).double()
    theirs.load_state_dict(ours.state_dict())
    compare(ours, theirs, run, collect)


@pytest.mark.parametrize("eps", [1e-6, 0.3])
@pytest.mark.parametrize("run", [None, readable])
def test_rms_norm_equals_torch_in_values_and_gradients(run, eps, collect):
    ours, theirs = make(RMSNorm, eps=eps), nn.RMSNorm(C, eps=eps).double()
    theirs.load_state_dict(ours.state_dict())
    compare(ours, theirs, run, collect)


def compare(ours, theirs, run, collect):
    x = torch.randn(B, T, C).double() * 3 + 1
    call = ours if run is None else lambda x: run(ours, x)
    mine = collect(call, x, parameters=list(ours.parameters()))
    reference = collect(theirs, x, parameters=list(theirs.parameters()))
    for a, b in zip(mine, reference, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_fresh_norms_are_torchs():
    for ours, theirs in ((LayerNorm(C), nn.LayerNorm(C)), (RMSNorm(C), nn.RMSNorm(C, eps=1e-6))):
        mine, reference = ours.state_dict(), theirs.state_dict()
        assert list(mine) == list(reference)
        assert all(torch.equal(mine[name], reference[name]) for name in mine)
        assert ours.eps == theirs.eps


@norms
def test_gradcheck(norm):
    x = torch.randn(B, T, C).double().requires_grad_()
    module = make(norm)
    assert torch.autograd.gradcheck(module, x, fast_mode=True)
    assert torch.autograd.gradcheck(lambda x: readable(module, x), x, fast_mode=True)


@norms
def test_a_token_is_normalised_by_itself(norm):
    """Other positions and other sentences have no say, as they have in batch normalisation."""
    module, x = make(norm), torch.randn(B, T, C).double()
    other = torch.randn(B, T, C).double() * 9
    other[1, 2] = x[1, 2]
    torch.testing.assert_close(module(other)[1, 2], module(x)[1, 2], rtol=0, atol=0)
    assert not module(other)[0, 0].allclose(module(x)[0, 0])


def test_what_each_norm_does_not_see():
    x = torch.randn(B, T, C).double()
    layer, rms = (make(norm, eps=1e-12) for norm in NORMS)
    torch.testing.assert_close(layer(5 * x + 3), layer(x))
    torch.testing.assert_close(rms(5 * x), rms(x))
    assert not rms(x + 3).allclose(rms(x))


def test_moments():
    x = torch.randn(B, T, C).double() * 4 + 2
    normed = layer_norm(x, eps=1e-12)
    torch.testing.assert_close(normed.mean(-1), torch.zeros(B, T).double())
    torch.testing.assert_close(normed.square().mean(-1), torch.ones(B, T).double())
    torch.testing.assert_close(rms_norm(x, eps=1e-12).square().mean(-1), torch.ones(B, T).double())


@norms
@low
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(norm, dtype, collect):
    module = make(norm, 96, dtype=dtype)
    x = (torch.randn(B, 33, 96) * 4 + 8).to(dtype)
    exact_module = copy.deepcopy(module).double()

    def run(module, call, x):
        return collect(lambda x: call(module, x), x, parameters=list(module.parameters()))

    exact = run(exact_module, as_written, x.double())
    plain = run(module, as_written, x)
    fused = run(module, lambda module, x: module(x), x)
    mine = run(module, readable, x)
    if norm is LayerNorm:  # PyTorch's CPU kernel sums these two over the tokens in low precision
        theirs = nn.LayerNorm(96).to(dtype)
        theirs.load_state_dict(module.state_dict())
        kernel = run(theirs, lambda module, x: module(x), x)
        assert all(torch.equal(a, b) for a, b in zip(fused[-2:], kernel[-2:], strict=True))
        fused[-2:] = mine[-2:]
    for out in (fused, mine):
        for e, a, b in zip(exact, out, plain, strict=True):
            assert a.dtype == dtype
            assert (a - e).abs().max() <= 2 * (b - e).abs().max()


@norms
def test_statistics_are_not_taken_in_float16(norm):
    x = torch.tensor([[3000.0, -3000.0, 1000.0, -1000.0]]).half()  # squares leave float16 at 256
    expected = x.double() / math.sqrt(5e6)
    for out in (norm(4).half()(x), readable(norm(4).half(), x)):
        torch.testing.assert_close(out.double(), expected, rtol=1e-3, atol=0)


@norms
@low
def test_the_input_decides_the_dtype(norm, dtype):
    x = torch.randn(B, T, C).to(dtype)
    module = make(norm, dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = module(x)
    assert out.dtype == dtype
    torch.testing.assert_close(out, module(x.float()).to(dtype))
    assert readable(module, x).dtype == dtype


@norms
@pytest.mark.parametrize("run", [lambda module, x: module(x), readable])
def test_equal_features_give_the_bias_and_finite_gradients(norm, run):
    x = torch.zeros(B, T, C).requires_grad_()
    module = make(norm, dtype=torch.float32)
    out = run(module, x)
    out.sum().backward()
    bias = module.bias if norm is LayerNorm else torch.zeros(C)
    torch.testing.assert_close(out, bias.expand_as(out), rtol=0, atol=0)
    assert x.grad.isfinite().all()


@norms
def test_any_number_of_leading_dimensions(norm):
    module, x = make(norm), torch.randn(3, B, T, C).double()
    torch.testing.assert_close(module(x)[2, 1, 4], module(x[2, 1, 4]))
    assert module(x[:, :, :0]).shape == (3, B, 0, C)


def test_they_introduce_themselves():
    assert str(LayerNorm(C, bias=False)) == "LayerNorm(7, eps=1e-05, bias=False)"
    assert str(RMSNorm(C)) == "RMSNorm(7, eps=1e-06)"


@norms
def test_bad_arguments(norm):
    with pytest.raises(ValueError, match="d_model must be at least 1, got 0"):
        norm(0)
    with pytest.raises(ValueError, match=r"eps must be above 0, got 0\.0"):
        norm(C, eps=0.0)
    with pytest.raises(ValueError, match="eps must be above 0, got nan"):
        norm(C, eps=math.nan)
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 7\), got \(2, 7, 5\)"):
        norm(C)(torch.zeros(B, C, T))
    with pytest.raises(ValueError, match=r"x must have shape \(\.\.\., 7\), got \(\)"):
        norm(C)(torch.tensor(1.0))
