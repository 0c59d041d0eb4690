import math

import pytest
import torch
from torch.nn import functional as F

from txlib.attention import MultiHeadAttention, SingleHeadAttention
from txlib.capture import capture_weights
from txlib.models import AttentionOnlyConfig, AttentionOnlyTranslator
from txlib.positions import LearnedEncoding, sinusoidal_encoding

B, T_S, T_T, V_S, V_T, C, H = 3, 6, 4, 11, 13, 6, 3
PAD, BOS, EOS = 0, 1, 2
LENGTHS = [4, 6, 1]
MASK = torch.arange(T_S) < torch.tensor(LENGTHS)[:, None]
SIZES = {"source_vocab_size": V_S, "target_vocab_size": V_T, "d_model": C}


def translator(**options):
    return AttentionOnlyTranslator(AttentionOnlyConfig(**{**SIZES, **options})).double()


@pytest.fixture
def source():
    return torch.randint(3, V_S, (B, T_S)).masked_fill(~MASK, PAD)


@pytest.fixture
def target_in():
    return torch.cat((torch.full((B, 1), BOS), torch.randint(3, V_T, (B, T_T - 1))), dim=1)


def test_sinusoids_are_added_to_both_sides(source, target_in):
    model = translator(positions="sinusoidal")
    seen = []
    for look in (model.encoder_look, model.decoder_look):
        look.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[1]))
    model(source, MASK, target_in)
    for memory, table, tokens in (
        (seen[0], model.source_embedding, source),
        (seen[1], model.target_embedding, target_in),
    ):
        waves = sinusoidal_encoding(tokens.shape[1], C).double()
        torch.testing.assert_close(memory, table(tokens) + waves, atol=1e-6, rtol=0)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
@pytest.mark.parametrize("num_heads", [1, H])
def test_with_positions_the_source_is_no_bag(source, target_in, positions, num_heads):
    model = translator(positions=positions, num_heads=num_heads)
    mask = torch.ones_like(MASK)
    logits, turned = (model(x, mask, target_in) for x in (source, source.flip(1)))
    assert not torch.allclose(logits, turned)


@pytest.mark.parametrize("positions", ["none", "sinusoidal", "learned"])
@pytest.mark.parametrize("num_heads", [1, H])
def test_padding_and_the_future_change_nothing(source, target_in, positions, num_heads):
    model = translator(positions=positions, num_heads=num_heads)
    logits = model(source, MASK, target_in)
    wider = F.pad(source, (0, 3), value=8), F.pad(MASK, (0, 3))
    changed = F.pad(target_in, (0, 2), value=5)
    torch.testing.assert_close(model(*wider, changed)[:, :T_T], logits)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
def test_step_by_step_is_all_at_once(source, target_in, positions):
    """Decoding one token at a time, each stands at its own position."""
    model = translator(positions=positions, num_heads=H)
    state, steps = model.encode(source, MASK), []
    for t in range(T_T):
        logits, state = model.advance(state, target_in[:, t : t + 1])
        steps.append(logits)
    torch.testing.assert_close(torch.cat(steps, dim=1), model(source, MASK, target_in))


def test_one_head_is_the_single_look_and_more_are_heads(source, target_in):
    assert isinstance(translator().cross_look.attention, SingleHeadAttention)
    model = translator(num_heads=H)
    assert isinstance(model.cross_look.attention, MultiHeadAttention)
    with capture_weights(model) as weights:
        model(source, MASK, target_in)
    (call,) = weights["cross_look.attention"]
    assert call.shape == (B, H, T_T, T_S)


def test_learns_what_a_bag_of_words_cannot():
    """Two orders of the same words get two translations."""
    bags = torch.tensor([[3, 4, 5], [6, 7, 8], [9, 10, 3], [5, 8, 10]])
    source = torch.cat((bags, bags.flip(1)))
    mask = torch.ones_like(source, dtype=torch.bool)
    target = source + 2
    target_in, target_out = F.pad(target, (1, 0), value=BOS), F.pad(target, (0, 1), value=EOS)
    exact = {}
    for positions in ("none", "sinusoidal"):
        torch.manual_seed(0)
        model = translator(d_model=24, positions=positions)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(120):
            loss = F.cross_entropy(model(source, mask, target_in).transpose(1, 2), target_out)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        decoded = model.greedy_decode(source, mask, max_new_tokens=4)
        decoded = F.pad(decoded, (0, 4 - decoded.shape[1]))
        exact[positions] = (decoded == target_out).all(dim=1).sum().item()
    assert exact["none"] <= 4
    assert exact["sinusoidal"] == 8


def test_learned_positions_end_with_their_table(source, target_in):
    model = translator(positions="learned", max_seq_len=T_S - 1)
    assert isinstance(model.target_positions, LearnedEncoding)
    with pytest.raises(ValueError, match=f"max_seq_len.*{T_S - 1}"):
        model(source, MASK, target_in)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_heads": 4}, "num_heads must divide d_model, got 4 and 6"),
        ({"num_heads": 0}, "num_heads must be at least 1, got 0"),
        ({"max_seq_len": 0}, "max_seq_len must be at least 1, got 0"),
        ({"positions": "rope"}, r"positions must be one of \('none', .*\), got 'rope'"),
    ],
)
def test_bad_config(changed, message):
    with pytest.raises(ValueError, match=message):
        AttentionOnlyConfig(**{**SIZES, **changed})


def test_heads_scale_by_their_own_size(source, target_in):
    """Each head divides by the root of its own D, not of C."""
    model = translator(num_heads=H)
    attention = model.encoder_look.attention
    with capture_weights(model) as weights:
        model(source, MASK, target_in)
    embedded = model.source_embedding(source)
    D = C // H
    for head in range(H):
        rows = slice(head * D, (head + 1) * D)
        query = embedded @ attention.q_proj.weight[rows].T
        key = embedded @ attention.k_proj.weight[rows].T
        scores = (query @ key.mT / math.sqrt(D)).masked_fill(~MASK[:, None], -torch.inf)
        (call,) = weights["encoder_look.attention"]
        torch.testing.assert_close(call[:, head], scores.softmax(dim=-1))
