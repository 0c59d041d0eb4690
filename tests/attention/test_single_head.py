import copy
import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from txlib.attention import SingleHeadAttention, causal_mask, padding_mask
from txlib.capture import capture_weights

B, T_Q, T_K, Q, M, D, S = 2, 5, 7, 3, 4, 6, 8  # all different: a swapped axis cannot pass
MASKS = ["none", "padding", "each", "shared", "blind rows", "blind"]
masks = pytest.mark.parametrize("kind", MASKS)
causal = pytest.mark.parametrize("is_causal", [False, True])
value_sizes = pytest.mark.parametrize("value_size", [None, S])


def make(value_size=S, dtype=torch.float64, **options):
    return SingleHeadAttention(Q, M, D, value_size=value_size, **options).to(dtype)


def inputs(T_q=T_Q, T_k=T_K, dtype=torch.float64):
    return torch.randn(B, T_q, Q, dtype=dtype), torch.randn(B, T_k, M, dtype=dtype)


def test_by_hand(listen):
    module = listen(SingleHeadAttention(1, 1, 4, value_size=1).double())
    with torch.no_grad():
        module.q_proj.weight.copy_(torch.tensor([[3.0, 0, 0, 0]]).T)
        module.k_proj.weight.copy_(torch.tensor([[math.log(3), 9, 9, 9]]).T)
        module.v_proj.weight.fill_(10.0)
    query, memory = torch.tensor([[[2 / 3]]]).double(), torch.tensor([[[0.0], [1.0]]]).double()
    expected = torch.tensor([[[7.5]]]).double()  # scores 0 and 2 ln 3, over sqrt(4)
    torch.testing.assert_close(module(query, memory), expected)


@causal
@masks
@value_sizes
def test_equals_plain_loops_in_values_and_gradients(
    listen, is_causal, kind, value_size, collect, by_loops, new_mask
):
    module, mask = listen(make(value_size)), new_mask(kind, B, T_Q, T_K)
    allowed = torch.ones(B, T_Q, T_K).bool() if mask is None else mask.expand(B, T_Q, T_K)
    if is_causal:
        allowed = allowed & torch.ones(T_Q, T_K).tril(T_K - T_Q).bool()

    def loops(query, memory):
        contexts = []
        for x, m, a in zip(query, memory, allowed, strict=True):
            q, k = x @ module.q_proj.weight.T, m @ module.k_proj.weight.T
            v = m if value_size is None else m @ module.v_proj.weight.T
            scores = [torch.stack([(s * t).sum() / math.sqrt(D) for t in k]) for s in q]
            contexts.append(by_loops(torch.stack(scores), v, a))
        return torch.stack(contexts)

    leaves, parameters = inputs(), list(module.parameters())
    mine = collect(partial(module, mask=mask, is_causal=is_causal), *leaves, parameters=parameters)
    for a, b in zip(mine, collect(loops, *leaves, parameters=parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@causal
@pytest.mark.parametrize("kind", ["none", "padding"])
def test_equals_one_head_of_torch_with_the_same_projections(
    listen, is_causal, kind, collect, new_mask
):
    module = listen(SingleHeadAttention(D, M, D, value_size=D).double())
    reference = nn.MultiheadAttention(D, 1, bias=False, kdim=M, vdim=M, batch_first=True).double()
    pairs = {"q": "q_proj_weight", "k": "k_proj_weight", "v": "v_proj_weight"}
    with torch.no_grad():
        reference.out_proj.weight.copy_(torch.eye(D))
        for ours, theirs in pairs.items():
            getattr(reference, theirs).copy_(getattr(module, f"{ours}_proj").weight)
    mask, leaves = new_mask(kind, B, T_Q, T_K), (torch.randn(B, T_Q, D), torch.randn(B, T_K, M))
    hidden = None if mask is None else ~mask[:, 0]  # there, True = may not attend
    future = ~causal_mask(T_Q, T_K) if is_causal else None

    def theirs(query, memory):
        return reference(query, memory, memory, key_padding_mask=hidden, attn_mask=future)[0]

    leaves = [leaf.double() for leaf in leaves]
    mine = collect(
        partial(module, mask=mask, is_causal=is_causal),
        *leaves,
        parameters=[getattr(module, f"{name}_proj").weight for name in pairs],
    )
    torchs = collect(
        theirs, *leaves, parameters=[getattr(reference, name) for name in pairs.values()]
    )
    for a, b in zip(mine, torchs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(
    T_q=st.integers(1, 6),
    T_k=st.integers(1, 6),
    is_causal=st.booleans(),
    scale=st.sampled_from([None, 1.0, 0.1]),
    value_size=st.sampled_from([None, D, S]),
    seed=st.integers(0, 99),
)
def test_listening_changes_nothing(T_q, T_k, is_causal, scale, value_size, seed, collect):
    torch.manual_seed(seed)
    module, leaves = make(value_size, scale=scale), inputs(T_q, T_k)
    mask = torch.rand(B, T_q, T_k) > 0.3
    run = partial(module, mask=mask, is_causal=is_causal)
    parameters = list(module.parameters())
    fused = collect(run, *leaves, parameters=parameters)
    with capture_weights(module) as weights:
        readable = collect(run, *leaves, parameters=parameters)
    for a, b in zip(fused, readable, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    values = module.project(leaves[1])[1]
    torch.testing.assert_close(weights[""][0] @ values, fused[0])


def test_not_listened_to_it_runs_the_fused_path(monkeypatch):
    module = make()
    monkeypatch.setattr("txlib.attention.single_head.fused_attention", lambda *_, **__: "fused")
    assert module(*inputs()) == "fused"
    with capture_weights(module):
        assert module(*inputs()) != "fused"


def test_values_are_the_memory_itself_without_a_value_size(listen):
    module, (query, memory) = listen(make(None)), inputs()
    assert module.v_proj is None
    assert module.project(memory)[1] is memory
    alone = module(query, memory[:, :1])
    torch.testing.assert_close(alone, memory[:, :1].expand_as(alone))


def test_projections_have_no_bias():
    assert list(make().state_dict()) == ["q_proj.weight", "k_proj.weight", "v_proj.weight"]
    assert list(make(None).state_dict()) == ["q_proj.weight", "k_proj.weight"]


def test_scale_multiplies_the_dot_products(listen):
    module, (query, memory) = listen(make()), inputs()
    same = listen(make(scale=D**-0.5))
    other = listen(make(scale=1.0))
    for twin in (same, other):
        twin.load_state_dict(module.state_dict())
    context = module(query, memory)
    torch.testing.assert_close(same(query, memory), context)
    torch.testing.assert_close(other(query / math.sqrt(D), memory), context)


def test_queries_one_at_a_time_over_projected_keys_equal_one_call(listen):
    module, (query, memory) = listen(make()), inputs()
    mask = padding_mask(torch.tensor([4, T_K]))[:, None]
    keys, values = module.project(memory)
    steps = [module.attend(query[:, i : i + 1], keys, values, mask) for i in range(T_Q)]
    torch.testing.assert_close(torch.cat(steps, dim=1), module(query, memory, mask))


def test_self_attention_knows_no_order_and_no_future_if_causal(listen):
    module = listen(SingleHeadAttention(M, M, D, value_size=S).double())
    x, order = torch.randn(B, T_K, M).double(), torch.randperm(T_K)
    torch.testing.assert_close(module(x[:, order], x[:, order]), module(x, x)[:, order])
    before = module(x, x, is_causal=True)
    other = x.clone()
    other[:, 4] += 1.0
    after = module(other, other, is_causal=True)
    torch.testing.assert_close(after[:, :4], before[:, :4], rtol=0, atol=1e-12)
    assert (after - before)[:, 4:].abs().amax(dim=(0, 2)).gt(1e-6).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@value_sizes
def test_row_with_no_allowed_key_is_zero_and_differentiable(listen, dtype, value_size):
    module = listen(make(value_size, dtype))
    leaves = [leaf.requires_grad_() for leaf in inputs(dtype=dtype)]
    mask = torch.ones(B, T_Q, T_K).bool()
    mask[:, 2], mask[1] = False, False
    out = module(*leaves, mask)
    out.sum().backward()
    assert out.dtype == dtype
    assert out[:, 2].eq(0).all()
    assert out[1].eq(0).all()
    assert out[0, 0].ne(0).any()
    assert all(tensor.grad.isfinite().all() for tensor in (*leaves, *module.parameters()))
    assert all(leaf.grad[1].eq(0).all() for leaf in leaves)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_errs_at_most_twice_as_much_as_the_formula(listen, dtype, as_written):
    module = SingleHeadAttention(24, 32, 40, value_size=16)
    query, memory = torch.randn(B, 33, 24), torch.randn(B, 65, 32)
    mask = padding_mask(torch.tensor([65, 50]))[:, None]
    exact = copy.deepcopy(module).double()(query.double(), memory.double(), mask)
    listen(module)
    with torch.autocast("cpu", dtype):
        mine = module(query, memory, mask)
        scores = module.q_proj(query) @ module.k_proj(memory).mT / math.sqrt(40)
        plain = as_written(scores, module.v_proj(memory), mask)
    assert mine.dtype == dtype
    assert (mine - exact).abs().max() <= 2 * (plain - exact).abs().max()
    mine.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in module.parameters())


@pytest.mark.parametrize(
    ("sizes", "value_size", "message"),
    [
        ((0, M, D), None, "query_size must be at least 1, got 0"),
        ((Q, -1, D), None, "memory_size must be at least 1, got -1"),
        ((Q, M, 0), None, "head_dim must be at least 1, got 0"),
        ((Q, M, D), 0, "value_size must be at least 1, got 0"),
    ],
)
def test_bad_sizes(sizes, value_size, message):
    with pytest.raises(ValueError, match=message):
        SingleHeadAttention(*sizes, value_size=value_size)


def test_bad_shapes_and_masks(listen):
    module, (query, memory) = listen(make()), inputs()
    keys, values = module.project(memory)
    with pytest.raises(ValueError, match=r"query must have shape \(B, T, 3\), got \(2, 5, 2\)"):
        module(query[..., 1:], memory)
    with pytest.raises(ValueError, match=r"memory must have shape \(B, T, 4\), got \(7, 4\)"):
        module(query, memory[0])
    with pytest.raises(ValueError, match="query and key must share D, got 6 and 4"):
        module.attend(query, memory, values)
    with pytest.raises(ValueError, match=r"share .* before T, got \(1, 5, 6\) and \(2, 7, 6\)"):
        module(query[:1], memory)
    with pytest.raises(ValueError, match="key and value must share T_k, got 7 and 6"):
        module.attend(query, keys, values[:, 1:])
    with pytest.raises(ValueError, match=r"mask must be bool.* got torch.uint8"):
        module(query, memory, torch.ones(T_Q, T_K).byte())
    with pytest.raises(ValueError, match=r"must broadcast .* = \(2, 5, 7\), got \(2, 7\)"):
        module(query, memory, padding_mask(torch.tensor([4, T_K])))
