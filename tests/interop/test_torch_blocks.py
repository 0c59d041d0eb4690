import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from txlib.attention import causal_mask, padding_mask
from txlib.interop import load_decoder_block, load_encoder_block
from txlib.layers import DecoderBlock, EncoderBlock

B, T, T_S, C, H, D_FF = 3, 5, 6, 8, 4, 7  # all different: a swapped axis cannot pass
KINDS = ["none", "padding", "causal", "both", "each"]
orders = pytest.mark.parametrize("norm_order", ["pre", "post"])
bends = pytest.mark.parametrize("activation", ["relu", "gelu"])
kinds = pytest.mark.parametrize("kind", KINDS)
biases = pytest.mark.parametrize("bias", [True, False])
low = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])

ATTENTIONS = {"attention": "self_attn", "cross_attention": "multihead_attn"}
OTHERS = {
    EncoderBlock: {"attention_norm": "norm1", "feed_forward_norm": "norm2"},
    DecoderBlock: {
        "attention_norm": "norm1",
        "cross_attention_norm": "norm2",
        "feed_forward_norm": "norm3",
    },
}
LAYERS = {
    EncoderBlock: (nn.TransformerEncoderLayer, load_encoder_block),
    DecoderBlock: (nn.TransformerDecoderLayer, load_decoder_block),
}
blocks = pytest.mark.parametrize("block", LAYERS)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def pair(block, *, norm_order="pre", activation="relu", dropout=0.0, bias=True):
    """One of ours and one of PyTorch's, with the same weights, none of them a fresh layer's."""
    ours = block(
        C, H, D_FF, norm_order=norm_order, activation=activation, dropout=dropout, bias=bias
    )
    layer, load = LAYERS[block]
    bend = nn.GELU(approximate="tanh") if activation == "gelu_tanh" else activation
    reference = layer(
        C,
        H,
        D_FF,
        dropout=dropout,
        activation=bend,
        bias=bias,
        batch_first=True,
        norm_first=norm_order == "pre",
    )
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(torch.randn_like(parameter) / 4)
    ours, reference = ours.double(), reference.double()
    load(ours, reference)
    return ours, reference


def pairs_of_tensors(ours, reference):
    """Our parameters beside (a function of) the reference's, written without the loader."""
    found = []
    for mine, theirs in ATTENTIONS.items():
        if not hasattr(ours, mine):
            continue
        attention, other = getattr(ours, mine), getattr(reference, theirs)
        kept = ["weight", "bias"] if other.in_proj_bias is not None else ["weight"]
        for name in kept:
            for row, proj in enumerate(("q_proj", "k_proj", "v_proj")):
                packed = getattr(other, f"in_proj_{name}")
                rows = slice(row * C, (row + 1) * C)
                found.append((getattr(getattr(attention, proj), name), packed, rows))
            found.append((getattr(attention.out_proj, name), getattr(other.out_proj, name), ...))
    linears = {"feed_forward.up_proj": "linear1", "feed_forward.down_proj": "linear2"}
    for mine, theirs in (OTHERS[type(ours)] | linears).items():
        for name, parameter in ours.get_submodule(mine).named_parameters():
            found.append((parameter, reference.get_parameter(f"{theirs}.{name}"), ...))
    return found


def values_and_gradients(module, run, leaves):
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    module.zero_grad()
    out = run(*leaves)
    direction = torch.linspace(-1, 2, out.numel()).view_as(out).to(out.dtype)
    (out * direction).sum().backward()
    return [out, *(leaf.grad for leaf in leaves)]


def masks(kind):
    """What goes into ours, and the three that say the same to PyTorch's, True = hidden."""
    lengths = torch.tensor([T, 3, 4])
    padding = padding_mask(lengths)
    hidden = {"src_mask": None, "src_key_padding_mask": None}
    mask = None
    if kind in ("padding", "both"):
        mask, hidden["src_key_padding_mask"] = padding[:, None], ~padding
    if kind in ("causal", "both"):
        hidden["src_mask"] = ~causal_mask(T)
    if kind == "each":
        mask = torch.rand(B, T, T) > 0.4
        mask |= torch.eye(T, dtype=torch.bool)
        hidden["src_mask"] = ~mask.repeat_interleave(H, dim=0)  # (B * H, T, T)
    return {"mask": mask, "is_causal": kind in ("causal", "both")}, hidden


def runs(ours, reference, kind):
    """The same call of the two: both leaves of a decoder, one of an encoder."""
    options, hidden = masks(kind)
    if isinstance(ours, EncoderBlock):
        return lambda x: ours(x, **options), lambda x: reference(x, **hidden)
    options["memory_mask"] = None
    seen = None
    if kind == "each":
        options["memory_mask"] = torch.rand(B, T, T_S) > 0.4
        options["memory_mask"][..., 0] = True
        seen = ~options["memory_mask"].repeat_interleave(H, dim=0)
    padding = padding_mask(torch.tensor([2, T_S, 4]))
    if kind in ("padding", "both"):
        options["memory_mask"] = padding[:, None]
    return lambda x, memory: ours(x, memory, **options), lambda x, memory: reference(
        x,
        memory,
        tgt_mask=hidden["src_mask"],
        tgt_key_padding_mask=hidden["src_key_padding_mask"],
        memory_mask=seen,
        memory_key_padding_mask=~padding if kind in ("padding", "both") else None,
    )


def leaves_of(block, batch=B, dtype=torch.float64):
    leaves = [torch.randn(batch, T, C), torch.randn(batch, T_S, C)]
    return [leaf.to(dtype) for leaf in leaves[: 1 if block is EncoderBlock else 2]]


@blocks
@orders
@bends
@kinds
def test_equals_torch_in_values_and_all_gradients(block, norm_order, activation, kind):
    ours, reference = pair(block, norm_order=norm_order, activation=activation)
    compare(ours, reference, runs(ours, reference, kind), leaves_of(block))


@blocks
@orders
@pytest.mark.parametrize(("activation", "bias"), [("relu", False), ("gelu_tanh", True)])
def test_equals_torch_without_biases_and_with_the_other_gelu(block, norm_order, activation, bias):
    ours, reference = pair(block, norm_order=norm_order, activation=activation, bias=bias)
    compare(ours, reference, runs(ours, reference, "both"), leaves_of(block))


@blocks
@orders
def test_dropout_falls_in_the_same_places_as_torchs(block, norm_order):
    """Of one sentence, whose features PyTorch's attention leaves in the same order in memory."""
    ours, reference = pair(block, norm_order=norm_order, dropout=0.3)
    options = {} if block is EncoderBlock else {"is_causal": False}

    def seeded(module, **options):
        def run(*leaves):
            torch.manual_seed(3)
            return module(*leaves, **options)

        return run

    compare(ours, reference, (seeded(ours, **options), seeded(reference)), leaves_of(block, 1))


def compare(ours, reference, calls, leaves):
    mine = values_and_gradients(ours, calls[0], leaves)
    theirs = values_and_gradients(reference, calls[1], leaves)
    for a, b in zip(mine, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-10)
    tensors = pairs_of_tensors(ours, reference)
    assert {id(p) for p in ours.parameters()} == {id(a) for a, _, _ in tensors}
    assert {id(p) for p in reference.parameters()} == {id(b) for _, b, _ in tensors}
    for a, b, rows in tensors:
        assert torch.equal(a, b[rows])
        torch.testing.assert_close(a.grad, b.grad[rows], rtol=0, atol=1e-10)


@blocks
@orders
@bends
@pytest.mark.parametrize("kind", ["none", "padding", "causal"])
def test_equals_torch_in_evaluation(block, norm_order, activation, kind, monkeypatch):
    """Where PyTorch's encoder layer takes a path of its own, in one kernel."""
    ours, reference = pair(block, norm_order=norm_order, activation=activation, dropout=0.3)
    ours.eval(), reference.eval()
    kernel, calls = torch._transformer_encoder_layer_fwd, []

    def spy(*arguments):
        calls.append(arguments)
        return kernel(*arguments)

    monkeypatch.setattr(torch, "_transformer_encoder_layer_fwd", spy)
    leaves = leaves_of(block)
    with torch.no_grad():
        mine, theirs = (run(*leaves) for run in runs(ours, reference, kind))
    assert len(calls) == (block is EncoderBlock)
    real = slice(None)
    if kind == "padding":
        real = padding_mask(torch.tensor([T, 3, 4]))
    torch.testing.assert_close(mine[real], theirs[real], rtol=0, atol=1e-10)


@blocks
@orders
@low
def test_low_precision_errs_at_most_twice_as_much_as_torchs(block, norm_order, dtype):
    """In root mean square: the largest of few errors is a matter of luck after so many steps."""
    ours, reference = (
        module.to(dtype) for module in pair(block, norm_order=norm_order, activation="gelu")
    )
    exact = copy.deepcopy(reference).double()
    leaves = [leaf.repeat(5, 1, 1) for leaf in leaves_of(block, dtype=dtype)]
    leaves = [leaf + torch.randn_like(leaf) for leaf in leaves]
    options = {} if block is EncoderBlock else {"is_causal": False}
    results = (
        values_and_gradients(exact, exact, [leaf.double() for leaf in leaves]),
        values_and_gradients(ours, lambda *leaves: ours(*leaves, **options), leaves),
        values_and_gradients(reference, reference, leaves),
    )
    for e, a, b in zip(*results, strict=True):
        assert a.dtype == dtype
        assert (a - e).norm() <= 2 * (b - e).norm()


@blocks
@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (F.relu, "relu"),
        (torch.relu, "relu"),
        (nn.ReLU(), "relu"),
        (F.gelu, "gelu"),
        (nn.GELU(), "gelu"),
        (nn.GELU("tanh"), "gelu_tanh"),
    ],
)
def test_functions_and_modules_are_known(block, activation, name):
    layer, load = LAYERS[block]
    reference = layer(C, H, D_FF, activation=activation, norm_first=True)
    load(block(C, H, D_FF, activation=name), reference)
    other = "gelu" if name != "gelu" else "relu"
    with pytest.raises(ValueError, match=f"ours must have activation='{name}'.*got '{other}'"):
        load(block(C, H, D_FF, activation=other), reference)


@blocks
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"norm_order": "post"}, "ours must have norm_order='pre' as the reference, got 'post'"),
        ({"norm": "rms"}, "ours must have norm='LayerNorm' as the reference, got 'RMSNorm'"),
        ({"activation": "swiglu"}, "ours must have activation='relu'.*got 'swiglu'"),
        ({"bias": False}, "ours must have bias=True as the reference, got False"),
        ({"num_kv_heads": 2}, "ours must have num_kv_heads=4 as the reference, got 2"),
        ({"qk_norm": True}, "ours must have no qk_norm"),
        ({"d_ff": 6}, "ours must have d_ff=7 as the reference, got 6"),
        ({"num_heads": 2}, "ours must have num_heads=4 as the reference, got 2"),
        ({"d_model": 16}, "ours must have d_model=8 as the reference, got 16"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_copied(block, changes, message):
    layer, load = LAYERS[block]
    sizes = {"d_model": C, "num_heads": H, "d_ff": D_FF}
    ours = block(**(sizes | changes))
    before = copy.deepcopy(ours.state_dict())
    with pytest.raises(ValueError, match=message):
        load(ours, layer(C, H, D_FF, norm_first=True))
    assert all(torch.equal(before[name], tensor) for name, tensor in ours.state_dict().items())


@blocks
def test_an_odd_reference_is_refused(block):
    layer, load = LAYERS[block]
    ours = block(C, H, D_FF)
    before = copy.deepcopy(ours.state_dict())
    with pytest.raises(ValueError, match=r"eps in its norms=0\.01 as the reference, got 1e-05"):
        load(ours, layer(C, H, D_FF, layer_norm_eps=0.01, norm_first=True))
    with pytest.raises(ValueError, match=r"reference must have relu or gelu.*got <built-in.*tanh"):
        load(ours, layer(C, H, D_FF, activation=torch.tanh, norm_first=True))
    reference = layer(C, H, D_FF, norm_first=True)
    reference.linear2 = nn.Linear(D_FF, C, bias=False)
    with pytest.raises(ValueError, match="ours must have bias=False as the reference, got True"):
        load(ours, reference)
    assert all(torch.equal(before[name], tensor) for name, tensor in ours.state_dict().items())


@blocks
def test_the_dtype_and_the_reference_stay(block):
    layer, load = LAYERS[block]
    reference = layer(C, H, D_FF, norm_first=True)
    before = copy.deepcopy(reference.state_dict())
    ours = block(C, H, D_FF).bfloat16()
    load(ours, reference)
    assert all(parameter.dtype == torch.bfloat16 for parameter in ours.parameters())
    assert all(torch.equal(before[name], x) for name, x in reference.state_dict().items())
    torch.testing.assert_close(
        ours.feed_forward.up_proj.weight, reference.linear1.weight.bfloat16()
    )
