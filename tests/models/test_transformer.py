import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from txlib.capture import capture_weights
from txlib.interop import load_decoder_block, load_encoder_block
from txlib.layers import LayerNorm
from txlib.models import Transformer, TransformerConfig
from txlib.positions import SCHEMES, sinusoidal_encoding

B, T_S, T_T, V_S, V_T, C, H, FF, L = 3, 6, 4, 11, 13, 8, 2, 20, 2
PAD, BOS, EOS = 0, 1, 2
LENGTHS = [4, 6, 1]
MASK = torch.arange(T_S) < torch.tensor(LENGTHS)[:, None]
SIZES = {
    "source_vocab_size": V_S,
    "target_vocab_size": V_T,
    "d_model": C,
    "num_heads": H,
    "num_layers": L,
    "d_ff": FF,
}


def transformer(**options):
    return Transformer(TransformerConfig(**{**SIZES, **options})).double()


@pytest.fixture
def source():
    return torch.randint(3, V_S, (B, T_S)).masked_fill(~MASK, PAD)


@pytest.fixture
def target_in():
    return torch.cat((torch.full((B, 1), BOS), torch.randint(3, V_T, (B, T_T - 1))), dim=1)


class Reference(nn.Module):
    """The same model of PyTorch's layers; its weights are copied into `ours`."""

    def __init__(self, ours, norm_order):
        super().__init__()
        options = {"norm_first": norm_order == "pre", "batch_first": True, "dropout": 0.0}
        encoder = nn.TransformerEncoderLayer(C, H, FF, **options)
        decoder = nn.TransformerDecoderLayer(C, H, FF, **options)
        norms = (nn.LayerNorm(C) if norm_order == "pre" else None for _ in range(2))
        self.encoder = nn.TransformerEncoder(encoder, L, next(norms), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(decoder, L, next(norms))
        self.source, self.target = nn.Embedding(V_S, C), nn.Embedding(V_T, C)
        self.logits = nn.Linear(C, V_T)
        self.double()
        with torch.no_grad():
            for parameter in self.parameters():  # no norm is the identity, no bias zero
                parameter.add_(torch.randn_like(parameter) * 0.3)
        for block, layer in zip(ours.encoder, self.encoder.layers, strict=True):
            load_encoder_block(block, layer)
        for block, layer in zip(ours.decoder, self.decoder.layers, strict=True):
            load_decoder_block(block, layer)
        pairs = [(ours.source_embedding, self.source), (ours.target_embedding, self.target)]
        pairs += [(ours.out_proj, self.logits)]
        if norm_order == "pre":
            pairs += [(ours.encoder_norm, self.encoder.norm)]
            pairs += [(ours.decoder_norm, self.decoder.norm)]
        for module, theirs in pairs:
            module.load_state_dict(theirs.state_dict())

    def embed(self, table, tokens):
        waves = sinusoidal_encoding(tokens.shape[1], C).double()
        return table(tokens) * math.sqrt(C) + waves

    def forward(self, source, source_mask, target_in):
        future = torch.ones(target_in.shape[1], target_in.shape[1], dtype=torch.bool).triu(1)
        hidden = ~source_mask
        memory = self.encoder(self.embed(self.source, source), src_key_padding_mask=hidden)
        target = self.embed(self.target, target_in)
        return self.logits(
            self.decoder(target, memory, tgt_mask=future, memory_key_padding_mask=hidden)
        )


@pytest.mark.parametrize("norm_order", ["pre", "post"])
def test_agrees_with_torch_in_values_and_gradients(source, target_in, norm_order):
    model = transformer(norm_order=norm_order)
    reference = Reference(model, norm_order)
    logits, expected = (m(source, MASK, target_in) for m in (model, reference))
    assert logits.shape == (B, T_T, V_T)
    torch.testing.assert_close(logits, expected, atol=1e-6, rtol=1e-6)
    for m, out in ((model, logits), (reference, expected)):
        m.zero_grad()
        out.square().sum().backward()
    for ours, theirs in (
        (model.source_embedding, reference.source),
        (model.target_embedding, reference.target),
        (model.encoder[0].feed_forward.up_proj, reference.encoder.layers[0].linear1),
        (
            model.decoder[1].cross_attention.out_proj,
            reference.decoder.layers[1].multihead_attn.out_proj,
        ),
    ):
        real = slice(1, None) if ours is model.source_embedding else slice(None)  # not padding
        torch.testing.assert_close(
            ours.weight.grad[real], theirs.weight.grad[real], atol=1e-5, rtol=1e-5
        )


@pytest.mark.parametrize("positions", SCHEMES)
def test_step_by_step_is_all_at_once(source, target_in, positions):
    model = transformer(positions=positions)
    state, steps = model.encode(source, MASK), []
    for t in range(T_T):
        logits, state = model.advance(state, target_in[:, t : t + 1])
        steps.append(logits)
    torch.testing.assert_close(torch.cat(steps, dim=1), model(source, MASK, target_in))


@pytest.mark.parametrize("positions", SCHEMES)
def test_padding_and_the_future_change_nothing(source, target_in, positions):
    model = transformer(positions=positions)
    logits = model(source, MASK, target_in)
    wider = F.pad(source, (0, 3), value=8), F.pad(MASK, (0, 3))
    torch.testing.assert_close(model(*wider, F.pad(target_in, (0, 2)))[:, :T_T], logits)


@pytest.mark.parametrize("positions", [name for name in SCHEMES if name != "none"])
def test_every_scheme_knows_the_order_of_the_source(source, target_in, positions):
    model = transformer(positions=positions)
    for parameter in model.parameters():  # tables that start at zero know nothing yet
        nn.init.normal_(parameter)
    mask = torch.ones_like(MASK)
    moved = source[:, [1, 2, 0, 3, 4, 5]]
    logits, other = (model(x, mask, target_in) for x in (source, moved))
    assert not torch.allclose(logits, other)


def test_alibi_reads_a_sentence_and_its_mirror_image_alike(source, target_in):
    """Its penalty is the same on both sides; only a causal mask tells them apart."""
    model = transformer(positions="alibi")
    mask = torch.ones_like(MASK)
    logits, mirrored = (model(x, mask, target_in) for x in (source, source.flip(1)))
    torch.testing.assert_close(logits, mirrored)


def test_without_positions_the_source_is_a_bag(source, target_in):
    model = transformer(positions="none")
    logits, turned = (
        model(x, m, target_in) for x, m in ((source, MASK), (source.flip(1), MASK.flip(1)))
    )
    torch.testing.assert_close(logits, turned)


def test_selected_state_follows_its_rows(source, target_in):
    model = transformer()
    rows = torch.tensor([2, 0, 0, 1])
    state = model.encode(source, MASK)
    expected = model.decode(state, target_in)[rows]
    torch.testing.assert_close(model.decode(model.select(state, rows), target_in[rows]), expected)


def test_beam_of_one_is_greedy(source):
    model = transformer()
    greedy = model.greedy_decode(source, MASK, max_new_tokens=9)
    beam = model.beam_decode(source, MASK, beam_size=1, max_new_tokens=9)
    assert torch.equal(beam, greedy)


def test_captured_weights_have_heads_and_change_nothing(source, target_in):
    model = transformer()
    fused = model(source, MASK, target_in)
    with capture_weights(model) as weights:
        readable = model(source, MASK, target_in)
    torch.testing.assert_close(readable, fused)
    (call,) = weights["decoder.1.cross_attention"]
    assert call.shape == (B, H, T_T, T_S)
    assert call.masked_select(~MASK[:, None, None]).eq(0).all()


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("norm_order", ["pre", "post"])
def test_autocast_errs_at_most_twice_as_much_as_the_readable_path(
    source, target_in, norm_order, dtype, device
):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")
    exact = transformer(norm_order=norm_order, d_model=64)
    model = transformer(norm_order=norm_order, d_model=64).float()
    model.load_state_dict(exact.state_dict())
    batch = [x.to(device) for x in (source, MASK, target_in)]
    model = model.to(device)
    with torch.autocast(device, dtype):
        fused = model(*batch)
        with capture_weights(model):
            readable = model(*batch)
        written = model.greedy_decode(*batch[:2], max_new_tokens=3)
    assert fused.dtype == dtype
    assert written.device == batch[0].device
    expected = exact(source, MASK, target_in)
    errors = [(out.cpu().double() - expected).norm() for out in (fused, readable)]
    assert 0 < errors[0] <= 2 * errors[1]
    fused.float().square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_gpu_computes_and_writes_what_the_cpu_does(source, target_in):
    model = transformer()
    logits = model(source, MASK, target_in)
    options = {"beam_size": 3, "max_new_tokens": 6}
    written = model.beam_decode(source, MASK, **options)
    model = model.cuda()
    on_gpu = [x.cuda() for x in (source, MASK, target_in)]
    torch.testing.assert_close(model(*on_gpu).cpu(), logits)
    assert model.beam_decode(*on_gpu[:2], **options).cpu().equal(written)


def test_tied_table_is_one_parameter(source, target_in):
    model = transformer(tie_embeddings=True)
    assert model.out_proj.weight is model.target_embedding.weight
    model(source, MASK, target_in).sum().backward()
    separate = sum(p.numel() for p in transformer().parameters())
    assert sum(p.numel() for p in model.parameters()) == separate - V_T * C - V_T


def test_pre_norm_has_a_norm_after_each_stack():
    assert isinstance(transformer(norm_order="pre").decoder_norm, LayerNorm)
    assert not list(transformer(norm_order="post").decoder_norm.parameters())


def test_embeddings_start_as_long_as_their_sinusoids():
    model = transformer(d_model=256, source_vocab_size=500)
    rows = model.source_embedding.weight[1:] * math.sqrt(256)
    assert rows.square().mean().sqrt().item() == pytest.approx(1, abs=0.05)
    assert model.source_embedding.weight[PAD].eq(0).all()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_heads": 3}, "num_heads must divide d_model, got 3 and 8"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"d_ff": 0}, "d_ff must be at least 1, got 0"),
        ({"norm_order": "both"}, "norm_order must be one of .*, got 'both'"),
        ({"activation": "sin"}, "activation must be one of .*, got 'sin'"),
        ({"positions": "gps"}, "positions must be one of .*, got 'gps'"),
    ],
)
def test_bad_config(changed, message):
    with pytest.raises(ValueError, match=message):
        transformer(**changed)


def test_bad_source(source, target_in):
    model = transformer()
    with pytest.raises(ValueError, match=r"source must be integers \(B, T_s\), got .*\(6,\)"):
        model(source[0], MASK[0], target_in)
    with pytest.raises(ValueError, match=r"source_mask must be bool .*, got float32"):
        model(source, MASK.float(), target_in)
