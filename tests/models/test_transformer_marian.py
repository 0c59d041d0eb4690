"""The whole translator beside transformers' Marian, the 2017 model under another name."""

import pytest
import torch

from txlib.models import Transformer, TransformerConfig
from txlib.positions import sinusoidal_encoding

B, T_S, T_T, V_S, V_T, C, H, FF, L = 7, 6, 5, 11, 13, 8, 4, 20, 2
PAD, BOS, EOS = 0, 1, 2
MASK = torch.arange(T_S) < torch.tensor([4, 6, 2, 5, 6, 3, 1])[:, None]
ATTENTION = {"q_proj": "q_proj", "k_proj": "k_proj", "v_proj": "v_proj", "out_proj": "out_proj"}
BLOCK = {
    "attention": "self_attn",
    "attention_norm": "self_attn_layer_norm",
    "cross_attention": "encoder_attn",
    "cross_attention_norm": "encoder_attn_layer_norm",
    "feed_forward.up_proj": "fc1",
    "feed_forward.down_proj": "fc2",
    "feed_forward_norm": "final_layer_norm",
}


@pytest.fixture
def source():
    return torch.randint(3, V_S, (B, T_S)).masked_fill(~MASK, PAD)


@pytest.fixture
def pair():
    """Ours, and Marian with its weights; none is a fresh model's."""
    torch.manual_seed(7)
    transformers = pytest.importorskip("transformers")
    side = {"layers": L, "attention_heads": H, "ffn_dim": FF}
    config = transformers.MarianConfig(
        vocab_size=V_S,
        decoder_vocab_size=V_T,
        d_model=C,
        **{
            f"{name}_{key}": value for name in ("encoder", "decoder") for key, value in side.items()
        },
        activation_function="relu",
        scale_embedding=True,
        share_encoder_decoder_embeddings=False,
        max_position_embeddings=32,
        dropout=0.0,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        decoder_start_token_id=BOS,
        forced_eos_token_id=None,
        tie_word_embeddings=False,
    )
    theirs = transformers.MarianMTModel(config).eval()
    sizes = {"source_vocab_size": V_S, "target_vocab_size": V_T, "d_model": C, "num_heads": H}
    ours = Transformer(TransformerConfig(**sizes, num_layers=L, d_ff=FF))
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.6)
        theirs.lm_head.weight.copy_(ours.out_proj.weight)
        theirs.final_logits_bias.copy_(ours.out_proj.bias)
        for mine, his in zip(
            (ours.source_embedding, ours.target_embedding),
            (theirs.model.encoder, theirs.model.decoder),
            strict=True,
        ):
            his.embed_tokens.weight.copy_(mine.weight)
            his.embed_positions.weight.copy_(sinusoidal_encoding(32, C))
    for blocks, layers in (
        (ours.encoder, theirs.model.encoder.layers),
        (ours.decoder, theirs.model.decoder.layers),
    ):
        for block, layer in zip(blocks, layers, strict=True):
            state = {}
            for mine, his in BLOCK.items():
                if mine.startswith("cross") and blocks is ours.encoder:
                    continue
                for name, tensor in block.get_submodule(mine).state_dict().items():
                    state[f"{his}.{name}"] = tensor
            layer.load_state_dict(state)
    return ours, theirs


def strip(rows):
    return [row[: row.index(EOS) + 1] if EOS in row else row for row in rows.tolist()]


def test_logits_agree(pair, source):
    ours, theirs = pair
    target_in = torch.cat((torch.full((B, 1), BOS), torch.randint(3, V_T, (B, T_T - 1))), dim=1)
    with torch.no_grad():
        expected = theirs(source, attention_mask=MASK.long(), decoder_input_ids=target_in).logits
        logits = ours(source, MASK, target_in)
    assert expected.std() > 1
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("endless", [False, True])
@pytest.mark.parametrize("beam_size", [1, 2, 4])
def test_translations_agree(pair, source, beam_size, endless):
    """Where one beginning ends and another is cut, transformers ranks them alike: left out."""
    ours, theirs = pair
    with torch.no_grad():
        ours.out_proj.bias[EOS] = theirs.final_logits_bias[0, EOS] = -1e4 if endless else 3.0
    expected = theirs.generate(
        source,
        attention_mask=MASK.long(),
        num_beams=beam_size,
        max_new_tokens=9,
        do_sample=False,
        early_stopping=beam_size > 1,
        length_penalty=0.0,
    )[:, 1:]
    found = ours.beam_decode(source, MASK, beam_size=beam_size, max_new_tokens=9)
    both = list(zip(strip(found), strip(expected), strict=True))
    ended = [pair for pair in both if EOS in pair[0]]
    compared = both if endless else ended
    assert len(compared) > 3
    assert (len(ended) == 0) == endless
    assert [a for a, _ in compared] == [b for _, b in compared]
