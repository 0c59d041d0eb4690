import copy
import math

import pytest
import torch
from torch import nn

from txlib.attention import causal_mask
from txlib.interop import load_transformer
from txlib.models import Transformer, TransformerConfig

B, T_S, T_T, V_S, V_T, C, H, FF, L = 3, 6, 5, 11, 13, 8, 4, 7, 2
SIZES = {
    "source_vocab_size": V_S,
    "target_vocab_size": V_T,
    "d_model": C,
    "num_heads": H,
    "num_layers": L,
    "d_ff": FF,
}
SOURCE_MASK = torch.arange(T_S) < torch.tensor([4, T_S, 1])[:, None]
TARGET_MASK = torch.arange(T_T) < torch.tensor([T_T, 2, 3])[:, None]
orders = pytest.mark.parametrize("norm_order", ["pre", "post"])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def stacks(norm_order="post", *, activation="relu", last_norm=None, **options):
    """`nn.Transformer` with no parameter at a fresh one's value, and norms only where ours are."""
    last_norm = norm_order == "pre" if last_norm is None else last_norm
    options = {"norm_first": norm_order == "pre", "batch_first": True, "dropout": 0.0} | options
    layer = (C, H, FF)
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(*layer, activation=activation, **options),
        L,
        nn.LayerNorm(C) if last_norm else None,
        enable_nested_tensor=False,
    )
    decoder = nn.TransformerDecoder(
        nn.TransformerDecoderLayer(*layer, activation=activation, **options),
        L,
        nn.LayerNorm(C) if last_norm else None,
    )
    reference = nn.Transformer(
        C, H, L, L, FF, custom_encoder=encoder, custom_decoder=decoder, batch_first=True
    )
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(torch.randn_like(parameter) / 4)
    return reference.double()


def transformer(**options):
    return Transformer(TransformerConfig(**SIZES | options)).double()


class Whole(nn.Module):
    """PyTorch's stacks between the same embeddings, positions and logits as ours."""

    def __init__(self, ours, reference):
        super().__init__()
        self.stacks = reference
        for name in ("source_embedding", "target_embedding", "source_positions", "out_proj"):
            setattr(self, name, copy.deepcopy(getattr(ours, name)))

    def forward(self, source, source_mask, target_in, target_mask):
        streams = (
            self.source_positions(table(tokens) * math.sqrt(C))
            for table, tokens in (
                (self.source_embedding, source),
                (self.target_embedding, target_in),
            )
        )
        features = self.stacks(
            *streams,
            tgt_mask=~causal_mask(target_in.shape[1]),
            src_key_padding_mask=~source_mask,
            tgt_key_padding_mask=~target_mask,
            memory_key_padding_mask=~source_mask,
        )
        return self.out_proj(features)


def pairs_of_tensors(ours, whole):
    """Our parameters beside (rows of) the reference's, written without the loader."""
    same = [
        (getattr(ours, name), getattr(whole, name))
        for name in ("source_embedding", "target_embedding", "out_proj")
    ]
    rows = {"q_proj": slice(0, C), "k_proj": slice(C, 2 * C), "v_proj": slice(2 * C, 3 * C)}
    attentions = []
    for side in ("encoder", "decoder"):
        stack = getattr(whole.stacks, side)
        if stack.norm is not None:
            same.append((getattr(ours, f"{side}_norm"), stack.norm))
        for block, layer in zip(getattr(ours, side), stack.layers, strict=True):
            same += [(block.feed_forward.up_proj, layer.linear1)]
            same += [(block.feed_forward.down_proj, layer.linear2)]
            same += [(block.attention_norm, layer.norm1)]
            attentions += [(block.attention, layer.self_attn)]
            if side == "decoder":
                same += [(block.cross_attention_norm, layer.norm2)]
                same += [(block.feed_forward_norm, layer.norm3)]
                attentions += [(block.cross_attention, layer.multihead_attn)]
            else:
                same += [(block.feed_forward_norm, layer.norm2)]
    for mine, theirs in attentions:
        same.append((mine.out_proj, theirs.out_proj))
        for name, where in rows.items():
            yield getattr(mine, name).weight, theirs.in_proj_weight, where
            yield getattr(mine, name).bias, theirs.in_proj_bias, where
    for mine, theirs in same:
        for name, parameter in mine.named_parameters():
            yield parameter, theirs.get_parameter(name), ...


@orders
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_equals_torch_in_values_and_every_gradient(norm_order, activation):
    """With padding on both sides, of which the loss counts none, as in training."""
    ours = transformer(norm_order=norm_order, activation=activation)
    with torch.no_grad():
        ours.out_proj.bias.normal_()
    whole = Whole(ours, stacks(norm_order, activation=activation))
    load_transformer(ours, whole.stacks)
    source = torch.randint(3, V_S, (B, T_S)).masked_fill(~SOURCE_MASK, 0)
    target_in = torch.randint(3, V_T, (B, T_T)).masked_fill(~TARGET_MASK, 0)
    logits = ours(source, SOURCE_MASK, target_in)[TARGET_MASK]
    expected = whole(source, SOURCE_MASK, target_in, TARGET_MASK)[TARGET_MASK]
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)
    direction = torch.randn_like(logits)
    for out in (logits, expected):
        (out * direction).sum().backward()
    tensors = list(pairs_of_tensors(ours, whole))
    assert {id(p) for p in ours.parameters()} == {id(a) for a, _, _ in tensors}
    assert {id(p) for p in whole.parameters()} == {id(b) for _, b, _ in tensors}
    for a, b, rows in tensors:
        assert a.equal(b[rows])
        torch.testing.assert_close(a.grad, b.grad[rows], rtol=0, atol=1e-10)


@orders
def test_equals_torchs_own_evaluation(norm_order):
    """Where PyTorch's encoder runs a kernel of its own."""
    ours = transformer(norm_order=norm_order, dropout=0.5).eval()
    whole = Whole(ours, stacks(norm_order, dropout=0.5)).eval()
    load_transformer(ours, whole.stacks)
    source = torch.randint(3, V_S, (B, T_S))
    target_in = torch.randint(3, V_T, (B, T_T))
    mask = torch.ones(B, T_T, dtype=torch.bool)
    with torch.no_grad():
        logits = ours(source, SOURCE_MASK, target_in)
        expected = whole(source, SOURCE_MASK, target_in, mask)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-10)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")
def test_a_plain_pre_norm_transformer_fits_and_a_post_norm_one_does_not():
    sizes = {"d_model": C, "nhead": H, "num_encoder_layers": L, "num_decoder_layers": L}
    sizes |= {"dim_feedforward": FF, "batch_first": True}
    load_transformer(transformer(norm_order="pre"), nn.Transformer(**sizes, norm_first=True))
    ours = transformer()
    before = copy.deepcopy(ours.state_dict())
    with pytest.raises(ValueError, match=r"encoder must be made with norm=None, .* got LayerNorm"):
        load_transformer(ours, nn.Transformer(**sizes))
    assert all(before[name].equal(tensor) for name, tensor in ours.state_dict().items())


def test_embeddings_the_dtype_and_the_reference_stay():
    ours, reference = transformer().bfloat16(), stacks()
    table, before = ours.source_embedding.weight.clone(), copy.deepcopy(reference.state_dict())
    load_transformer(ours, reference)
    assert ours.source_embedding.weight.equal(table)
    assert {parameter.dtype for parameter in ours.parameters()} == {torch.bfloat16}
    assert all(before[name].equal(tensor) for name, tensor in reference.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_layers": 3}, "ours must have num_layers=2 as the reference's encoder, got 3"),
        ({"norm_order": "post"}, "ours must have norm_order='pre' as the reference, got 'post'"),
        ({"activation": "gelu"}, "ours must have activation='relu' as the reference, got 'gelu'"),
        ({"d_model": 16}, "ours must have d_model=8 as the reference, got 16"),
        ({"num_heads": 2}, "ours must have num_heads=4 as the reference, got 2"),
        ({"d_ff": 9}, "ours must have d_ff=7 as the reference, got 9"),
        ({"positions": "rope"}, "ours must have no rotary, as the reference has none"),
        ({"positions": "t5"}, "ours must have no score_bias, as the reference has none"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_copied(changes, message):
    ours = transformer(**{"norm_order": "pre"} | changes)
    before = copy.deepcopy(ours.state_dict())
    with pytest.raises(ValueError, match=message):
        load_transformer(ours, stacks("pre"))
    assert all(before[name].equal(tensor) for name, tensor in ours.state_dict().items())


def test_an_odd_last_norm_is_refused():
    ours = transformer(norm_order="pre")
    with pytest.raises(ValueError, match="reference's encoder must have a norm after its last"):
        load_transformer(ours, stacks("pre", last_norm=False))
    reference = stacks("pre")
    reference.decoder.norm.eps = 0.1
    with pytest.raises(ValueError, match=r"ours must have eps=0\.1 as the reference's last norm"):
        load_transformer(ours, reference)
    reference.decoder.norm = nn.LayerNorm(C, bias=False)
    with pytest.raises(ValueError, match="reference's decoder must have a norm with bias"):
        load_transformer(ours, reference)
