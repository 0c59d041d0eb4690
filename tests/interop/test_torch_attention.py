from functools import partial

import pytest
import torch
from torch import nn

from txlib.attention import MultiHeadAttention, causal_mask
from txlib.interop import load_multi_head_attention
from txlib.positions import ALiBi, RotaryEmbedding

B, T_Q, T_K, C, H, M = 2, 5, 7, 12, 3, 10  # all different: a swapped axis cannot pass

biased = pytest.mark.parametrize("bias", [False, True])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def collect(run, *leaves):
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    output = run(*leaves)
    direction = torch.linspace(-1, 2, output.numel()).view_as(output).to(output)
    return [output, *torch.autograd.grad((output * direction).sum(), leaves)]


def make_pair(bias=True, memory_size=None, batch_first=True):
    sizes = {} if memory_size is None else {"kdim": memory_size, "vdim": memory_size}
    reference = nn.MultiheadAttention(C, H, bias=bias, batch_first=batch_first, **sizes).double()
    for parameter in reference.parameters():  # biases start at zero otherwise
        nn.init.normal_(parameter, std=0.4)
    return MultiHeadAttention(C, H, bias=bias, memory_size=memory_size).double(), reference


@biased
@pytest.mark.parametrize("memory_size", [None, C, M])
@pytest.mark.parametrize("is_causal", [False, True])
def test_then_both_compute_the_same(bias, memory_size, is_causal):
    ours, reference = make_pair(bias, memory_size)
    load_multi_head_attention(ours, reference)
    leaves = [torch.randn(B, T_Q, C).double()]
    if memory_size is not None:
        leaves.append(torch.randn(B, T_K, memory_size).double())
    T_k = leaves[-1].shape[1]
    mask = torch.rand(B, T_Q, T_k) > 0.3
    mask[:, :, 0] = True  # theirs gives NaN where nothing is allowed
    allowed = mask & causal_mask(T_Q, T_k) if is_causal else mask
    allowed = allowed.repeat_interleave(H, dim=0)

    def theirs(query, memory=None):
        memory = query if memory is None else memory
        return reference(query, memory, memory, attn_mask=~allowed)[0]

    mine = collect(partial(ours, mask=mask, is_causal=is_causal), *leaves)
    for a, b in zip(mine, collect(theirs, *leaves), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)


def test_weights_are_copied_not_shared():
    ours, reference = make_pair()
    x = torch.randn(B, T_Q, C).double()
    load_multi_head_attention(ours, reference)
    before = ours(x)
    nn.init.zeros_(reference.in_proj_weight)
    nn.init.zeros_(reference.out_proj.bias)
    assert torch.equal(ours(x), before)
    assert all(
        parameter.requires_grad and parameter.grad_fn is None for parameter in ours.parameters()
    )


def test_the_order_of_its_dimensions_and_our_dtype_are_left_alone():
    ours, reference = make_pair(batch_first=False)
    ours = ours.float()
    load_multi_head_attention(ours, reference)
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.float32}
    x = torch.randn(B, T_Q, C)
    theirs = reference.float()(*[x.transpose(0, 1)] * 3)[0].transpose(0, 1)
    torch.testing.assert_close(ours(x), theirs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"add_bias_kv": True}, r"neither add_bias_kv nor add_zero_attn.* got True and False"),
        ({"add_zero_attn": True}, r"neither add_bias_kv nor add_zero_attn.* got False and True"),
        ({"kdim": M, "vdim": 8}, "must have kdim equal to vdim.* got 10 and 8"),
        ({"kdim": M, "vdim": M}, "must have memory_size=10 as the reference, got 12"),
        ({"bias": False}, "must have bias=False as the reference, got True"),
    ],
)
def test_references_that_do_not_fit(options, message):
    ours = make_pair()[0]
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    reference = nn.MultiheadAttention(C, H, batch_first=True, **options)
    with pytest.raises(ValueError, match=message):
        load_multi_head_attention(ours, reference)
    assert all(torch.equal(ours.state_dict()[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("ours", "message"),
    [
        (lambda: MultiHeadAttention(9, H, bias=True), "have d_model=12 as the reference, got 9"),
        (lambda: MultiHeadAttention(C, 4, bias=True), "have num_heads=3 as the reference, got 4"),
        (
            lambda: MultiHeadAttention(C, H, num_kv_heads=1, bias=True),
            "have num_kv_heads=3 as the reference, got 1",
        ),
        (
            lambda: MultiHeadAttention(C, H, head_dim=5, bias=True),
            "have head_dim=4 as the reference, got 5",
        ),
        (lambda: MultiHeadAttention(C, H), "have bias=True as the reference, got False"),
        (lambda: MultiHeadAttention(C, H, qk_norm=True), "ours must have no qk_norm"),
        (lambda: MultiHeadAttention(C, H, rotary=RotaryEmbedding(4)), "ours must have no rotary"),
        (lambda: MultiHeadAttention(C, H, score_bias=ALiBi(H)), "ours must have no score_bias"),
    ],
)
def test_ours_that_do_not_fit(ours, message):
    with pytest.raises(ValueError, match=message):
        load_multi_head_attention(ours(), make_pair()[1])
