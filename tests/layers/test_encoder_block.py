"""That it equals PyTorch's encoder layer stands in tests/interop/test_torch_blocks.py."""

import pytest
import torch
from torch import nn

from txlib.attention import KVCache, causal_mask, padding_mask
from txlib.capture import capture_weights
from txlib.layers import EncoderBlock
from txlib.positions import ALiBi, RotaryEmbedding

B, T, C, H, D, F = 3, 5, 8, 4, 2, 7  # all different: a swapped axis cannot pass
orders = pytest.mark.parametrize("norm_order", ["pre", "post"])
VARIANTS = {
    "2017": {"norm_order": "post", "activation": "relu"},
    "gpt": {"norm_order": "pre", "activation": "gelu_tanh"},
    "llama": {"norm": "rms", "activation": "swiglu", "bias": False, "num_kv_heads": 2},
    "normed": {"norm": "rms", "activation": "gelu", "qk_norm": True, "norm_order": "post"},
}
variants = pytest.mark.parametrize("variant", VARIANTS)


def make(dtype=torch.float64, **options):
    """A block none of whose parameters is 0 or 1, as a fresh one's are."""
    block = EncoderBlock(C, H, F, **options)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(torch.randn_like(parameter) / 4)
    return block.to(dtype)


def stream(T=T):
    return torch.randn(B, T, C).double()


@pytest.mark.parametrize(
    ("norm_order", "expected"),
    [
        # [1, 3] normed is [-1, 1]; its values twice that; [-1, 5] normed, bent and back [3, 30]
        ("pre", [-1 + 3.0, 5 + 30.0]),
        # [1, 3] and its values, twice that, are [3, 9], normed [-1, 1]; [2, 31], normed and scaled
        ("post", [-10 + 1.0, 100 + 2.0]),
    ],
)
def test_one_token_by_hand(norm_order, expected):
    block = EncoderBlock(2, 1, 1, norm_order=norm_order, bias=True).double()
    attention, feed_forward = block.attention, block.feed_forward
    with torch.no_grad():
        for proj in (attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj):
            proj.weight.copy_(torch.eye(2))
            proj.bias.zero_()
        attention.v_proj.weight.mul_(2)  # the only token gets all the weight: its own value
        feed_forward.up_proj.weight.copy_(torch.tensor([[0.0, 3.0]]))
        feed_forward.down_proj.weight.copy_(torch.tensor([[1.0], [10.0]]))
        for linear in (feed_forward.up_proj, feed_forward.down_proj):
            linear.bias.zero_()
        if norm_order == "post":
            block.feed_forward_norm.weight.copy_(torch.tensor([10.0, 100.0]))
            block.feed_forward_norm.bias.copy_(torch.tensor([1.0, 2.0]))
    out = block(torch.tensor([[[1.0, 3.0]]]).double())
    torch.testing.assert_close(out, torch.tensor([[expected]]).double(), rtol=1e-4, atol=0)


def test_equals_transformers_llama_in_values_and_gradients(collect):
    llama = pytest.importorskip("transformers.models.llama.modeling_llama")
    from transformers import LlamaConfig

    config = LlamaConfig(
        hidden_size=C,
        intermediate_size=F,
        num_attention_heads=H,
        num_key_value_heads=2,
        attn_implementation="eager",
        rms_norm_eps=1e-6,
    )
    theirs = llama.LlamaDecoderLayer(config, 0).double()
    ours = make(rotary=RotaryEmbedding(D), **VARIANTS["llama"])
    names = {
        "attention.q_proj": "self_attn.q_proj",
        "attention.k_proj": "self_attn.k_proj",
        "attention.v_proj": "self_attn.v_proj",
        "attention.out_proj": "self_attn.o_proj",
        "feed_forward.gate_proj": "mlp.gate_proj",
        "feed_forward.up_proj": "mlp.up_proj",
        "feed_forward.down_proj": "mlp.down_proj",
        "attention_norm": "input_layernorm",
        "feed_forward_norm": "post_attention_layernorm",
    }
    mine = [ours.get_parameter(f"{name}.weight") for name in names]
    reference = [theirs.get_parameter(f"{name}.weight") for name in names.values()]
    assert {id(p) for p in ours.parameters()} == {id(p) for p in mine}
    with torch.no_grad():
        for a, b in zip(mine, reference, strict=True):
            b.copy_(a)
    angles = torch.arange(T).double()[:, None].expand(T, D)[None]  # D = 2: one frequency, of 1
    hidden = torch.zeros(1, 1, T, T).double().masked_fill(~causal_mask(T), -torch.inf)

    def run(x):
        out = theirs(x, attention_mask=hidden, position_embeddings=(angles.cos(), angles.sin()))
        return out[0] if isinstance(out, tuple) else out

    x = stream()
    a = collect(lambda x: ours(x, is_causal=True), x, parameters=mine)
    b = collect(run, x, parameters=reference)
    for left, right in zip(a, b, strict=True):  # theirs takes its norms in float32, whatever comes
        torch.testing.assert_close(left, right, rtol=0, atol=1e-5)


@variants
def test_causal_blocks_do_not_see_the_future(variant):
    block, x = make(**VARIANTS[variant]), stream()
    changed = x.clone()
    changed[:, 3:] = torch.randn(B, T - 3, C)
    out, other = (block(y, is_causal=True) for y in (x, changed))
    torch.testing.assert_close(out[:, :3], other[:, :3], rtol=0, atol=1e-12)
    assert not out[:, 3:].allclose(other[:, 3:])
    assert not block(x)[:, :3].allclose(block(changed)[:, :3])


@variants
@pytest.mark.parametrize("is_causal", [True, False])
def test_padding_has_no_influence_on_real_tokens(variant, is_causal):
    block, x, lengths = make(**VARIANTS[variant]), stream(), torch.tensor([T, 2, 4])
    real = padding_mask(lengths)
    other = torch.where(real[..., None], x, torch.randn(B, T, C).double() * 9)
    out = block(x, real[:, None], is_causal=is_causal)
    torch.testing.assert_close(
        out[real], block(other, real[:, None], is_causal=is_causal)[real], rtol=0, atol=1e-12
    )
    for row, n in enumerate(lengths):
        alone = block(x[row : row + 1, :n], is_causal=is_causal)
        torch.testing.assert_close(out[row : row + 1, :n], alone, rtol=0, atol=1e-12)


@variants
def test_without_positions_the_order_of_the_tokens_is_unknown(variant):
    block, x, order = make(**VARIANTS[variant]), stream(), torch.tensor([3, 0, 4, 2, 1])
    torch.testing.assert_close(block(x[:, order]), block(x)[:, order], rtol=0, atol=1e-12)
    assert not block(x[:, order], is_causal=True).allclose(block(x, is_causal=True)[:, order])


@pytest.mark.parametrize("positions", [{"rotary": RotaryEmbedding(D)}, {"score_bias": ALiBi(H)}])
def test_positions_reach_the_attention(positions):
    block, x, order = make(**positions), stream(), torch.tensor([3, 0, 4, 2, 1])
    assert not block(x[:, order]).allclose(block(x)[:, order])
    torch.testing.assert_close(block(x.roll(1, 0)), block(x).roll(1, 0))


def test_four_dimensional_masks_are_one_a_head():
    block, x = make(), stream()
    mask = torch.rand(B, H, T, T) > 0.4
    mask[..., 0] = True
    with capture_weights(block) as weights:
        block(x, mask)
    assert torch.equal(weights["attention"][0] > 0, mask)


@orders
def test_a_sublayer_that_adds_nothing_leaves_the_stream_alone(norm_order):
    block, x = EncoderBlock(C, H, F, norm_order=norm_order).double(), stream()
    for projection in block.residual_projections():
        nn.init.zeros_(projection.weight)
        nn.init.zeros_(projection.bias)
    if norm_order == "pre":
        torch.testing.assert_close(block(x), x, rtol=0, atol=0)
    else:
        expected = block.feed_forward_norm(block.attention_norm(x))
        torch.testing.assert_close(block(x), expected, rtol=0, atol=0)


@variants
def test_a_post_norm_block_ends_in_its_norm(variant):
    block, x = EncoderBlock(C, H, F, **VARIANTS[variant]).double(), stream() * 5
    ends = block(x).square().mean(-1).allclose(torch.ones(B, T).double(), atol=1e-4)
    assert ends == (block.norm_order == "post")


@variants
def test_weights_can_be_read_and_reading_changes_nothing(variant):
    block, x = make(**VARIANTS[variant]), stream()
    expected = block(x, is_causal=True)
    with capture_weights(block) as weights:
        torch.testing.assert_close(block(x, is_causal=True), expected)
    assert list(weights) == ["attention"]
    assert weights["attention"][0].shape == (B, H, T, T)


@orders
def test_dropout_only_in_training(norm_order):
    block, x = make(norm_order=norm_order, dropout=0.3), stream()
    assert not block(x).allclose(block(x))
    block.eval()
    torch.testing.assert_close(block(x), block(x), rtol=0, atol=0)
    plain = make(norm_order=norm_order)
    plain.load_state_dict(block.state_dict())
    torch.testing.assert_close(block(x), plain(x), rtol=0, atol=0)


def test_options_reach_the_parts():
    block = EncoderBlock(C, H, F, num_kv_heads=2, qk_norm=True, dropout=0.3, activation="swiglu")
    assert block.attention.k_proj.out_features == 2 * D
    assert block.attention.q_norm is not None
    assert block.attention.dropout == block.dropout.p == block.feed_forward.dropout.p == 0.3
    names = EncoderBlock(C, H, F, bias=False, activation="swiglu").state_dict()
    assert all(name.endswith("weight") for name in names)
    biased = EncoderBlock(C, H, F).state_dict()
    assert sum(name.endswith("bias") for name in biased) == 4 + 2 + 2
    assert block.residual_projections() == [block.attention.out_proj, block.feed_forward.down_proj]


@variants
def test_gradcheck(variant):
    block, x = make(**VARIANTS[variant]), stream().requires_grad_()
    mask = padding_mask(torch.tensor([T, 2, 4]))[:, None]
    run = lambda x: block(x, mask, is_causal=True)  # noqa: E731
    assert torch.autograd.gradcheck(run, x, fast_mode=True)


@variants
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_keeps_the_dtype_and_survives_a_row_that_sees_nothing(variant, dtype):
    block, x = make(dtype, **VARIANTS[variant]), stream().to(dtype).requires_grad_()
    mask = torch.ones(B, T, T, dtype=torch.bool)
    mask[1], mask[0, 2] = False, False
    out = block(x, mask)
    out.sum().backward()
    assert out.dtype == dtype
    assert out.isfinite().all()
    assert all(y.grad.isfinite().all() for y in (x, *block.parameters()))
    assert block(x[:, :1]).shape == (B, 1, C)


@variants
def test_runs_under_autocast(variant):
    block, x = make(torch.float32, **VARIANTS[variant]), stream().float()
    with torch.autocast("cpu", torch.bfloat16):
        out = block(x, is_causal=True)
    torch.testing.assert_close(out.float(), block(x, is_causal=True), rtol=0.1, atol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d_model": 0}, "d_model must be at least 1, got 0"),
        ({"num_heads": 3}, "num_heads must divide d_model .* got 3 and 8"),
        ({"num_kv_heads": 3}, "num_kv_heads must divide num_heads, got 3 and 4"),
        ({"d_ff": 0}, "d_ff must be at least 1, got 0"),
        ({"norm_order": "both"}, r"norm_order must be one of \('pre', 'post'\), got 'both'"),
        ({"norm": "batch"}, r"norm must be one of \('layer', 'rms'\), got 'batch'"),
        ({"activation": "tanh"}, r"activation must be one of .*'swiglu'\), got 'tanh'"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1\.0"),
    ],
)
def test_bad_arguments(options, message):
    sizes = {"d_model": C, "num_heads": H, "d_ff": F}
    with pytest.raises(ValueError, match=message):
        EncoderBlock(**(sizes | options))


@orders
def test_bad_inputs(norm_order):
    block, x = make(norm_order=norm_order), stream()
    with pytest.raises(ValueError, match=r"x must have shape \(B, T, 8\), got \(3, 5, 7\)"):
        block(x[..., 1:])
    with pytest.raises(ValueError, match=r"x must have shape \(B, T, 8\), got \(5, 8\)"):
        block(x[0])
    with pytest.raises(ValueError, match=r"mask must be bool.* got torch.float64"):
        block(x, torch.ones(T, T).double())
    with pytest.raises(ValueError, match=r"must broadcast .* = \(3, 5, 5\), got \(3, 1, 4\)"):
        block(x, torch.ones(B, 1, T - 1).bool())


@variants
def test_behind_a_cache_the_last_tokens_are_those_of_the_whole(variant):
    block, x = make(**VARIANTS[variant], rotary=RotaryEmbedding(D)), stream()
    kept = KVCache(B, VARIANTS[variant].get("num_kv_heads", H), D, max_len=T, dtype=x.dtype)
    whole = block(x, is_causal=True)
    for piece, expected in zip(x.split([2, 1, 2], 1), whole.split([2, 1, 2], 1), strict=True):
        found = block(piece, is_causal=True, cache=kept)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


def test_counts_reach_the_cache():
    block, kept = make(), KVCache(B, H, D, max_len=T, dtype=torch.float64)
    with torch.no_grad():
        block(stream(), is_causal=True, cache=kept, counts=torch.tensor([1, 5, 3]))
    assert kept.lengths.tolist() == [1, 5, 3]
