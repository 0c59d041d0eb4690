import copy
import math

import pytest
import torch
from torch import nn

from txlib.attention import MultiHeadAttention, padding_mask
from txlib.capture import capture_weights

B, T_Q, T_K, C, H, D, M = 2, 5, 7, 12, 3, 4, 10  # all different: a swapped axis cannot pass

causal = pytest.mark.parametrize("is_causal", [False, True])
low = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])


def make(dtype=torch.float64, **options):
    return MultiHeadAttention(C, H, memory_size=M, **options).to(dtype)


def inputs(T_q=T_Q, T_k=T_K, dtype=torch.float64):
    return torch.randn(B, T_q, C).to(dtype), torch.randn(B, T_k, M).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("bias", [False, True])
def test_row_with_no_allowed_key_is_the_bias_and_differentiable(listen, dtype, bias):
    module = listen(make(dtype, bias=bias))
    leaves = [leaf.requires_grad_() for leaf in inputs(dtype=dtype)]
    mask = torch.ones(B, T_Q, T_K).bool()
    mask[:, 2], mask[1] = False, False
    out = module(*leaves, mask)
    out.sum().backward()
    blind = module.out_proj.bias if bias else torch.zeros(C, dtype=dtype)
    assert out.dtype == dtype
    assert out[:, 2].eq(blind).all()
    assert out[1].eq(blind).all()
    assert out[0, 0].ne(blind).any()
    assert all(tensor.grad.isfinite().all() for tensor in (*leaves, *module.parameters()))
    assert all(leaf.grad[1].eq(0).all() for leaf in leaves)


@causal
@pytest.mark.parametrize(("T_q", "T_k"), [(1, 1), (1, T_K), (T_Q, 1), (T_K, T_Q)])
def test_lengths_that_differ(listen, is_causal, T_q, T_k):
    module, (query, memory) = listen(make()), inputs(T_q, T_k)
    out = module(query, memory, is_causal=is_causal)
    for i in range(T_q):
        seen = max(i + T_k - T_q + 1, 0) if is_causal else T_k
        alone = module(query[:, i : i + 1], memory[:, :seen])
        torch.testing.assert_close(out[:, i : i + 1], alone)


@pytest.mark.parametrize(("T_q", "T_k"), [(0, T_K), (T_Q, 0)])
def test_nobody_to_look_and_nothing_to_look_at(listen, T_q, T_k):
    out = listen(make())(*inputs(T_q, T_k))
    torch.testing.assert_close(out, torch.zeros(B, T_q, C).double())


@low
@causal
@pytest.mark.parametrize("H_kv", [4, 2])
@pytest.mark.parametrize("autocast", [False, True])
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(
    listen, dtype, is_causal, H_kv, autocast, as_written
):
    T_q, T_k, heads = 33, 65, 4
    module = MultiHeadAttention(64, heads, num_kv_heads=H_kv, memory_size=48)
    query, memory = torch.randn(B, T_q, 64), torch.randn(B, T_k, 48)
    if not autocast:
        module, query, memory = module.to(dtype), query.to(dtype), memory.to(dtype)
    mask = padding_mask(torch.tensor([T_k, 50]))[:, None]
    allowed = mask & torch.ones(T_q, T_k).tril(T_k - T_q).bool() if is_causal else mask

    def formula(query, memory):
        split = lambda y: y.unflatten(-1, (-1, 16)).transpose(1, 2)  # noqa: E731
        keys, values = (
            split(projection(memory)).repeat_interleave(heads // H_kv, dim=1)
            for projection in (module.k_proj, module.v_proj)
        )
        scores = split(module.q_proj(query)) @ keys.mT / math.sqrt(16)
        context = as_written(scores, values, allowed[:, None])
        return module.out_proj(context.transpose(1, 2).flatten(2))

    exact = copy.deepcopy(module).double()
    exact = exact(query.double(), memory.double(), mask, is_causal=is_causal)
    listen(module)
    with torch.autocast("cpu", dtype, enabled=autocast):
        mine, plain = module(query, memory, mask, is_causal=is_causal), formula(query, memory)
    assert mine.dtype == dtype
    assert (mine - exact).abs().max() <= 2 * (plain - exact).abs().max()
    mine.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in module.parameters())


def test_dropout_acts_in_training_alone_and_the_tap_sees_what_was_looked_at(listen):
    module, leaves = make(dropout=0.5), inputs()
    twin = make()
    twin.load_state_dict(module.state_dict())
    listen(module)
    torch.testing.assert_close(module.eval()(*leaves), twin(*leaves))
    module.train()
    assert not torch.allclose(module(*leaves), module(*leaves))
    with capture_weights(module) as weights:
        module(*leaves)
    torch.testing.assert_close(weights[""][0].sum(dim=-1), torch.ones(B, H, T_Q).double())
    often = [leaf[:1].expand(4000, -1, -1) for leaf in leaves]
    mean = module(*often).mean(dim=0, keepdim=True)
    torch.testing.assert_close(mean, twin(*leaves)[:1], rtol=0, atol=0.03)


def test_the_arguments_stay_as_they_were(listen):
    module, leaves = listen(make(qk_norm=True)), (*inputs(), torch.rand(B, T_Q, T_K) > 0.5)
    before = [leaf.clone() for leaf in leaves]
    module(*leaves, is_causal=True)
    assert all(torch.equal(a, b) for a, b in zip(leaves, before, strict=True))


def test_it_is_copied_and_saved_like_any_module(tmp_path):
    module, leaves = make(qk_norm=True, num_kv_heads=1), inputs()
    out = module(*leaves)
    assert torch.equal(copy.deepcopy(module)(*leaves), out)
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    other = make(qk_norm=True, num_kv_heads=1)
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(other(*leaves), out)


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ((0, H), {}, "d_model must be at least 1, got 0"),
        ((C, 0), {}, "num_heads must be at least 1, got 0"),
        ((C, H), {"head_dim": 0}, "head_dim must be at least 1, got 0"),
        ((C, H), {"memory_size": -1}, "memory_size must be at least 1, got -1"),
        ((C, 5), {}, "num_heads must divide d_model where head_dim is not given, got 5 and 12"),
        ((C, H), {"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1\.0"),
        ((C, H), {"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0\.1"),
    ],
)
def test_bad_sizes(sizes, options, message):
    with pytest.raises(ValueError, match=message):
        MultiHeadAttention(*sizes, **options)


def test_bad_shapes(listen):
    module, (query, memory) = listen(make()), inputs()
    keys, values = module.project(memory)
    with pytest.raises(ValueError, match=r"query must have shape \(B, T, 12\), got \(2, 5, 11\)"):
        module(query[..., 1:], memory)
    with pytest.raises(ValueError, match=r"memory must have shape \(B, T, 10\), got \(7, 10\)"):
        module(query, memory[0])
    with pytest.raises(ValueError, match=r"memory must have shape \(B, T, 10\), got \(2, 5, 12\)"):
        module(query)
    with pytest.raises(ValueError, match=r"keys must have shape \(B, 3, T_k, 4\), got \(2, 7, 12"):
        module.attend(query, keys.transpose(1, 2).flatten(2), values)
    with pytest.raises(ValueError, match=r"values must have shape \(B, 3, T_k, 4\), got \(2, 2, 7"):
        module.attend(query, keys, values[:, :2])
    with pytest.raises(ValueError, match=r"keys must have shape .*, T_k, 4\), got \(2, 3, 7, 3"):
        module.attend(query, keys[..., 1:], values)
    with pytest.raises(ValueError, match="key and value must share T_k, got 7 and 6"):
        module.attend(query, keys, values[:, :, 1:])
    with pytest.raises(ValueError, match=r"share .* before T, got \(1, 3, 5, 4\) and \(2, 3, 7"):
        module(query[:1], memory)


@causal
def test_bad_masks(listen, is_causal):
    module, leaves = listen(make()), inputs()
    for shape in [(T_Q, T_K), (B, T_Q, T_K)]:
        with pytest.raises(ValueError, match=r"mask must be bool.* got torch.float32"):
            module(*leaves, torch.zeros(shape), is_causal=is_causal)
    with pytest.raises(ValueError, match=r"must broadcast .* = \(2, 5, 7\), got \(3, 5, 7\)"):
        module(*leaves, torch.ones(H, T_Q, T_K).bool(), is_causal=is_causal)
    with pytest.raises(ValueError, match=r"must broadcast .* = \(2, 3, 5, 7\), got \(2, 2, 5, 7\)"):
        module(*leaves, torch.ones(B, 2, T_Q, T_K).bool(), is_causal=is_causal)
    with pytest.raises(ValueError, match=r"must broadcast .* = \(2, 3, 5, 7\), got \(2, 7\)"):
        module(*leaves, padding_mask(torch.tensor([4, T_K])), is_causal=is_causal)


def test_a_score_bias_that_does_not_fit_is_refused(listen):
    class Wrong(nn.Module):
        def forward(self, query, num_keys):
            return query.new_zeros(num_keys, 2)

    module = listen(MultiHeadAttention(C, H, score_bias=Wrong()).double())
    with pytest.raises(ValueError, match=r"bias must broadcast .* = \(2, 3, 5, 5\), got \(5, 2\)"):
        module(inputs()[0])
