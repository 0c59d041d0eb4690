import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from txlib.attention import MultiHeadAttention, SingleHeadAttention, causal_mask, padding_mask
from txlib.capture import capture_weights

B, T_Q, T_K, C, H, D, M = 2, 5, 7, 12, 3, 4, 10  # all different: a swapped axis cannot pass
PROJECTIONS = ["q_proj", "k_proj", "v_proj", "out_proj"]

causal = pytest.mark.parametrize("is_causal", [False, True])
biased = pytest.mark.parametrize("bias", [False, True])


def make(**options):
    return MultiHeadAttention(C, H, **options).double()


def sentence(T=T_Q, features=C):
    return torch.randn(B, T, features).double()


def parameters_of(module):
    """In the order of `PROJECTIONS`: first the weights, then the biases."""
    projections = [getattr(module, name) for name in PROJECTIONS]
    weights = [projection.weight for projection in projections]
    return weights + [projection.bias for projection in projections if projection.bias is not None]


def test_by_hand(listen):
    module = listen(MultiHeadAttention(2, 2).double())
    with torch.no_grad():
        module.q_proj.weight.copy_(torch.tensor([[math.log(3), 0], [0, 0]]))
        module.k_proj.weight.copy_(torch.eye(2))
        module.v_proj.weight.copy_(torch.tensor([[4, 0], [0, 8]]))
        module.out_proj.weight.copy_(torch.tensor([[1, 10], [100, 0]]))
    x = torch.tensor([[[1.0, 0], [0, 1]]]).double()
    # Head 0 weighs by 3 : 1, then 1 : 1, values 4 and 0; head 1 by 1 : 1, values 0 and 8.
    expected = torch.tensor([[[3 + 10 * 4.0, 300], [2 + 10 * 4, 200]]]).double()
    torch.testing.assert_close(module(x), expected)


@biased
@causal
@pytest.mark.parametrize("kind", ["none", "padding", "shared", "each"])
@pytest.mark.parametrize("memory_size", [None, C, M])
def test_equals_torch_in_values_and_gradients(
    listen, bias, is_causal, kind, memory_size, collect, new_mask
):
    module = listen(make(bias=bias, memory_size=memory_size))
    T_k = T_Q if memory_size is None else T_K
    sizes = {} if memory_size is None else {"kdim": memory_size, "vdim": memory_size}
    reference = nn.MultiheadAttention(C, H, bias=bias, batch_first=True, **sizes).double()
    if bias:  # they start at zero
        nn.init.normal_(reference.in_proj_bias)
        nn.init.normal_(reference.out_proj.bias)
    with torch.no_grad():
        together = reference.in_proj_weight
        split = together.chunk(3) if together is not None else None
        for i, letter in enumerate("qkv"):
            projection = getattr(module, f"{letter}_proj")
            weight = split[i] if split else getattr(reference, f"{letter}_proj_weight")
            projection.weight.copy_(weight)
            if bias:
                projection.bias.copy_(reference.in_proj_bias.chunk(3)[i])
        module.out_proj.load_state_dict(reference.out_proj.state_dict())

    mask = new_mask(kind, B, T_Q, T_k)
    allowed = torch.ones(B, T_Q, T_k).bool() if mask is None else mask.expand(B, T_Q, T_k).clone()
    allowed[:, :, 0] = True  # theirs gives NaN where nothing is allowed
    mask = None if mask is None else allowed.clone()
    if is_causal:
        allowed &= causal_mask(T_Q, T_k)
    hidden = ~allowed.repeat_interleave(H, dim=0)  # there, True = may not attend

    def theirs(query, memory=None):
        memory = query if memory is None else memory
        return reference(query, memory, memory, attn_mask=hidden, need_weights=False)[0]

    leaves = [sentence()] if memory_size is None else [sentence(), sentence(T_k, memory_size)]
    if reference.in_proj_weight is None:
        inside = [getattr(reference, f"{letter}_proj_weight") for letter in "qkv"]
    else:
        inside = [reference.in_proj_weight]
    inside += [reference.out_proj.weight]
    inside += [reference.in_proj_bias, reference.out_proj.bias] if bias else []
    run = partial(module, mask=mask, is_causal=is_causal)
    mine = collect(run, *leaves, parameters=parameters_of(module))
    expected = collect(theirs, *leaves, parameters=inside)
    n = 1 + len(leaves)
    if reference.in_proj_weight is not None:
        mine[n : n + 3] = [torch.cat(mine[n : n + 3])]
    if bias:
        mine[-4:-1] = [torch.cat(mine[-4:-1])]
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@biased
@causal
@pytest.mark.parametrize("kind", ["none", "padding", "each", "blind rows"])
def test_is_single_heads_beside_each_other_and_projected(listen, bias, is_causal, kind, new_mask):
    module, query, memory = listen(make(memory_size=M)), sentence(), sentence(T_K, M)
    module.out_proj = nn.Linear(C, C, bias=bias).double()
    mask = new_mask(kind, B, T_Q, T_K)
    contexts = []
    for h in range(H):
        head = SingleHeadAttention(C, M, D, value_size=D).double()
        own = slice(h * D, (h + 1) * D)
        with torch.no_grad():
            for name in PROJECTIONS[:3]:
                getattr(head, name).weight.copy_(getattr(module, name).weight[own])
        contexts.append(head(query, memory, mask, is_causal=is_causal))
    expected = module.out_proj(torch.cat(contexts, dim=-1))
    torch.testing.assert_close(module(query, memory, mask, is_causal=is_causal), expected)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_listening_changes_nothing(data, collect):
    torch.manual_seed(data.draw(st.integers(0, 99), label="seed"))
    T_q, T_k, groups, times, d = (data.draw(st.integers(1, 4)) for _ in range(5))
    options = {name: data.draw(st.booleans(), label=name) for name in ("bias", "qk_norm")}
    module = MultiHeadAttention(
        C, groups * times, num_kv_heads=groups, head_dim=d, memory_size=M, **options
    ).double()
    leaves = sentence(T_q), sentence(T_k, M)
    shapes = [(B, T_q, T_k), (B, groups * times, T_q, T_k), (T_q, T_k), (B, 1, T_k)]
    mask = torch.rand(data.draw(st.sampled_from(shapes))) > 0.3
    run = partial(module, mask=mask, is_causal=data.draw(st.booleans(), label="is_causal"))
    parameters = list(module.parameters())
    fused = collect(run, *leaves, parameters=parameters)
    with capture_weights(module) as weights:
        readable = collect(run, *leaves, parameters=parameters)
    for a, b in zip(fused, readable, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    assert weights[""][0].shape == (B, groups * times, T_q, T_k)


@causal
def test_captured_weights_are_each_heads_own(is_causal):
    module, x = make(), sentence()
    with capture_weights(module) as weights:
        out = module(x, is_causal=is_causal)
    (found,) = weights[""]
    assert found.shape == (B, H, T_Q, T_Q)
    torch.testing.assert_close(found.sum(dim=-1), torch.ones(B, H, T_Q).double())
    values = module.v_proj(x).view(B, T_Q, H, D)
    context = torch.einsum("bhij,bjhd->bihd", found, values)
    torch.testing.assert_close(module.out_proj(context.reshape(B, T_Q, C)), out)


def test_not_listened_to_it_runs_the_fused_path(monkeypatch):
    module, x, calls = make(), sentence(), []

    def spy(query, *_, **__):
        calls.append(query.shape)
        return torch.zeros_like(query)

    monkeypatch.setattr("txlib.attention.multi_head.fused_attention", spy)
    assert module(x).eq(0).all()
    assert calls == [(B, H, T_Q, D)]
    with capture_weights(module):
        assert module(x).ne(0).any()
    assert len(calls) == 1


def test_self_attention_knows_no_order(listen):
    module, x, order = listen(make()), sentence(), torch.randperm(T_Q)
    torch.testing.assert_close(module(x[:, order]), module(x)[:, order])


def test_what_stands_in_another_order_in_the_memory_is_found_all_the_same(listen):
    module, x, memory = listen(make(memory_size=M)), sentence(), sentence(T_K, M)
    torch.testing.assert_close(module(x, memory[:, torch.randperm(T_K)]), module(x, memory))


def test_nobody_sees_the_future(listen):
    module, x = listen(make()), sentence(T_K)
    before = module(x, is_causal=True)
    for j in range(T_K):
        other = x.clone()
        other[:, j] += 1.0
        after = module(other, is_causal=True)
        torch.testing.assert_close(after[:, :j], before[:, :j], rtol=0, atol=1e-12)
        assert (after - before)[:, j:].abs().amax(dim=(0, 2)).gt(1e-6).all()


def test_a_mask_of_four_dimensions_speaks_to_each_head(listen):
    module, x, memory = listen(make(memory_size=M)), sentence(), sentence(T_K, M)
    module.out_proj = nn.Identity()
    mask = torch.rand(B, H, T_Q, T_K) > 0.4
    together = module(x, memory, mask).view(B, T_Q, H, D)
    for h in range(H):
        alone = module(x, memory, mask[:, h]).view(B, T_Q, H, D)
        torch.testing.assert_close(together[:, :, h], alone[:, :, h])


def test_a_batch_of_mixed_lengths_is_its_sentences_one_by_one(listen):
    module, x, lengths = listen(make()), sentence(T_K), torch.tensor([4, T_K])
    out = module(x, mask=padding_mask(lengths)[:, None])
    for row, n in enumerate(lengths):
        torch.testing.assert_close(out[row, :n], module(x[row : row + 1, :n])[0])


def test_a_head_may_be_of_any_width(listen):
    module = listen(make(head_dim=7))
    assert module.q_proj.weight.shape == (H * 7, C)
    assert module.out_proj.weight.shape == (C, H * 7)
    assert module(sentence()).shape == (B, T_Q, C)


def test_one_width_costs_the_same_in_any_number_of_heads():
    counts = {sum(p.numel() for p in MultiHeadAttention(C, h).parameters()) for h in (1, 2, 3, 12)}
    assert counts == {4 * C * C}


def test_parameters_by_name():
    assert list(make().state_dict()) == [f"{name}.weight" for name in PROJECTIONS]
    names = [f"{name}.{kind}" for name in PROJECTIONS for kind in ("weight", "bias")]
    assert list(make(bias=True).state_dict()) == names
    assert set(make(qk_norm=True).state_dict()) - set(names) == {"q_norm.weight", "k_norm.weight"}


@causal
def test_gradcheck(listen, is_causal):
    module = listen(MultiHeadAttention(4, 2, memory_size=3, qk_norm=True).double())
    leaves = [torch.randn(1, T, size).double().requires_grad_() for T, size in ((3, 4), (4, 3))]
    mask = torch.tensor([[True, True, False, True], [False] * 4, [True] * 4])
    run = partial(module, mask=mask, is_causal=is_causal)
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)
