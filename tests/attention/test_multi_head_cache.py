"""Attention that goes on from a cache: the same as over the whole text at once."""

import pytest
import torch
from torch import nn

from txlib.attention import (
    KVCache,
    MultiHeadAttention,
    causal_mask,
    silence_heads,
    sliding_window_mask,
)
from txlib.capture import capture_weights
from txlib.positions import ALiBi, BucketedBias, RelativeKeys, RotaryEmbedding

B, T, C, H, D = 3, 11, 10, 6, 4
KINDS = {
    "none": dict,
    "rotary, normalised": lambda: {"rotary": RotaryEmbedding(D), "qk_norm": True},
    "alibi": lambda: {"score_bias": ALiBi(H)},
    "relative keys": lambda: {"score_bias": RelativeKeys(D, 3)},
    "buckets": lambda: {
        "score_bias": BucketedBias(H, num_buckets=4, max_distance=6, bidirectional=False)
    },
}
kinds = pytest.mark.parametrize("kind", KINDS)
windows = pytest.mark.parametrize("window", [None, 1, 4])


def make(kind="none", num_kv_heads=3, **options):
    options = {"num_kv_heads": num_kv_heads, "head_dim": D} | KINDS[kind]() | options
    module = MultiHeadAttention(C, H, **options).double()
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module.requires_grad_(False)


def cache_for(module, window=None, batch=B):
    sizes = (batch, module.num_kv_heads, module.head_dim)
    return KVCache(*sizes, max_len=20, window=window, dtype=torch.float64)


def whole(module, x, window=None):
    length = x.shape[1]
    mask = causal_mask(length) & sliding_window_mask(length, length, window or length)
    return module(x, mask=mask)


def test_two_tokens_by_hand():
    """Scores 0 and ln 3 once divided by the root of 1: weights 1/4 and 3/4."""
    module = MultiHeadAttention(1, 1).double().requires_grad_(False)
    for projection in (module.q_proj, module.k_proj, module.v_proj, module.out_proj):
        projection.weight.fill_(1.0)
    kept = KVCache(1, 1, 1, max_len=2, dtype=torch.float64)
    x = torch.tensor([[[0.0], [3.0**0.5]]], dtype=torch.float64).log1p()
    assert module(x[:, :1], is_causal=True, cache=kept).item() == 0.0
    score = x[0, 1, 0] ** 2
    expected = x[0, 1, 0] * score.exp() / (score.exp() + 1)
    found = module(x[:, 1:], is_causal=True, cache=kept)
    torch.testing.assert_close(found[0, 0, 0], expected)


@kinds
@windows
@pytest.mark.parametrize("num_kv_heads", [6, 3, 1])
def test_pieces_equal_the_whole(kind, window, num_kv_heads):
    module, x = make(kind, num_kv_heads), torch.randn(B, T, C).double()
    expected = whole(module, x, window)
    for sizes in ([1] * T, [T], [5, 1, 1, 3, 1]):
        kept = cache_for(module, window)
        pieces = [module(piece, is_causal=True, cache=kept) for piece in x.split(sizes, dim=1)]
        torch.testing.assert_close(torch.cat(pieces, dim=1), expected, rtol=0, atol=1e-10)


@kinds
@windows
def test_rows_of_unequal_lengths_equal_each_row_alone(kind, window):
    module, lengths = make(kind), [6, 1, 3]
    kept, prompt = cache_for(module, window), torch.randn(B, 6, C).double()
    module(prompt, is_causal=True, cache=kept, counts=torch.tensor(lengths))
    rows = [prompt[row : row + 1, :length] for row, length in enumerate(lengths)]
    for size in (1, 3, 1, 1, 2):
        piece = torch.randn(B, size, C).double()
        found = module(piece, is_causal=True, cache=kept)
        for row in range(B):
            rows[row] = torch.cat((rows[row], piece[row : row + 1]), dim=1)
            expected = whole(module, rows[row], window)[0, -size:]
            torch.testing.assert_close(found[row], expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("counted", [False, True])
@kinds
def test_weights_are_captured_and_change_nothing(kind, counted):
    module, x = make(kind), torch.randn(B, 6, C).double()
    outputs = []
    for listen in (False, True):
        kept = cache_for(module)
        counts = torch.tensor([3, 5, 1]) if counted else None
        module(x[:, :5], is_causal=True, cache=kept, counts=counts)
        if listen:
            with capture_weights(module) as weights:
                outputs.append(module(x[:, 5:], is_causal=True, cache=kept))
        else:
            outputs.append(module(x[:, 5:], is_causal=True, cache=kept))
    torch.testing.assert_close(*outputs, rtol=0, atol=1e-10)
    (call,) = weights[""]
    assert call.shape == (B, H, 1, 6)
    assert call[0, :, 0, 4:].eq(0).all() == counted


def test_silent_heads_are_silent_behind_a_cache():
    module, x = make(), torch.randn(B, T, C).double()
    with silence_heads(module, [1, 4]):
        expected = module(x, is_causal=True)
        kept = cache_for(module)
        module(x[:, :-1], is_causal=True, cache=kept)
        found = module(x[:, -1:], is_causal=True, cache=kept)
    torch.testing.assert_close(found[:, 0], expected[:, -1], rtol=0, atol=1e-10)
    assert not torch.allclose(found[:, 0], module(x, is_causal=True)[:, -1])


def test_gradients_with_a_cache_equal_those_without():
    module, x = make("rotary, normalised").requires_grad_(), torch.randn(B, T, C).double()
    x.requires_grad_()
    leaves, weights = [x, *module.parameters()], torch.randn(B, T, C).double()
    expected = torch.autograd.grad((module(x, is_causal=True) * weights).sum(), leaves)
    kept = cache_for(module)
    pieces = [module(piece, is_causal=True, cache=kept) for piece in x.split([4, 1, 6], dim=1)]
    found = torch.autograd.grad((torch.cat(pieces, dim=1) * weights).sum(), leaves)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_errs_at_most_twice_as_much_as_without(dtype):
    module, x = make("alibi"), torch.randn(B, T, C).double()
    exact = whole(module, x)
    module, x = module.to(dtype), x.to(dtype)
    kept = KVCache(B, 3, D, max_len=T, dtype=dtype)
    found = torch.cat([module(p, is_causal=True, cache=kept) for p in x.split(2, dim=1)], dim=1)
    errors = [(out.double() - exact).norm() for out in (found, module(x, is_causal=True))]
    assert found.dtype == dtype
    assert errors[0] <= 2 * errors[1]


def test_refused():
    module, x = make(), torch.randn(B, 2, C).double()
    rule = "with a cache memory and mask must be None and is_causal True"
    with pytest.raises(ValueError, match=f"{rule}, got None, None and False"):
        module(x, cache=cache_for(module))
    with pytest.raises(ValueError, match=rf"{rule}, got .* \(3, 2, 10\) on cpu, None and True"):
        module(x, x, is_causal=True, cache=cache_for(module))
    with pytest.raises(ValueError, match=rf"{rule}, got None, bool \(2, 2\) on cpu and True"):
        module(x, mask=torch.ones(2, 2).bool(), is_causal=True, cache=cache_for(module))
    with pytest.raises(ValueError, match=r"\(2, 3, T, 4\), got \(3, 3, 2, 4\)"):
        module(x, is_causal=True, cache=cache_for(module, batch=2))
