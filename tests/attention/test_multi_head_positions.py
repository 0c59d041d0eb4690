"""Whatever tells the heads of positions: small fakes first, then `txlib.positions` itself."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from txlib.attention import MultiHeadAttention, causal_mask
from txlib.capture import capture_weights
from txlib.positions import ALiBi, BucketedBias, RelativeKeys, RotaryEmbedding

B, T, C, H, H_KV, D = 2, 7, 10, 6, 3, 4  # all different: a swapped axis cannot pass


class Stretch(nn.Module):
    """Multiplies the vector at position p by (p + 1)."""

    def forward(self, x: Tensor, offset: int = 0) -> Tensor:
        positions = torch.arange(offset, offset + x.shape[-2]) + 1
        return x * positions[:, None]


class ByDistance(nn.Module):
    """Adds to each score the query's first feature times the signed distance to the key."""

    def forward(self, query: Tensor, num_keys: int) -> Tensor:
        at = torch.arange(query.shape[-2])[:, None] + num_keys - query.shape[-2]
        return query[..., :1] * (torch.arange(num_keys) - at)


POSITIONS = {
    "none": dict,
    "stretch": lambda: {"rotary": Stretch()},
    "by distance": lambda: {"score_bias": ByDistance()},
    "rotary": lambda: {"rotary": RotaryEmbedding(D)},
    "rotary, normalised": lambda: {"rotary": RotaryEmbedding(D), "qk_norm": True},
    "alibi": lambda: {"score_bias": ALiBi(H)},
    "relative keys": lambda: {"score_bias": randomized(RelativeKeys(D, 3))},
    "buckets": lambda: {
        "score_bias": randomized(
            BucketedBias(H, num_buckets=4, max_distance=6, bidirectional=False)
        )
    },
    "both": lambda: {"rotary": RotaryEmbedding(D), "score_bias": ALiBi(H)},
}
positions = pytest.mark.parametrize("kind", POSITIONS)
told = pytest.mark.parametrize("kind", [kind for kind in POSITIONS if kind != "none"])


def randomized(module):
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module


def make(kind, **options):
    options = {"num_kv_heads": H_KV, "head_dim": D} | POSITIONS[kind]() | options
    module = MultiHeadAttention(C, H, **options).double()
    for norm in (module.q_norm, module.k_norm):
        if norm is not None:
            nn.init.normal_(norm.weight)
    return module


def sentence(length=T):
    return torch.randn(B, length, C).double()


def in_pieces(module, x, sizes):
    """What a cache does: each piece projected once, its keys put behind the earlier ones."""
    keys = values = torch.zeros(B, module.num_kv_heads, 0, D).double()
    outputs, start = [], 0
    for size in sizes:
        piece = x[:, start : start + size]
        new_keys, new_values = module.project(piece, offset=start)
        keys, values = torch.cat((keys, new_keys), dim=2), torch.cat((values, new_values), dim=2)
        outputs.append(module.attend(piece, keys, values, is_causal=True))
        start += size
    return torch.cat(outputs, dim=1)


@pytest.mark.parametrize("is_causal", [False, True])
@positions
def test_equals_the_formula_in_values_and_gradients(listen, kind, is_causal, collect):
    module, x = listen(make(kind)), sentence()
    allowed = causal_mask(T) if is_causal else torch.ones(T, T).bool()

    def formula(x):
        split = lambda y: y.unflatten(-1, (-1, D)).transpose(1, 2)  # noqa: E731
        query, keys, values = (split(p(x)) for p in (module.q_proj, module.k_proj, module.v_proj))
        if module.q_norm is not None:
            size = lambda y: (y.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()  # noqa: E731
            query = query / size(query) * module.q_norm.weight
            keys = keys / size(keys) * module.k_norm.weight
        bias = 0.0 if module.score_bias is None else module.score_bias(query, T)
        if module.rotary is not None:
            query, keys = module.rotary(query), module.rotary(keys)
        keys, values = (y.repeat_interleave(H // H_KV, dim=1) for y in (keys, values))
        scores = query @ keys.mT / math.sqrt(D) + bias
        weights = scores.masked_fill(~allowed, -torch.inf).softmax(dim=-1)
        return module.out_proj((weights @ values).transpose(1, 2).flatten(2))

    parameters = list(module.parameters())
    mine = collect(partial(module, is_causal=is_causal), x, parameters=parameters)
    for a, b in zip(mine, collect(formula, x, parameters=parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@positions
@pytest.mark.parametrize("sizes", [[1] * T, [3, 1, 1, 2], [T - 1, 1], [2, 5]], ids=str)
def test_projected_and_attended_in_pieces_equals_one_causal_pass(listen, kind, sizes):
    module, x = listen(make(kind)), sentence()
    whole = module(x, is_causal=True)
    torch.testing.assert_close(in_pieces(module, x, sizes), whole, rtol=0, atol=1e-10)


@told
def test_order_is_known(listen, kind):
    module, x = listen(make(kind)), sentence()
    order = torch.tensor([1, 0, *range(2, T)])  # all reversed, ALiBi would not notice
    assert (module(x[:, order]) - module(x)[:, order]).abs().max() > 1e-3


@positions
def test_nobody_sees_the_future(listen, kind):
    module, x = listen(make(kind)), sentence()
    other = x.clone()
    other[:, 4] += 1.0
    before, after = module(x, is_causal=True), module(other, is_causal=True)
    torch.testing.assert_close(after[:, :4], before[:, :4], rtol=0, atol=1e-12)
    assert (after - before)[:, 4:].abs().amax(dim=(0, 2)).gt(1e-6).all()


@pytest.mark.parametrize("kind", ["rotary", "alibi", "relative keys", "buckets", "both"])
def test_only_distances_count(listen, kind):
    module, x = listen(make(kind)), sentence()
    if module.rotary is not None:
        keys, _ = module.project(x, offset=0)
        later, _ = module.project(x, offset=5)
        assert (later - keys).abs().max() > 1e-3
    rest = sentence(5)
    mask = torch.ones(5 + T, 5 + T).bool().tril()
    mask[5:, :5] = False  # what stands before is not seen: only the positions move
    moved = module(torch.cat((rest, x), dim=1), mask=mask)[:, 5:]
    torch.testing.assert_close(moved, module(x, is_causal=True), rtol=0, atol=1e-10)


@told
def test_listening_changes_nothing(kind, collect):
    module, x = make(kind), sentence()
    mask = torch.rand(B, T, T) > 0.3
    run, parameters = partial(module, mask=mask, is_causal=True), list(module.parameters())
    fused = collect(run, x, parameters=parameters)
    with capture_weights(module) as weights:
        readable = collect(run, x, parameters=parameters)
    for a, b in zip(fused, readable, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    assert weights[""][0].shape == (B, H, T, T)


@told
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_keep_their_dtype(listen, kind, dtype):
    module, x = listen(make(kind)), sentence()
    mask = torch.ones(T, T).bool()
    mask[2] = False
    exact = module(x, mask=mask)
    low = module.to(dtype)(x.to(dtype), mask=mask)
    assert low.dtype == dtype
    assert low[:, 2].eq(0).all()
    module.float()
    with torch.autocast("cpu", dtype):
        cast = module(x.float(), mask=mask)
    assert cast.dtype == dtype
    for out in (low, cast):
        out.float().sum().backward()
        assert (out - exact).abs().max() < 0.1 * exact.abs().max()
    assert all(p.grad.isfinite().all() for p in module.parameters())


def test_normalised_queries_and_keys_know_no_length(listen):
    module, x = listen(make("none", qk_norm=True)), sentence()
    with capture_weights(module) as weights:
        module(x)
        with torch.no_grad():
            module.q_proj.weight *= 100
            module.k_proj.weight *= 0.5
        module(x)
    torch.testing.assert_close(*weights[""], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "name"), [("rotary", "rotary"), ("alibi", "score_bias"), ("both", "score_bias")]
)
def test_positions_of_two_sentences_are_not_compared(listen, kind, name):
    module, x = listen(make(kind)), sentence()
    with pytest.raises(ValueError, match=rf"two sentences .* with {name}, got \(2, 3, 10\)"):
        module(x, sentence(3))
    assert torch.equal(module(x, x), module(x))


def test_no_query_stands_before_the_first_key(listen):
    module, x = listen(make("rotary")), sentence()
    keys, values = module.project(x[:, 3:], offset=3)
    with pytest.raises(ValueError, match="at most as many positions as keys, got 7 and 4"):
        module.attend(x, keys, values)
