import copy
import math
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from txlib.attention import AdditiveAttention, masked_softmax, padding_mask

B, T_Q, T_K, Q, K, A = 2, 5, 7, 3, 4, 6  # all different: a swapped axis cannot pass
MASKS = ["none", "padding", "each", "shared", "keys", "blind rows", "blind"]
masks = pytest.mark.parametrize("kind", MASKS)


def make(activation=torch.tanh, dtype=torch.float64):
    return AdditiveAttention(Q, K, A, activation=activation).to(dtype)


def inputs(T_q=T_Q, T_k=T_K, dtype=torch.float64):
    return torch.randn(B, T_q, Q, dtype=dtype), torch.randn(B, T_k, K, dtype=dtype)


def formula(module, query, memory, mask, softmax):
    """Appendix A.1.2 of the paper, all pairs at once."""
    W, U, v = (p.weight for p in (module.query_proj, module.key_proj, module.score_proj))
    summed = torch.einsum("aq,biq->bia", W, query)[:, :, None] + torch.einsum(
        "ak,bjk->bja", U, memory
    ).unsqueeze(1)
    scores = torch.einsum("a,bija->bij", v[0], module.activation(summed))
    return softmax(scores, memory, mask)


def test_by_hand():
    module = AdditiveAttention(1, 1, 1).double()
    half = math.atanh(0.5)
    with torch.no_grad():
        for projection, weight in (("query", 2.0), ("key", 3.0), ("score", 2 * math.log(3))):
            getattr(module, f"{projection}_proj").weight.fill_(weight)
    query = torch.tensor([[[half / 2], [0.0]]]).double()
    memory = torch.tensor([[[-half / 3], [0.0]]]).double()
    scores = module.scores(query, module.project(memory)[0])  # v tanh(0), v tanh(half), ...
    expected = torch.tensor([[[0.0, math.log(3)], [-math.log(3), 0.0]]]).double()
    torch.testing.assert_close(scores, expected)
    context = torch.full((1, 2, 1), 0.25 * -half / 3).double()
    torch.testing.assert_close(module(query, memory), context)


@pytest.mark.parametrize(
    ("kind", "activation"),
    [*((kind, torch.tanh) for kind in MASKS), ("each", torch.relu), ("each", nn.Identity())],
)
def test_equals_plain_loops_in_values_and_gradients(kind, activation, collect, by_loops, new_mask):
    module, mask = make(activation), new_mask(kind, B, T_Q, T_K)
    allowed = torch.ones(B, T_Q, T_K) if mask is None else mask.expand(B, T_Q, T_K)
    W, U, v = (p.weight for p in (module.query_proj, module.key_proj, module.score_proj))

    def loops(query, memory):
        contexts = []
        for s, h, rows in zip(query, memory, allowed, strict=True):
            scores = [[v[0] @ activation(W @ x + U @ y) for y in h] for x in s]
            scores = torch.stack([torch.stack(row) for row in scores])
            contexts.append(by_loops(scores, h, rows))
        return torch.stack(contexts)

    parameters = list(module.parameters())
    leaves = inputs()
    mine = collect(partial(module, mask=mask), *leaves, parameters=parameters)
    for a, b in zip(mine, collect(loops, *leaves, parameters=parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(T_q=st.integers(1, 6), T_k=st.integers(1, 6), keys=st.booleans(), seed=st.integers(0, 99))
def test_equals_the_formula_for_any_lengths(T_q, T_k, keys, seed, collect, as_written):
    torch.manual_seed(seed)
    module, leaves = make(), inputs(T_q, T_k)
    mask = torch.rand(B, 1 if keys else T_q, T_k) > 0.4
    mask[..., 0] = True
    run = partial(formula, module, mask=mask, softmax=as_written)
    parameters = list(module.parameters())
    mine = collect(partial(module, mask=mask), *leaves, parameters=parameters)
    for a, b in zip(mine, collect(run, *leaves, parameters=parameters), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@masks
def test_queries_one_at_a_time_equal_one_call(kind, collect, new_mask):
    module, mask, leaves = make(), new_mask(kind, B, T_Q, T_K), inputs()
    parameters = list(module.parameters())

    def step_by_step(query, memory):
        keys, values = module.project(memory)
        steps = []
        for i in range(T_Q):
            seen = mask
            if mask is not None and mask.ndim > 1 and mask.shape[-2] > 1:
                seen = mask[..., i : i + 1, :]
            steps.append(module.attend(query[:, i : i + 1], keys, values, seen))
        return torch.cat(steps, dim=1)

    mine = collect(partial(module, mask=mask), *leaves, parameters=parameters)
    steps = collect(step_by_step, *leaves, parameters=parameters)
    for a, b in zip(mine, steps, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_a_batch_of_mixed_lengths_is_its_sentences_one_by_one():
    module, (query, memory) = make(), inputs()
    lengths = torch.tensor([4, T_K])
    context = module(query, memory, padding_mask(lengths)[:, None])
    for row, n in enumerate(lengths):
        alone = module(query[row : row + 1], memory[row : row + 1, :n])
        torch.testing.assert_close(context[row : row + 1], alone)


def test_queries_know_no_order_and_neither_does_the_memory(new_mask):
    module, (query, memory), mask = make(), inputs(), new_mask("each", B, T_Q, T_K)
    context = module(query, memory, mask)
    order = torch.randperm(T_Q)
    torch.testing.assert_close(module(query[:, order], memory, mask[:, order]), context[:, order])
    order = torch.randperm(T_K)
    torch.testing.assert_close(module(query, memory[:, order], mask[..., order]), context)


def test_without_the_tanh_every_query_looks_alike():
    """The query's part of the score is then the same for every key, and softmax drops it."""
    (query, memory), linear, tanh = inputs(), make(nn.Identity()), make()
    alike = linear(query, memory)
    torch.testing.assert_close(alike, alike[:, :1].expand_as(alike))
    assert tanh(query, memory).std(dim=1).gt(1e-4).any()


@masks
def test_weights_are_read_at_the_tap_and_listening_changes_nothing(kind, new_mask):
    module, (query, memory), mask = make(), inputs(), new_mask(kind, B, T_Q, T_K)
    expected, kept = module(query, memory, mask), []
    module.tap.register_forward_hook(lambda _, arguments, weights: kept.append(weights))
    torch.testing.assert_close(module(query, memory, mask), expected, rtol=0, atol=0)
    assert kept[0].shape == (B, T_Q, T_K)
    scores = module.scores(query, module.project(memory)[0])
    torch.testing.assert_close(kept[0], masked_softmax(scores, mask))
    torch.testing.assert_close(kept[0] @ memory, expected)


def test_gradcheck(new_mask):
    module, leaves, mask = make(), inputs(), new_mask("each", B, T_Q, T_K)
    mask[0, 2] = False
    leaves = [leaf.requires_grad_() for leaf in leaves]
    assert torch.autograd.gradcheck(partial(module, mask=mask), leaves, fast_mode=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_row_with_no_allowed_key_is_zero_and_differentiable(dtype, new_mask):
    module, mask = make(dtype=dtype), new_mask("each", B, T_Q, T_K)
    leaves = [leaf.requires_grad_() for leaf in inputs(dtype=dtype)]
    mask[:, 2], mask[1] = False, False
    out = module(*leaves, mask)
    out.sum().backward()
    assert out.dtype == dtype
    assert out[:, 2].eq(0).all()
    assert out[1].eq(0).all()
    assert out[0, 0].ne(0).any()
    assert all(tensor.grad.isfinite().all() for tensor in (*leaves, *module.parameters()))
    assert all(leaf.grad[1].eq(0).all() for leaf in leaves)
    assert leaves[0].grad[:, 2].eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_low_precision_errs_at_most_twice_as_much_as_the_formula(dtype, collect, as_written):
    module = AdditiveAttention(24, 32, 40).to(dtype)
    leaves = torch.randn(B, 33, 24).to(dtype), torch.randn(B, 65, 32).to(dtype)
    mask = padding_mask(torch.tensor([65, 50]))[:, None]
    exact_module = copy.deepcopy(module).double()

    def run(module, call, leaves):
        return collect(call, *leaves, parameters=list(module.parameters()))

    written = partial(formula, mask=mask, softmax=as_written)
    exact = run(exact_module, partial(written, exact_module), [x.double() for x in leaves])
    plain = run(module, partial(written, module), leaves)
    mine = run(module, partial(module, mask=mask), leaves)
    for e, a, b in zip(exact, mine, plain, strict=True):
        assert a.dtype == dtype
        assert (a - e).abs().max() <= 2 * (b - e).abs().max()


def test_one_query_and_one_position():
    query, memory = inputs(1, 1)
    torch.testing.assert_close(make()(query, memory), memory)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, K, A), "query_size must be at least 1, got 0"),
        ((Q, -1, A), "key_size must be at least 1, got -1"),
        ((Q, K, 0), "d_attention must be at least 1, got 0"),
    ],
)
def test_bad_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        AdditiveAttention(*sizes)


def test_bad_shapes_and_masks():
    module, (query, memory) = make(), inputs()
    keys, values = module.project(memory)
    with pytest.raises(ValueError, match=r"query must have shape \(B, T, 3\), got \(2, 5, 2\)"):
        module(query[..., 1:], memory)
    with pytest.raises(ValueError, match=r"memory must have shape \(B, T, 4\), got \(7, 4\)"):
        module(query, memory[0])
    with pytest.raises(ValueError, match=r"keys must have shape \(B, T, 6\), got \(2, 7, 4\)"):
        module.attend(query, memory, values)
    with pytest.raises(ValueError, match="query and keys must share B, got 1 and 2"):
        module(query[:1], memory)
    with pytest.raises(ValueError, match=r"share B and T_k, got \(2, 7, 6\) and \(2, 6, 4\)"):
        module.attend(query, keys, values[:, 1:])
    with pytest.raises(ValueError, match=r"mask must be bool.* got torch.int64"):
        module(query, memory, torch.ones(T_Q, T_K).long())
    with pytest.raises(ValueError, match=r"must broadcast .* = \(2, 5, 7\), got \(2, 7\)"):
        module(query, memory, torch.ones(B, T_K).bool())
