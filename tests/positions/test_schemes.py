import dataclasses
import math

import pytest
import torch
from torch import nn

from txlib.positions.alibi import ALiBi
from txlib.positions.bucketed import BucketedBias
from txlib.positions.learned import LearnedEncoding
from txlib.positions.relative import RelativeKeys
from txlib.positions.rotary import RotaryEmbedding
from txlib.positions.schemes import SCHEMES, PositionScheme, position_scheme
from txlib.positions.sinusoidal import SinusoidalEncoding

B, H, T, D, C, LIMIT = 2, 3, 7, 4, 10, 11  # all different: a swapped axis cannot pass
SIZES = {"d_model": C, "head_dim": D, "num_heads": H, "max_seq_len": LIMIT}

every = pytest.mark.parametrize("name", SCHEMES)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def weights(scheme, x, q_proj, k_proj, is_causal=True):
    """One layer's attention weights (B, H, T, T), with positions where they belong."""
    T = x.shape[1]
    if scheme.encoding is not None:
        x = scheme.encoding(x)
    query, key = (proj(x).unflatten(-1, (H, D)).transpose(1, 2) for proj in (q_proj, k_proj))
    if scheme.rotary is not None:
        query, key = scheme.rotary(query), scheme.rotary(key)
    scores = query @ key.mT / math.sqrt(D)
    bias = scheme.make_score_bias()
    if bias is not None:
        for parameter in bias.parameters():
            nn.init.normal_(parameter)
        scores = scores + bias(query, T)
    if is_causal:
        scores = scores.masked_fill(torch.ones(T, T).triu(1).bool(), -torch.inf)
    return scores.softmax(dim=-1)


@pytest.mark.parametrize(
    ("name", "encoding", "rotary", "bias"),
    [
        ("none", None, None, None),
        ("sinusoidal", SinusoidalEncoding, None, None),
        ("learned", LearnedEncoding, None, None),
        ("shaw", None, None, RelativeKeys),
        ("t5", None, None, BucketedBias),
        ("alibi", None, None, ALiBi),
        ("rope", None, RotaryEmbedding, None),
        ("rope_interpolated", None, RotaryEmbedding, None),
    ],
)
def test_each_name_puts_its_module_in_its_place(name, encoding, rotary, bias):
    scheme = position_scheme(name, **SIZES)
    modules = (scheme.encoding, scheme.rotary, scheme.make_score_bias())
    for module, kind in zip(modules, (encoding, rotary, bias), strict=True):
        assert type(module) is (type(None) if kind is None else kind)


def test_the_table_above_is_complete():
    assert len(SCHEMES) == len(set(SCHEMES)) == 8


@every
def test_order_is_seen_by_all_but_none(name):
    """Without a mask, reversed words give reversed weights unless something tells positions."""
    scheme = position_scheme(name, **SIZES, is_causal=False)
    q_proj, k_proj = nn.Linear(C, H * D), nn.Linear(C, H * D)
    x = torch.randn(B, T, C)
    torch.manual_seed(1)  # for tables that are drawn
    ahead = weights(scheme, x, q_proj, k_proj, is_causal=False)
    torch.manual_seed(1)
    back = weights(scheme, x.roll(2, dims=1), q_proj, k_proj, is_causal=False)
    blind = torch.allclose(back.roll((-2, -2), dims=(-2, -1)), ahead, atol=1e-6)
    assert blind == (name == "none")


@every
def test_only_relative_schemes_see_distances_alone(name):
    """The same words two places later: the weights among them stay, or positions were absolute."""
    scheme = position_scheme(name, **SIZES)
    q_proj, k_proj = nn.Linear(C, H * D), nn.Linear(C, H * D)
    x = torch.randn(B, T, C)
    if isinstance(scheme.encoding, LearnedEncoding):
        nn.init.normal_(scheme.encoding.table.weight)
    torch.manual_seed(1)
    alone = weights(scheme, x, q_proj, k_proj)
    torch.manual_seed(1)
    longer = weights(scheme, torch.cat((x[:, :2], x), dim=1), q_proj, k_proj)[..., 2:, 2:]
    longer = longer / longer.sum(dim=-1, keepdim=True)  # as if the first two were masked
    relative = torch.allclose(longer, alone, atol=1e-5)
    assert relative == (name not in ("sinusoidal", "learned"))


def test_t5_shares_one_table_and_shaw_has_one_a_layer():
    t5, shaw = position_scheme("t5", **SIZES), position_scheme("shaw", **SIZES)
    assert t5.make_score_bias() is t5.make_score_bias()
    assert t5.make_score_bias() is not position_scheme("t5", **SIZES).make_score_bias()
    first, second = shaw.make_score_bias(), shaw.make_score_bias()
    assert first is not second
    assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}
    layers = nn.ModuleList(t5.make_score_bias() for _ in range(5))
    assert sum(p.numel() for p in layers.parameters()) == 32 * H


@every
def test_what_has_weights(name):
    scheme = position_scheme(name, **SIZES)
    modules = nn.ModuleList(
        m for m in (scheme.encoding, scheme.rotary, scheme.make_score_bias()) if m is not None
    )
    expected = {"learned": LIMIT * C, "shaw": 33 * D, "t5": 32 * H}
    assert sum(p.numel() for p in modules.parameters()) == expected.get(name, 0)


def test_arguments_reach_their_modules():
    shaw = position_scheme("shaw", **SIZES, max_distance=5).make_score_bias()
    assert [p.shape for p in shaw.parameters()] == [(11, D)]
    t5 = position_scheme("t5", **SIZES, num_buckets=16, max_distance=20).make_score_bias()
    assert sorted(next(t5.parameters()).shape) == [H, 16]
    x = torch.randn(B, T, C)
    sinusoidal = position_scheme("sinusoidal", **SIZES, base=50.0).encoding
    torch.testing.assert_close(sinusoidal(x), SinusoidalEncoding(C, base=50.0)(x))
    assert position_scheme("learned", **SIZES).encoding(x[:, :1], LIMIT - 1).shape == (B, 1, C)
    rope = position_scheme("rope", **SIZES, base=50.0, interpolation=2.0).rotary
    assert (rope.head_dim, rope.base, rope.interpolation) == (D, 50.0, 1.0)
    stretched = position_scheme("rope_interpolated", **SIZES, interpolation=2.0).rotary
    assert (stretched.head_dim, stretched.base, stretched.interpolation) == (D, 10_000.0, 2.0)
    assert position_scheme("rope_interpolated", **SIZES).rotary.interpolation == 4.0


def test_t5_tells_the_future_apart_only_if_it_is_seen():
    query = torch.zeros(B, H, T, D)
    for is_causal in (True, False):
        bias = position_scheme("t5", **SIZES, is_causal=is_causal).make_score_bias()
        for parameter in bias.parameters():
            nn.init.normal_(parameter)
        ahead = bias(query, T).expand(B, H, T, T)[..., 0, 1:]  # keys after the first query
        assert (ahead.std(dim=-1) < 1e-6).all() == is_causal


def test_t5_takes_its_papers_distance_unless_told():
    """128: keys further away than that share the last bucket, nearer ones do not."""
    bias = position_scheme("t5", **SIZES).make_score_bias()
    for parameter in bias.parameters():
        nn.init.normal_(parameter)
    row = bias(torch.zeros(1, H, 1, D), 300).expand(1, H, 1, 300)[0, :, 0].flip(-1)  # by distance
    assert (row[:, 128:] == row[:, 128:129]).all()
    assert (row[:, 100] != row[:, 128]).all()


def test_a_scheme_is_frozen_and_empty_by_default():
    scheme = PositionScheme()
    assert (scheme.encoding, scheme.rotary, scheme.make_score_bias()) == (None, None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        scheme.rotary = RotaryEmbedding(D)


def test_refuses_an_unknown_name():
    with pytest.raises(ValueError, match=r"name must be one of \('none', .*\), got 'rotary'"):
        position_scheme("rotary", **SIZES)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("rope", {"head_dim": 5}, "head_dim must be even and at least 2, got 5"),
        ("rope_interpolated", {"interpolation": 0.5}, "interpolation must be .*, got 0.5"),
        ("alibi", {"num_heads": 0}, "num_heads must be at least 1, got 0"),
        ("learned", {"max_seq_len": 0}, "max_seq_len must be .*, got 0"),
        ("sinusoidal", {"d_model": 0}, "d_model must be .*, got 0"),
        ("shaw", {"max_distance": -1}, "max_distance must be .*, got -1"),
        ("t5", {"num_buckets": 0}, "num_buckets must be .*, got 0"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_module(name, wrong, message):
    with pytest.raises(ValueError, match=message):
        position_scheme(name, **SIZES | wrong).make_score_bias()
