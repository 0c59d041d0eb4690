import dataclasses
import math

import pytest
import torch
from torch.nn import functional as F

from txlib.capture import capture_weights
from txlib.models import AttentionOnlyConfig, AttentionOnlyTranslator

B, T_S, T_T, V_S, V_T, C = 3, 6, 4, 11, 13, 5
PAD, BOS, EOS = 0, 1, 2
LENGTHS = [4, 6, 1]
MASK = torch.arange(T_S) < torch.tensor(LENGTHS)[:, None]
SIZES = {"source_vocab_size": V_S, "target_vocab_size": V_T, "d_model": C}
LOOKS = ("encoder_look", "decoder_look", "cross_look")


def translator(**options):
    return AttentionOnlyTranslator(AttentionOnlyConfig(**{**SIZES, **options}))


def decided():
    """A model in float64 whose large weights make it write differently for each sentence."""
    model = translator().double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model


@pytest.fixture
def source():
    return torch.randint(3, V_S, (B, T_S)).masked_fill(~MASK, PAD)


@pytest.fixture
def many():
    """Forty sentences and their mask."""
    mask = torch.arange(T_S) < torch.randint(1, T_S + 1, (40, 1))
    return torch.randint(3, V_S, mask.shape).masked_fill(~mask, PAD), mask


@pytest.fixture
def target_in():
    return torch.cat((torch.full((B, 1), BOS), torch.randint(3, V_T, (B, T_T - 1))), dim=1)


def look_by_loops(look, query, memory):
    """One query, one key at a time: tanh(W [x; c]) of vectors."""
    weights = look.attention
    exponents, values = [], []
    for place in memory:
        dot = (weights.q_proj.weight @ query) @ (weights.k_proj.weight @ place)
        exponents.append((dot / math.sqrt(C)).exp())
        values.append(weights.v_proj.weight @ place)
    context = sum(e * v for e, v in zip(exponents, values, strict=True)) / sum(exponents)
    return (look.combine.weight @ torch.cat((query, context)) + look.combine.bias).tanh()


def translate_by_loops(model, source, target_in):
    """Logits for one sentence without padding, every position from the words up to it alone."""
    words = [model.source_embedding.weight[token] for token in source]
    memory = [look_by_loops(model.encoder_look, word, words) for word in words]
    written = [model.target_embedding.weight[token] for token in target_in]
    logits = []
    for t, word in enumerate(written):
        query = look_by_loops(model.decoder_look, word, written[: t + 1])
        found = look_by_loops(model.cross_look, query, memory)
        logits.append(model.out_proj.weight @ found + model.out_proj.bias)
    return torch.stack(logits)


def test_by_hand():
    """Every combining layer passes its context on, every look sees all keys alike."""
    model = translator(d_model=2).double()
    with torch.no_grad():
        for name in LOOKS:
            look = getattr(model, name)
            look.attention.q_proj.weight.zero_()
            look.attention.v_proj.weight.copy_(torch.eye(2))
            look.combine.weight.copy_(torch.eye(2).repeat(1, 2) * torch.tensor([0, 0, 1, 1]))
            look.combine.bias.zero_()
        model.source_embedding.weight[3] = torch.tensor([0.2, 0.6])
        model.source_embedding.weight[4] = torch.tensor([0.4, -0.6])
        model.out_proj.weight.zero_()
        model.out_proj.weight[:2] = torch.eye(2)
        model.out_proj.bias.zero_()
    source = torch.tensor([[3, 4, 3, 4, PAD]])
    logits = model(source, source != PAD, torch.tensor([[BOS, 7]]))
    mean = math.tanh(math.tanh(0.3))  # 0.3 and 0: the mean of the two words, through two looks
    expected = torch.tensor([mean, 0.0], dtype=torch.float64).expand(2, 2)
    torch.testing.assert_close(logits[0, :, :2], expected)


def test_equals_loops_in_values_and_gradients(source, target_in):
    model = translator().double()
    logits = model(source, MASK, target_in)
    expected = torch.stack(
        [translate_by_loops(model, source[b, :n], target_in[b]) for b, n in enumerate(LENGTHS)]
    )
    assert logits.shape == (B, T_T, V_T)
    torch.testing.assert_close(logits, expected)
    parameters = list(model.parameters())
    for a, b in zip(
        torch.autograd.grad(logits.square().sum(), parameters),
        torch.autograd.grad(expected.square().sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(a, b)
        assert a.ne(0).any()


def test_readable_path_gives_the_same_and_hands_out_the_weights(source, target_in):
    model = translator().double()
    fused = model(source, MASK, target_in)
    with capture_weights(model) as weights:
        readable = model(source, MASK, target_in)
    torch.testing.assert_close(readable, fused)
    keys = {"encoder_look": MASK[:, None], "cross_look": MASK[:, None]}
    keys["decoder_look"] = torch.ones(T_T, T_T, dtype=torch.bool).tril()
    for name, (T_q, T_k) in zip(LOOKS, [(T_S, T_S), (T_T, T_T), (T_T, T_S)], strict=True):
        (call,) = weights[f"{name}.attention"]
        assert call.shape == (B, T_q, T_k)
        assert call.masked_select(~keys[name]).eq(0).all()
        torch.testing.assert_close(call.sum(dim=-1), torch.ones(B, T_q).double())


def test_the_source_is_a_bag_of_words(source, target_in):
    model = translator().double()
    logits = model(source, MASK, target_in)
    shuffled = torch.randperm(T_S)
    assert shuffled.tolist() != list(range(T_S))
    moved = model(source[:, shuffled], MASK[:, shuffled], target_in)
    torch.testing.assert_close(moved, logits)
    other = model((source + 1).clamp(max=V_S - 1).masked_fill(~MASK, PAD), MASK, target_in)
    assert not torch.allclose(other, logits)


def test_so_are_the_words_written_before_the_last(source):
    model = translator().double()
    written, swapped = (
        model(source, MASK, torch.tensor([tokens] * B))
        for tokens in ([BOS, 5, 6, 7, 8], [BOS, 7, 5, 6, 8])
    )
    torch.testing.assert_close(written[:, 4], swapped[:, 4])
    torch.testing.assert_close(written[:, 0], swapped[:, 0])
    for t in (1, 2, 3):
        assert not torch.allclose(written[:, t], swapped[:, t])


def test_logits_do_not_see_later_target_tokens(source, target_in):
    model = translator().double()
    changed = target_in.clone()
    changed[:, 2:] = 12 - changed[:, 2:]
    before, after = (model(source, MASK, t) for t in (target_in, changed))
    torch.testing.assert_close(before[:, :2], after[:, :2])
    assert not torch.allclose(before[:, 2:], after[:, 2:])


def test_padding_changes_nothing(source, target_in):
    model = translator().double()
    logits = model(source, MASK, target_in)
    wider = F.pad(source, (0, 3), value=8), F.pad(MASK, (0, 3))
    torch.testing.assert_close(model(*wider, F.pad(target_in, (0, 2)))[:, :T_T], logits)
    for b, length in enumerate(LENGTHS):
        alone = model(source[b : b + 1, :length], MASK[b : b + 1, :length], target_in[b : b + 1])
        torch.testing.assert_close(alone[0], logits[b])


def test_greedy_is_argmax_of_what_forward_says_of_it(many):
    model = decided()
    decoded = model.greedy_decode(*many, max_new_tokens=12)
    logits = model(*many, F.pad(decoded, (1, -1), value=BOS))
    ended = F.pad(decoded == EOS, (1, -1)).cumsum(dim=1) > 0  # before this token
    assert torch.equal(decoded, logits.argmax(dim=-1).masked_fill(ended, PAD))
    assert len(set(map(tuple, decoded.tolist()))) > 1


def test_a_beam_of_one_is_greedy(many):
    model = decided()
    greedy = model.greedy_decode(*many, max_new_tokens=9)
    beam = model.beam_decode(*many, beam_size=1, max_new_tokens=9, length_penalty=0.6)
    assert torch.equal(beam, greedy)


def test_a_wide_beam_finds_the_likeliest_of_all_short_sentences(source):
    model = decided()
    sentences = [[EOS, PAD], *([token, EOS] for token in range(V_T) if token != EOS)]
    found = model.beam_decode(source, MASK, beam_size=V_T**2, max_new_tokens=2)
    for b in range(B):
        likelihoods = []
        for first, second in sentences:
            given = torch.tensor([[BOS, first]])
            chances = model(source[b : b + 1], MASK[b : b + 1], given)[0].log_softmax(dim=-1)
            total = chances[0, first] + (0 if first == EOS else chances[1, second])
            likelihoods.append(total.item())
        best = sentences[max(range(V_T), key=likelihoods.__getitem__)]
        assert found[b].tolist() == best[: found.shape[1]]


def test_beam_decode_hands_the_length_penalty_on(source):
    model = translator()
    with torch.no_grad():
        model.out_proj.weight.zero_()
        model.out_proj.bias.zero_()
        model.out_proj.bias[EOS] = 1.0
    short, long = (
        model.beam_decode(source, MASK, beam_size=2, max_new_tokens=9, length_penalty=alpha)
        for alpha in (0.0, 9.0)
    )
    assert short.tolist() == [[EOS]] * B
    assert long.shape == (B, 2)


def test_state_follows_its_rows(source, target_in):
    model = translator().double()
    rows = torch.tensor([2, 0, 0, 1])
    state = model.encode(source, MASK)
    expected = model.decode(state, target_in)[rows]
    torch.testing.assert_close(model.decode(model.select(state, rows), target_in[rows]), expected)
    grown = model.select(state._replace(prefix=target_in), rows)
    assert torch.equal(grown.prefix, target_in[rows])
    assert state.prefix.shape == (B, 0)


def test_padding_token_is_a_zero_vector_on_both_sides():
    model = translator(pad_id=7)
    assert model.source_embedding.weight[7].eq(0).all()
    assert model.target_embedding.weight[7].eq(0).all()


def test_decoding_runs_without_dropout_and_gradients(source):
    model = translator(dropout=0.9)
    for decode, options in ((model.greedy_decode, {}), (model.beam_decode, {"beam_size": 2})):
        first, second = (decode(source, MASK, max_new_tokens=9, **options) for _ in range(2))
        assert torch.equal(first, second)
    assert model.training


def test_dropout_falls_on_both_embeddings_and_before_the_logits(source, target_in):
    model = translator(dropout=0.5)
    seen = []
    for module in (model.encoder_look, model.decoder_look, model.out_proj):
        module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(source, torch.ones_like(MASK), target_in)
    assert len(seen) == 3
    for dropped in seen[1:]:
        assert 0.1 < dropped.eq(0).float().mean() < 0.9
    assert 0.1 < seen[0][MASK].eq(0).float().mean() < 0.9


def test_row_without_tokens_and_one_token(source, target_in):
    model = translator()
    mask = MASK.clone()
    mask[1] = False
    logits = model(source, mask, target_in)
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(p.grad.isfinite().all() for p in model.parameters())
    for decoded in (
        model.greedy_decode(source[:1, :1], mask[:1, :1], max_new_tokens=1),
        model.beam_decode(source[:1, :1], mask[:1, :1], beam_size=2, max_new_tokens=1),
    ):
        assert decoded.shape == (1, 1)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_stays_near_float32(source, target_in, dtype):
    model = translator()
    full = model(source, MASK, target_in)
    with torch.autocast("cpu", dtype):
        low = model(source, MASK, target_in)
        assert len(model.greedy_decode(source, MASK, max_new_tokens=3)) == B
        assert len(model.beam_decode(source, MASK, beam_size=2, max_new_tokens=3)) == B
    low.float().sum().backward()
    torch.testing.assert_close(low.float(), full, rtol=0, atol=0.03)
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_learns_words_but_not_their_order():
    """Which words occur it learns to the letter; two orders of the same words it never tells."""
    bags = torch.tensor([[3, 4, 5], [6, 7, 8], [9, 10, 3], [5, 8, 10]])
    source = torch.cat((bags, bags.flip(1)))
    mask = torch.ones_like(source, dtype=torch.bool)
    target = (bags + 2).repeat(2, 1)
    target_in, target_out = F.pad(target, (1, 0), value=BOS), F.pad(target, (0, 1), value=EOS)
    model = translator(d_model=24)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(80):
        loss = F.cross_entropy(model(source, mask, target_in).transpose(1, 2), target_out)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    decoded = model.greedy_decode(source, mask, max_new_tokens=6)
    assert decoded.tolist() == target_out.tolist()


def test_config_is_frozen_and_keyword_only():
    config = AttentionOnlyConfig(**SIZES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.d_model = 9
    with pytest.raises(TypeError, match="positional"):
        AttentionOnlyConfig(V_S, V_T)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"d_model": 0}, "d_model must be at least 1, got 0"),
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
        AttentionOnlyConfig(**{**SIZES, **changed})


def test_bad_arguments(source, target_in):
    model = translator()
    with pytest.raises(ValueError, match=r"source must be integers \(B, T_s\), got .*\(6,\)"):
        model(source[0], MASK[0], target_in)
    with pytest.raises(ValueError, match=r"of source's shape \(3, 6\), got bool \(3, 4\)"):
        model(source, MASK[:, :4], target_in)
    with pytest.raises(ValueError, match=r"source_mask must be bool .*, got float32"):
        model(source, MASK.float(), target_in)
    with pytest.raises(ValueError, match=r"target_in must be integers \(B, T_t\), got .*\(4,\)"):
        model(source, MASK, target_in[0])
    with pytest.raises(ValueError, match="max_new_tokens must be at least 1, got 0"):
        model.greedy_decode(source, MASK, max_new_tokens=0)
    with pytest.raises(ValueError, match="beam_size must be at least 1, got 0"):
        model.beam_decode(source, MASK, beam_size=0, max_new_tokens=1)
