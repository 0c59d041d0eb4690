from functools import partial

import pytest
import torch

from txlib.attention import MultiHeadAttention, causal_mask
from txlib.capture import capture_weights

B, T, C, H, D = 2, 5, 10, 6, 4  # all different: a swapped axis cannot pass

causal = pytest.mark.parametrize("is_causal", [False, True])


def make(num_kv_heads, **options):
    return MultiHeadAttention(C, H, num_kv_heads=num_kv_heads, head_dim=D, **options).double()


def widened(module):
    """The same look with as many heads of keys as of queries: each shared one written out."""
    twin = make(H, bias=module.k_proj.bias is not None)
    state = module.state_dict()
    for name in state:
        if name.startswith(("k_proj", "v_proj")):
            heads = state[name].unflatten(0, (module.num_kv_heads, D))
            state[name] = heads.repeat_interleave(H // module.num_kv_heads, dim=0).flatten(0, 1)
    twin.load_state_dict(state)
    return twin


@pytest.mark.parametrize("num_kv_heads", [1, 2, 3, 6])
@pytest.mark.parametrize("bias", [False, True])
@causal
def test_equals_full_heads_whose_keys_are_the_same(
    listen, num_kv_heads, bias, is_causal, collect, new_mask
):
    module, x = make(num_kv_heads, bias=bias), torch.randn(B, T, C).double()
    twin, mask = widened(module), new_mask("each", B, T, T)
    listen(module)
    mine, expected = (
        collect(partial(m, mask=mask, is_causal=is_causal), x, parameters=[m.k_proj.weight])
        for m in (module, twin)
    )
    shared = expected[2].unflatten(0, (num_kv_heads, H // num_kv_heads, D)).sum(dim=1)
    expected[2] = shared.flatten(0, 1)  # one key serves many: its gradients add up
    for a, b in zip(mine, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


@causal
def test_a_single_head_of_keys_is_multi_query_attention(listen, is_causal):
    module, x = listen(make(1)), torch.randn(B, T, C).double()
    keys, values = module.k_proj(x), module.v_proj(x)  # (B, T, D), whatever the head
    allowed = causal_mask(T) if is_causal else torch.ones(T, T).bool()
    heads = []
    for h in range(H):
        query = x @ module.q_proj.weight[h * D : (h + 1) * D].T
        scores = (query @ keys.mT / D**0.5).masked_fill(~allowed, -torch.inf)
        heads.append(scores.softmax(dim=-1) @ values)
    expected = module.out_proj(torch.cat(heads, dim=-1))
    torch.testing.assert_close(module(x, is_causal=is_causal), expected)


def test_as_many_heads_of_keys_is_the_default():
    module, x = make(H), torch.randn(B, T, C).double()
    default = make(None)
    default.load_state_dict(module.state_dict())
    assert torch.equal(default(x), module(x))


def test_what_a_cache_keeps_shrinks_with_the_heads_of_keys():
    x = torch.randn(B, T, C).double()
    for num_kv_heads in (1, 2, 3, 6):
        assert all(kept.shape == (B, num_kv_heads, T, D) for kept in make(num_kv_heads).project(x))


def test_every_head_of_queries_has_weights_of_its_own():
    module, x = make(2), torch.randn(B, T, C).double()
    with capture_weights(module) as weights:
        module(x)
    found = weights[""][0]
    assert found.shape == (B, H, T, T)
    assert (found[:, 0] - found[:, 1]).abs().max() > 1e-3


def test_a_mask_for_each_head_of_queries(listen):
    module, x = make(2), torch.randn(B, T, C).double()
    mask = torch.rand(B, H, T, T) > 0.4
    twin = widened(module)
    torch.testing.assert_close(listen(module)(x, mask=mask), twin(x, mask=mask))


def test_bad_groups():
    with pytest.raises(ValueError, match="num_kv_heads must divide num_heads, got 4 and 6"):
        make(4)
    with pytest.raises(ValueError, match="num_kv_heads must divide num_heads, got 12 and 6"):
        make(12)
    with pytest.raises(ValueError, match="num_kv_heads must be at least 1, got 0"):
        make(0)
    module, x = make(2), torch.randn(B, T, C).double()
    keys, values = module.project(x)
    with pytest.raises(ValueError, match=r"keys must have shape \(B, 2, T_k, 4\), got \(2, 1, 5"):
        module.attend(x, keys[:, :1], values[:, :1])
