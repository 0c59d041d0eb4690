"""That it equals PyTorch's decoder layer stands in tests/interop/test_torch_blocks.py."""

import pytest
import torch
from torch import nn

from txlib.attention import KVCache, padding_mask
from txlib.capture import capture_weights
from txlib.layers import DecoderBlock
from txlib.positions import ALiBi, RotaryEmbedding

B, T, T_S, C, H, D, F = 3, 5, 6, 8, 4, 2, 7  # all different: a swapped axis cannot pass
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
    block = DecoderBlock(C, H, F, **options)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.add_(torch.randn_like(parameter) / 4)
    return block.to(dtype)


def leaves():
    """A stream and a memory."""
    return torch.randn(B, T, C).double(), torch.randn(B, T_S, C).double()


@pytest.mark.parametrize(
    ("norm_order", "expected"),
    [
        # [1, 3] normed is [-1, 1], values twice that: [-1, 5]; the memory raw on top: [3, 11];
        # normed, bent and back [3, 30]
        ("pre", [3 + 3.0, 11 + 30.0]),
        # [3, 9] normed is [-1, 1]; with the memory [3, 7], normed; [2, 31] normed and scaled
        ("post", [-10 + 1.0, 100 + 2.0]),
    ],
)
def test_one_token_by_hand(norm_order, expected):
    block = DecoderBlock(2, 1, 1, norm_order=norm_order).double()
    feed_forward = block.feed_forward
    with torch.no_grad():
        for attention in (block.attention, block.cross_attention):
            for proj in (attention.q_proj, attention.k_proj, attention.v_proj, attention.out_proj):
                proj.weight.copy_(torch.eye(2))
                proj.bias.zero_()
        block.attention.v_proj.weight.mul_(2)
        feed_forward.up_proj.weight.copy_(torch.tensor([[0.0, 3.0]]))
        feed_forward.down_proj.weight.copy_(torch.tensor([[1.0], [10.0]]))
        for linear in (feed_forward.up_proj, feed_forward.down_proj):
            linear.bias.zero_()
        if norm_order == "post":
            block.feed_forward_norm.weight.copy_(torch.tensor([10.0, 100.0]))
            block.feed_forward_norm.bias.copy_(torch.tensor([1.0, 2.0]))
    x, memory = torch.tensor([[[1.0, 3.0]]]).double(), torch.tensor([[[4.0, 6.0]]]).double()
    out = block(x, memory)
    torch.testing.assert_close(out, torch.tensor([[expected]]).double(), rtol=1e-4, atol=0)


@variants
def test_equals_its_sublayers_written_out(variant, collect):
    block = make(**VARIANTS[variant])

    def written(x, memory):
        looks = (
            (block.attention_norm, lambda x: block.attention(x, is_causal=True)),
            (block.cross_attention_norm, lambda x: block.cross_attention(x, memory)),
            (block.feed_forward_norm, block.feed_forward),
        )
        for norm, sublayer in looks:
            x = x + sublayer(norm(x)) if block.norm_order == "pre" else norm(x + sublayer(x))
        return x

    parameters, both = list(block.parameters()), leaves()
    mine = collect(block, *both, parameters=parameters)
    reference = collect(written, *both, parameters=parameters)
    for a, b in zip(mine, reference, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@variants
def test_a_memory_projected_once_gives_the_same(variant, collect):
    block, both = make(**VARIANTS[variant]), leaves()
    mask = padding_mask(torch.tensor([T, 2, 4]))[:, None]
    memory_mask = padding_mask(torch.tensor([2, T_S, 4]))[:, None]
    parameters = list(block.parameters())

    def projected(x, memory):
        keys, values = block.project_memory(memory)
        assert keys.shape == values.shape == (B, block.attention.num_kv_heads, T_S, D)
        return block.forward_projected(x, keys, values, mask, memory_mask, is_causal=False)

    def forward(x, memory):
        return block(x, memory, mask, memory_mask, is_causal=False)

    mine = collect(projected, *both, parameters=parameters)
    for a, b in zip(mine, collect(forward, *both, parameters=parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    keys, values = block.project_memory(both[1])
    torch.testing.assert_close(
        block.forward_projected(both[0], keys, values), block(*both), rtol=0, atol=1e-12
    )


@variants
def test_token_by_token_equals_the_whole_prefix(variant):
    """The memory is projected once, the prefix is run again at every step."""
    rotary = {"rotary": RotaryEmbedding(D)} if variant == "llama" else {}
    block, (x, memory) = make(**VARIANTS[variant], **rotary), leaves()
    keys, values = block.project_memory(memory)
    steps = [block.forward_projected(x[:, : t + 1], keys, values)[:, -1] for t in range(T)]
    torch.testing.assert_close(torch.stack(steps, dim=1), block(x, memory), rtol=0, atol=1e-12)


@variants
def test_the_future_is_hidden_unless_asked_for(variant):
    block, (x, memory) = make(**VARIANTS[variant]), leaves()
    changed = x.clone()
    changed[:, 3:] = torch.randn(B, T - 3, C)
    out, other = block(x, memory), block(changed, memory)
    torch.testing.assert_close(out[:, :3], other[:, :3], rtol=0, atol=1e-12)
    assert not out[:, 3:].allclose(other[:, 3:])
    seen = [block(y, memory, is_causal=False)[:, :3] for y in (x, changed)]
    assert not seen[0].allclose(seen[1])


@variants
@pytest.mark.parametrize("is_causal", [True, False])
def test_padding_of_either_sentence_has_no_influence(variant, is_causal):
    block, (x, memory) = make(**VARIANTS[variant]), leaves()
    lengths, memory_lengths = torch.tensor([T, 2, 4]), torch.tensor([3, T_S, 1])
    real, memory_real = padding_mask(lengths), padding_mask(memory_lengths)

    def run(x, memory):
        masks = real[:, None], memory_real[:, None]
        return block(x, memory, *masks, is_causal=is_causal)[real]

    other = [
        torch.where(kept[..., None], y, torch.randn_like(y) * 9)
        for kept, y in ((real, x), (memory_real, memory))
    ]
    torch.testing.assert_close(run(x, memory), run(*other), rtol=0, atol=1e-12)
    alone = [
        block(x[row : row + 1, :n], memory[row : row + 1, :m], is_causal=is_causal)[0]
        for row, (n, m) in enumerate(zip(lengths, memory_lengths, strict=True))
    ]
    torch.testing.assert_close(run(x, memory), torch.cat(alone), rtol=0, atol=1e-12)


@variants
def test_a_memory_has_no_order_and_neither_has_the_stream(variant):
    block, (x, memory) = make(**VARIANTS[variant]), leaves()
    shuffled = memory[:, torch.tensor([3, 0, 5, 4, 2, 1])]
    torch.testing.assert_close(block(x, shuffled), block(x, memory), rtol=0, atol=1e-12)
    order = torch.tensor([3, 0, 4, 2, 1])
    out = block(x, memory, is_causal=False)[:, order]
    torch.testing.assert_close(block(x[:, order], memory, is_causal=False), out, rtol=0, atol=1e-12)


@pytest.mark.parametrize("positions", [{"rotary": RotaryEmbedding(D)}, {"score_bias": ALiBi(H)}])
def test_positions_reach_self_attention_alone(positions):
    block, (x, memory) = make(**positions), leaves()
    order = torch.tensor([3, 0, 4, 2, 1])
    out = block(x, memory, is_causal=False)[:, order]
    assert not block(x[:, order], memory, is_causal=False).allclose(out)
    shuffled = memory[:, torch.tensor([3, 0, 5, 4, 2, 1])]
    torch.testing.assert_close(block(x, shuffled), block(x, memory), rtol=0, atol=1e-12)


def test_the_memory_matters_and_each_mask_is_its_own():
    block, (x, memory) = make(), leaves()
    assert not block(x, memory).allclose(block(x, memory.roll(1, 0)))
    mask, memory_mask = torch.rand(B, T, T) > 0.4, torch.rand(B, H, T, T_S) > 0.4
    mask |= torch.eye(T, dtype=torch.bool)
    memory_mask[..., 0] = True
    with capture_weights(block) as weights:
        block(x, memory, mask, memory_mask, is_causal=False)
    assert list(weights) == ["attention", "cross_attention"]
    assert torch.equal(weights["attention"][0] > 0, mask[:, None].expand(B, H, T, T))
    assert torch.equal(weights["cross_attention"][0] > 0, memory_mask)


@variants
def test_weights_can_be_read_and_reading_changes_nothing(variant):
    block, both = make(**VARIANTS[variant]), leaves()
    expected = block(*both)
    with capture_weights(block) as weights:
        torch.testing.assert_close(block(*both), expected)
        block.forward_projected(both[0], *block.project_memory(both[1]))
    assert [len(calls) for calls in weights.values()] == [2, 2]


def test_modules_are_called_so_that_hooks_see_them():
    block, both, seen = make(), leaves(), []
    for name, module in block.named_children():
        module.register_forward_hook(lambda module, arguments, output, name=name: seen.append(name))
    block(*both)
    assert set(seen) == {name for name, _ in block.named_children()}


@orders
def test_dropout_only_in_training(norm_order):
    block, both = make(norm_order=norm_order, dropout=0.3), leaves()
    assert not block(*both).allclose(block(*both))
    block.eval()
    torch.testing.assert_close(block(*both), block(*both), rtol=0, atol=0)
    plain = make(norm_order=norm_order)
    plain.load_state_dict(block.state_dict())
    torch.testing.assert_close(block(*both), plain(*both), rtol=0, atol=0)


def test_options_reach_the_parts():
    block = DecoderBlock(C, H, F, num_kv_heads=2, qk_norm=True, dropout=0.3, activation="swiglu")
    for attention in (block.attention, block.cross_attention):
        assert attention.k_proj.out_features == 2 * D
        assert attention.q_norm is not None
        assert attention.dropout == 0.3
    assert block.dropout.p == block.feed_forward.dropout.p == 0.3
    names = DecoderBlock(C, H, F, bias=False).state_dict()
    assert all(name.endswith("weight") for name in names)
    assert sum(name.endswith("bias") for name in DecoderBlock(C, H, F).state_dict()) == 8 + 2 + 3
    assert block.residual_projections() == [
        block.attention.out_proj,
        block.cross_attention.out_proj,
        block.feed_forward.down_proj,
    ]


@orders
def test_a_sublayer_that_adds_nothing_leaves_the_stream_alone(norm_order):
    block, (x, memory) = DecoderBlock(C, H, F, norm_order=norm_order).double(), leaves()
    for projection in block.residual_projections():
        nn.init.zeros_(projection.weight)
        nn.init.zeros_(projection.bias)
    expected = x
    if norm_order == "post":
        for norm in (block.attention_norm, block.cross_attention_norm, block.feed_forward_norm):
            expected = norm(expected)
    torch.testing.assert_close(block(x, memory), expected, rtol=0, atol=0)


@variants
def test_gradcheck(variant):
    block, both = make(**VARIANTS[variant]), [leaf.requires_grad_() for leaf in leaves()]
    mask = padding_mask(torch.tensor([2, T_S, 4]))[:, None]
    run = lambda x, memory: block(x, memory, None, mask)  # noqa: E731
    assert torch.autograd.gradcheck(run, both, fast_mode=True)


@variants
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_keeps_the_dtype_and_survives_rows_that_see_nothing(variant, dtype):
    block = make(dtype, **VARIANTS[variant])
    x, memory = both = [leaf.to(dtype).requires_grad_() for leaf in leaves()]
    mask, memory_mask = torch.ones(B, T, T).bool(), torch.ones(B, T, T_S).bool()
    mask[1], memory_mask[2], memory_mask[0, 3] = False, False, False
    out = block(*both, mask, memory_mask)
    out.sum().backward()
    assert out.dtype == dtype
    assert out.isfinite().all()
    assert all(y.grad.isfinite().all() for y in (*both, *block.parameters()))
    assert memory.grad[2].eq(0).all()
    assert block(x[:, :1], memory[:, :1]).shape == (B, 1, C)


@variants
def test_runs_under_autocast(variant):
    block = make(torch.float32, **VARIANTS[variant])
    both = [leaf.float() for leaf in leaves()]
    with torch.autocast("cpu", torch.bfloat16):
        out = block(*both)
    torch.testing.assert_close(out.float(), block(*both), rtol=0.1, atol=0.1)


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
        DecoderBlock(**(sizes | options))


@orders
def test_bad_inputs(norm_order):
    block, (x, memory) = make(norm_order=norm_order), leaves()
    keys, values = block.project_memory(memory)
    with pytest.raises(ValueError, match=r"x must have shape \(B, T, 8\), got \(3, 5, 7\)"):
        block(x[..., 1:], memory)
    with pytest.raises(ValueError, match=r"x must have shape \(B, T, 8\), got \(5, 8\)"):
        block.forward_projected(x[0], keys, values)
    with pytest.raises(ValueError, match=r"memory must have shape \(B, T, 8\), got \(3, 6, 7\)"):
        block(x, memory[..., 1:])
    with pytest.raises(ValueError, match=r"memory must have shape \(B, T, 8\), got \(6, 8\)"):
        block.project_memory(memory[0])
    with pytest.raises(ValueError, match=r"share the dimensions before T.*\(2, 4, 6, 2\)"):
        block(x, memory[1:])
    with pytest.raises(ValueError, match=r"mask must be bool.* got torch.float64"):
        block(x, memory, None, torch.ones(T, T_S).double())
    with pytest.raises(ValueError, match=r"must broadcast .* = \(3, 5, 6\), got \(3, 1, 5\)"):
        block(x, memory, None, torch.ones(B, 1, T_S - 1).bool())
    with pytest.raises(ValueError, match=r"must broadcast .* = \(3, 5, 5\), got \(3, 1, 6\)"):
        block(x, memory, torch.ones(B, 1, T_S).bool())


@variants
def test_behind_a_cache_the_last_tokens_are_those_of_the_whole(variant):
    block, (x, memory) = make(**VARIANTS[variant], rotary=RotaryEmbedding(D)), leaves()
    kept = KVCache(B, VARIANTS[variant].get("num_kv_heads", H), D, max_len=T, dtype=x.dtype)
    projected, seen = block.project_memory(memory), torch.rand(B, 1, T_S) > 0.3
    whole = block(x, memory, memory_mask=seen)
    for piece, expected in zip(x.split([2, 1, 2], 1), whole.split([2, 1, 2], 1), strict=True):
        found = block.forward_projected(piece, *projected, memory_mask=seen, cache=kept)
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
