import dataclasses

import pytest
import torch
from torch.nn import functional as F

from txlib.recurrent import LSTM, LSTMTranslator, Seq2SeqConfig

B, T_S, T_T, V_S, V_T, E, H, L = 3, 6, 4, 11, 13, 7, 5, 2
PAD, BOS, EOS = 0, 1, 2
MASK = torch.arange(T_S) < torch.tensor([4, 6, 1])[:, None]
SIZES = {
    "source_vocab_size": V_S,
    "target_vocab_size": V_T,
    "d_embedding": E,
    "hidden_size": H,
    "num_layers": L,
}
VARIANTS = {
    "plain": {},
    "bidirectional": {"bidirectional": True},
    "reversed": {"reverse_source": True},
    "one layer": {"num_layers": 1},
}


def translator(**options):
    return LSTMTranslator(Seq2SeqConfig(**{**SIZES, **options}))


@pytest.fixture
def source():
    return torch.randint(3, V_S, (B, T_S)).masked_fill(~MASK, PAD)


@pytest.fixture
def target_in():
    return torch.cat((torch.full((B, 1), BOS), torch.randint(3, V_T, (B, T_T - 1))), dim=1)


def test_greedy_by_hand(source):
    model = translator()
    with torch.no_grad():
        model.out_proj.weight.zero_()
        model.out_proj.bias[9] = 9.0  # the likeliest token whatever the state
    decoded = model.greedy_decode(source, MASK, max_new_tokens=T_T)
    assert decoded.tolist() == [[9] * T_T] * B
    assert decoded.dtype == torch.int64


@pytest.mark.parametrize("bidirectional", [False, True])
def test_equals_the_readable_lstm_in_values_and_gradients(source, target_in, bidirectional):
    model = translator(bidirectional=bidirectional).double()
    encoder = LSTM(E, H, L, bidirectional=bidirectional).double()
    decoder = LSTM(E, H, L).double()
    encoder.load_state_dict(model.encoder.lstm.state_dict())
    decoder.load_state_dict(model.decoder.state_dict())

    _, state = encoder(model.encoder.embedding(source), mask=MASK)
    if bidirectional:
        h, c = (s.view(L, 2, B, H).transpose(1, 2).reshape(L, B, 2 * H) for s in state)
        h = torch.stack([model.bridge.hidden[k](h[k]) for k in range(L)]).tanh()
        c = torch.stack([model.bridge.cell[k](c[k]) for k in range(L)])
        state = (h, c)
    expected = model.out_proj(decoder(model.embedding(target_in), state)[0])
    logits = model(source, MASK, target_in)
    assert logits.shape == (B, T_T, V_T)
    torch.testing.assert_close(logits, expected)

    shared = [model.encoder.embedding.weight, model.embedding.weight, *model.bridge.parameters()]
    readable = [*encoder.parameters(), *decoder.parameters()]
    fused = [*model.encoder.lstm.parameters(), *model.decoder.parameters()]
    for a, b in zip(
        torch.autograd.grad(logits.square().sum(), shared + fused),
        torch.autograd.grad(expected.square().sum(), shared + readable),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_greedy_is_argmax_of_forward_on_growing_prefixes(source, options):
    model = translator(**options).double()
    with torch.no_grad():
        model.out_proj.weight.mul_(20)  # far enough from uniform for sentences of several lengths
        model.out_proj.bias.zero_()
    steps, lengths = 30, []
    decoded = model.greedy_decode(source, MASK, max_new_tokens=steps)
    for b in range(B):
        prefix = [BOS]
        while len(prefix) <= steps and prefix[-1] != EOS:
            logits = model(source[b : b + 1], MASK[b : b + 1], torch.tensor([prefix]))
            prefix.append(logits[0, -1].argmax().item())
        row = prefix[1:]
        lengths.append(len(row))
        assert decoded[b].tolist() == row + [PAD] * (decoded.shape[1] - len(row))
    assert decoded.shape[1] == max(lengths)


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_the_sentence_passes_through_a_state_of_fixed_size(source, target_in, options):
    model = translator(**options)
    state = model.encode(source, MASK)
    assert sum(s.numel() for s in state) == B * model.state_size
    assert model.state_size == 2 * options.get("num_layers", L) * H
    torch.testing.assert_close(model.decode(state, target_in), model(source, MASK, target_in))
    long = torch.randint(3, V_S, (B, 50))
    assert model.encode(long, torch.ones_like(long, dtype=torch.bool))[0].shape == state[0].shape


def test_padding_changes_nothing(source, target_in):
    model = translator(bidirectional=True).double()
    logits = model(source, MASK, target_in)
    wider = F.pad(source, (0, 3), value=8), F.pad(MASK, (0, 3))
    torch.testing.assert_close(model(*wider, F.pad(target_in, (0, 2)))[:, :T_T], logits)


def test_padding_token_is_a_zero_vector_on_both_sides():
    model = translator(pad_id=7)
    assert model.encoder.embedding.weight[7].eq(0).all()
    assert model.embedding.weight[7].eq(0).all()


def test_logits_do_not_see_later_target_tokens(source, target_in):
    model = translator()
    changed = target_in.clone()
    changed[:, 2:] = 12 - changed[:, 2:]
    before, after = (model(source, MASK, t) for t in (target_in, changed))
    torch.testing.assert_close(before[:, :2], after[:, :2], rtol=0, atol=0)
    assert not torch.allclose(before[:, 2:], after[:, 2:])


def test_reversed_source_equals_a_plain_reader_of_the_reversed_sentence(source, target_in):
    plain, reversing = translator(), translator(reverse_source=True)
    reversing.load_state_dict(plain.state_dict())
    whole = torch.ones_like(MASK)
    expected = plain(source.flip(1), whole, target_in)
    torch.testing.assert_close(reversing(source, whole, target_in), expected)


def test_greedy_runs_without_dropout_and_gradients(source):
    model = translator(dropout=0.9)
    first, second = (model.greedy_decode(source, MASK, max_new_tokens=9) for _ in range(2))
    assert torch.equal(first, second)
    assert model.training


def test_dropout_falls_on_embeddings_between_layers_and_before_the_logits(source, target_in):
    model = translator(dropout=0.5)
    seen = []
    for module in (model.encoder.lstm, model.decoder, model.out_proj):
        module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(source, MASK, target_in)
    for dropped in seen:
        dropped = getattr(dropped, "data", dropped)  # the encoder's is packed
        assert 0.1 < dropped.eq(0).float().mean() < 0.9
    assert len(seen) == 3
    assert model.encoder.lstm.dropout == model.decoder.dropout == 0.5


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_row_without_tokens_and_one_token(source, target_in, options):
    model = translator(**options)
    mask = MASK.clone()
    mask[1] = False
    logits = model(source, mask, target_in)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    assert model.greedy_decode(source[:1, :1], mask[:1, :1], max_new_tokens=1).shape == (1, 1)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_autocast_stays_near_float32(source, target_in, bidirectional, dtype):
    model = translator(bidirectional=bidirectional)
    full = model(source, MASK, target_in)
    with torch.autocast("cpu", dtype):
        low = model(source, MASK, target_in)
        assert model.greedy_decode(source, MASK, max_new_tokens=3).shape[0] == B
    low.float().sum().backward()
    torch.testing.assert_close(low.float(), full, rtol=0, atol=0.03)
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_learns_eight_pairs_exactly():
    torch.manual_seed(0)
    pairs, length = 8, 5
    source = torch.randint(3, V_S, (pairs, length))
    mask = torch.arange(length) < torch.randint(2, length + 1, (pairs, 1))
    target = (source + 2).flip(1).masked_fill(~mask.flip(1), PAD)
    target = torch.stack([torch.cat((row[row > 0], row[row == 0])) for row in target])
    target_in = F.pad(target, (1, 0), value=BOS)
    target_out = F.pad(target, (0, 1), value=PAD)
    target_out[torch.arange(pairs), mask.sum(dim=1)] = EOS
    model = translator(hidden_size=32, num_layers=1, bidirectional=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        logits = model(source, mask, target_in)
        loss = F.cross_entropy(logits.transpose(1, 2), target_out, ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    decoded = model.greedy_decode(source, mask, max_new_tokens=2 * length)
    assert decoded.tolist() == target_out[:, : decoded.shape[1]].tolist()


def test_config_is_frozen_and_keyword_only():
    config = Seq2SeqConfig(**SIZES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.hidden_size = 9
    with pytest.raises(TypeError, match="positional"):
        Seq2SeqConfig(V_S, V_T)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"d_embedding": 0}, "d_embedding must be at least 1, got 0"),
        ({"hidden_size": -1}, "hidden_size must be at least 1, got -1"),
        ({"num_layers": 0}, "num_layers must be at least 1, got 0"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": -0.5}, r"dropout must be in \[0, 1\), got -0.5"),
        ({"bos_id": 2}, r"must be distinct and not negative, got \(0, 2, 2\)"),
        ({"pad_id": -1}, r"must be distinct and not negative, got \(-1, 1, 2\)"),
        ({"source_vocab_size": 2}, "source_vocab_size must be more than .* special id, 2, got 2"),
        ({"target_vocab_size": 5, "eos_id": 5}, "target_vocab_size must be more than .*, 5, got 5"),
    ],
)
def test_bad_config(changed, message):
    with pytest.raises(ValueError, match=message):
        Seq2SeqConfig(**{**SIZES, **changed})


def test_bad_arguments(source, target_in):
    model = translator()
    with pytest.raises(ValueError, match=r"source must be integers \(B, T\), got .* of \(6,\)"):
        model(source[0], MASK[0], target_in)
    with pytest.raises(ValueError, match=r"mask must be bool of source's shape"):
        model(source, MASK[:, :4], target_in)
    with pytest.raises(ValueError, match=r"mask must be bool"):
        model(source, MASK.float(), target_in)
    with pytest.raises(ValueError, match=r"target_in must be integers \(B, T_t\), got .*\(4,\)"):
        model(source, MASK, target_in[0])
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        model.greedy_decode(source, MASK, max_new_tokens=0)
