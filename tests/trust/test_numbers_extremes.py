"""Half precision at its ends: scores of ten thousand, one key or 4096, far positions."""

import math

import pytest
import torch

from txlib import attention, layers, positions

AREA = "numbers: extremes of half precision"
LOW = [torch.float16, torch.bfloat16]
D = 16
FORMS = {
    "readable": attention.scaled_dot_product_attention,
    "fused": attention.fused_attention,
    "tiled": attention.tiled_attention,
    "standard": attention.standard_attention,
}


def plain(query, key, value, is_causal):
    """The formula, in whatever precision it is given."""
    scores = (query / math.sqrt(query.shape[-1])) @ key.mT
    if is_causal:
        shape = scores.shape[-2:]
        seen = torch.ones(shape, dtype=torch.bool).tril(shape[1] - shape[0])
        scores = scores.masked_fill(~seen, -torch.inf)
    return scores.softmax(dim=-1) @ value


def far(x):
    """Scores of this size come of it: about 1e4 from queries and keys of 100."""
    return x * 100


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("T_k", [1, 4096])
@pytest.mark.parametrize("form", FORMS)
def test_scores_of_ten_thousand(form, T_k, dtype, tally, effort):
    for seed in range(effort(1, 5)):
        torch.manual_seed(seed)
        T_q = min(T_k, 33)
        query, key = far(torch.randn(1, 2, T_q, D)), far(torch.randn(1, 2, T_k, D))
        leaves = [x.to(dtype) for x in (query, key, torch.randn(1, 2, T_k, D))]
        exact = [x.double() for x in leaves]
        assert ((exact[0] / 4) @ exact[1].mT).abs().max() > (5e3 if T_k > 1 else 100)
        leaves = [x.requires_grad_() for x in leaves]
        for is_causal in (False, True):
            mine = FORMS[form](*leaves, is_causal=is_causal)
            right = plain(*exact, is_causal)
            allowed = 2 * (plain(*leaves, is_causal) - right).abs().max()
            assert mine.isfinite().all()
            assert (mine - right).abs().max() <= allowed + torch.finfo(dtype).eps
            gradients = torch.autograd.grad(mine.float().square().sum(), leaves)
            assert all(gradient.isfinite().all() for gradient in gradients)
            tally(AREA)


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("norm", [layers.LayerNorm, layers.RMSNorm])
@pytest.mark.parametrize("features", [7, 4096])
def test_features_of_ten_thousand(norm, features, dtype, tally, effort):
    for seed in range(effort(2, 10)):
        torch.manual_seed(seed)
        module = norm(features).to(dtype)
        x = (torch.randn(3, features) * 1e4).to(dtype).requires_grad_()
        mine, right = module(x), norm(features).double()(x.double())
        assert (mine - right).abs().max() <= 4 * torch.finfo(dtype).eps * right.abs().max() + 1e-3
        mine.float().square().sum().backward()
        assert x.grad.isfinite().all()
        assert module.weight.grad.isfinite().all()
        tally(AREA)


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("T", [1, 4096])
def test_positions_of_long_texts(T, dtype, tally, effort):
    """Rounded once, at the end: what a position says is right to the last bit but one."""
    T = min(T, effort(512, 2048))
    torch.manual_seed(0)
    x = torch.randn(1, 2, T, D).to(dtype)
    schemes = {
        "rotary": (positions.RotaryEmbedding(D), {"offset": 1000}),
        "alibi": (positions.ALiBi(2), {"num_keys": T}),
        "bucketed": (positions.BucketedBias(2, bidirectional=True), {"num_keys": T}),
        "relative": (positions.RelativeKeys(D, 8), {"num_keys": T}),
    }
    for module, options in schemes.values():
        module = module.double()
        mine, right = module(x, **options), module(x.double(), **options)
        assert mine.dtype == dtype
        assert mine.isfinite().all()
        bound = 4 * torch.finfo(dtype).eps * right.abs().max().clamp(min=1)
        assert (mine - right).abs().max() <= bound
        tally(AREA)
    stream = x[0]
    mine = positions.SinusoidalEncoding(D)(stream, offset=10**6)
    right = positions.SinusoidalEncoding(D)(stream.double(), offset=10**6)
    assert (mine - right).abs().max() <= 4 * torch.finfo(dtype).eps * right.abs().max()
    tally(AREA)


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("T", [1, 4096])
@pytest.mark.parametrize("form", ["multi", "single", "additive"])
def test_modules(form, T, dtype, tally, effort):
    if T == 4096 and effort(0, 1) == 0 and form == "additive":
        T = 512  # it forms a vector for each pair
    torch.manual_seed(0)
    module = {
        "multi": attention.MultiHeadAttention(D, 2, num_kv_heads=1),
        "single": attention.SingleHeadAttention(D, D, 8, value_size=8),
        "additive": attention.AdditiveAttention(D, D, 8),
    }[form].to(dtype)
    query, memory = far(torch.randn(1, min(T, 5), D)).to(dtype), far(torch.randn(1, T, D)).to(dtype)
    mask = torch.zeros(1, 1, T, dtype=torch.bool)
    assert module(query, memory, mask).eq(0).all()  # nothing may be attended to
    out = module(query, memory)
    assert out.isfinite().all()
    out.float().square().mean().backward()
    assert all(p.grad.isfinite().all() for p in module.parameters())
    tally(AREA, 2)
