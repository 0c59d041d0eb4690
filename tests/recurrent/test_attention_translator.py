import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from txlib.attention import AdditiveAttention
from txlib.capture import capture_weights
from txlib.recurrent import AttentionTranslator, AttentionTranslatorConfig

B, T_S, T_T, V_S, V_T, E, H, L, D = 3, 6, 4, 11, 13, 7, 5, 2, 8
PAD, BOS, EOS = 0, 1, 2
LENGTHS = [4, 6, 1]
MASK = torch.arange(T_S) < torch.tensor(LENGTHS)[:, None]
SIZES = {
    "source_vocab_size": V_S,
    "target_vocab_size": V_T,
    "d_embedding": E,
    "hidden_size": H,
    "num_layers": L,
    "d_attention": D,
}
LOOKS, SCORES = ["before", "after"], ["additive", "additive_linear", "dot", "scaled_dot"]
VARIANTS = {
    "plain": {},
    "one direction": {"bidirectional": False},
    "reversed": {"bidirectional": False, "reverse_source": True},
    "one layer": {"num_layers": 1},
}

looks = pytest.mark.parametrize("look", LOOKS)
scores = pytest.mark.parametrize("score", SCORES)
variants = pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)


def translator(**options):
    return AttentionTranslator(AttentionTranslatorConfig(**{**SIZES, **options}))


def decided(**options):
    """A model in float64 whose large weights make it write differently for each sentence."""
    model = translator(**options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(5)
        model.out_proj.bias[EOS] += 3
    return model


@pytest.fixture
def many():
    """Forty sentences and their mask."""
    mask = torch.arange(T_S) < torch.randint(1, T_S + 1, (40, 1))
    return torch.randint(3, V_S, mask.shape).masked_fill(~mask, PAD), mask


@pytest.fixture
def source():
    return torch.randint(3, V_S, (B, T_S)).masked_fill(~MASK, PAD)


@pytest.fixture
def target_in():
    return torch.cat((torch.full((B, 1), BOS), torch.randint(3, V_T, (B, T_T - 1))), dim=1)


class ByLoops:
    """The translator on one sentence, a step and a key at a time, with another model's weights."""

    def __init__(self, model):
        self.model = model
        self.config = model.config

    def cell(self, lstm, layer, suffix, x, h, c):
        w = {name: getattr(lstm, f"{name}_l{layer}{suffix}") for name in ("weight_ih", "weight_hh")}
        b = {name: getattr(lstm, f"{name}_l{layer}{suffix}") for name in ("bias_ih", "bias_hh")}
        gates = w["weight_ih"] @ x + b["bias_ih"] + w["weight_hh"] @ h + b["bias_hh"]
        i, f, g, o = gates.chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    def encode(self, source):
        """A vector for each token, in the order of `source`, and (h, c) for each layer."""
        model, config = self.model, self.config
        order = range(len(source))[:: -1 if config.reverse_source else 1]
        vectors = [model.encoder.embedding.weight[source[t]] for t in order]
        states = []
        for layer in range(config.num_layers):
            read = {}
            for suffix in ("", "_reverse") if config.bidirectional else ("",):
                h = c = vectors[0].new_zeros(H)
                outputs = []
                for x in vectors[:: -1 if suffix else 1]:
                    h, c = self.cell(model.encoder.lstm, layer, suffix, x, h, c)
                    outputs.append(h)
                read[suffix] = outputs[:: -1 if suffix else 1], h, c
            sides = (outputs for outputs, _, _ in read.values())
            vectors = [torch.cat(parts) for parts in zip(*sides, strict=True)]
            h, c = (torch.cat([r[k] for r in read.values()]) for k in (1, 2))
            if config.bidirectional:
                h = model.bridge.hidden[layer](h).tanh()
                c = model.bridge.cell[layer](c)
            states.append((h, c))
        return vectors[:: -1 if config.reverse_source else 1], states

    def score(self, query, key):
        look, kind = self.model.look, self.config.score
        if kind.startswith("additive"):
            hidden = look.query_proj.weight @ query + look.key_proj.weight @ key
            return look.score_proj.weight[0] @ (hidden.tanh() if kind == "additive" else hidden)
        dot = (look.q_proj.weight @ query) @ (look.k_proj.weight @ key)
        return dot / math.sqrt(D) if kind == "scaled_dot" else dot

    def context(self, query, memory):
        exponents = [self.score(query, key).exp() for key in memory]
        return sum(e * key for e, key in zip(exponents, memory, strict=True)) / sum(exponents)

    def run_decoder(self, x, states):
        for layer, (h, c) in enumerate(states):
            states[layer] = x, _ = self.cell(self.model.decoder, layer, "", x, h, c)
        return x

    def __call__(self, source, target_in):
        model = self.model
        memory, states = self.encode(source)
        logits = []
        for token in target_in:
            word = model.embedding.weight[token]
            if self.config.look == "before":
                context = self.context(states[-1][0], memory)
                hidden = self.run_decoder(torch.cat((word, context)), states)
            else:
                hidden = self.run_decoder(word, states)
                context = self.context(hidden, memory)
            combined = (
                model.combine.weight @ torch.cat((hidden, context)) + model.combine.bias
            ).tanh()
            logits.append(model.out_proj.weight @ combined + model.out_proj.bias)
        return torch.stack(logits)


@looks
def test_context_by_hand(source, target_in, look):
    """With all scores equal, what is found is the mean over the words; PAD has no part in it."""
    model = translator(look=look)
    with torch.no_grad():
        model.look.score_proj.weight.zero_()
        model.combine.weight.zero_()
        model.combine.bias.zero_()
        model.combine.weight[:, H : 2 * H] = torch.eye(H)  # tanh of the forward half of the context
        model.out_proj.weight.zero_()
        model.out_proj.weight[:H] = torch.eye(H)
        model.out_proj.bias.zero_()
    memory, _ = model.encoder(source, MASK)
    logits = model(source, MASK, target_in)
    for b, length in enumerate(LENGTHS):
        expected = memory[b, :length, :H].mean(dim=0).tanh().expand(T_T, H)
        torch.testing.assert_close(logits[b, :, :H], expected)


@variants
@looks
@scores
def test_equals_loops_in_values_and_gradients(source, target_in, look, score, options):
    model = translator(look=look, score=score, **options).double()
    loops = ByLoops(model)
    logits = model(source, MASK, target_in)
    expected = torch.stack([loops(source[b, :n], target_in[b]) for b, n in enumerate(LENGTHS)])
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


@pytest.mark.parametrize(
    "options",
    [*({"score": score} for score in SCORES), *VARIANTS.values()],
    ids=[*SCORES, *VARIANTS],
)
@looks
def test_greedy_is_argmax_of_what_forward_says_of_it(many, look, options):
    model = decided(look=look, **options)
    decoded = model.greedy_decode(*many, max_new_tokens=12)
    logits = model(*many, F.pad(decoded, (1, -1), value=BOS))
    ended = F.pad(decoded == EOS, (1, -1)).cumsum(dim=1) > 0  # before this token
    assert torch.equal(decoded, logits.argmax(dim=-1).masked_fill(ended, PAD))
    assert len(set(map(tuple, decoded.tolist()))) > 1


@looks
@scores
def test_a_beam_of_one_is_greedy(many, look, score):
    model = decided(look=look, score=score)
    greedy = model.greedy_decode(*many, max_new_tokens=9)
    beam = model.beam_decode(*many, beam_size=1, max_new_tokens=9, length_penalty=0.6)
    assert torch.equal(beam, greedy)


@looks
@variants
def test_a_wide_beam_finds_the_likeliest_of_all_short_sentences(source, look, options):
    model = decided(look=look, **options)
    inner = [token for token in range(V_T) if token != EOS]
    sentences = [[EOS], *([token, EOS] for token in inner)]
    found = model.beam_decode(source, MASK, beam_size=V_T**2, max_new_tokens=2)
    for b in range(B):
        scores = []
        for sentence in sentences:
            given = torch.tensor([[BOS, *sentence[:-1]]])
            chances = model(source[b : b + 1], MASK[b : b + 1], given)[0].log_softmax(dim=-1)
            scores.append(sum(chances[t, token].item() for t, token in enumerate(sentence)))
        best = sentences[max(range(len(scores)), key=scores.__getitem__)]
        assert [token for token in found[b].tolist() if token != PAD] == [t for t in best if t]


@looks
def test_beam_decode_hands_the_length_penalty_on(source, look):
    model = translator(look=look)
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


@looks
@scores
def test_padding_changes_nothing(source, target_in, look, score):
    model = translator(look=look, score=score).double()
    logits = model(source, MASK, target_in)
    wider = F.pad(source, (0, 3), value=8), F.pad(MASK, (0, 3))
    torch.testing.assert_close(model(*wider, F.pad(target_in, (0, 2)))[:, :T_T], logits)
    for b, length in enumerate(LENGTHS):
        alone = model(source[b : b + 1, :length], MASK[b : b + 1, :length], target_in[b : b + 1])
        torch.testing.assert_close(alone[0], logits[b])


@looks
@scores
def test_weights_are_distributions_over_the_words(source, target_in, look, score):
    model = translator(look=look, score=score).double()
    fused = model(source, MASK, target_in)
    with capture_weights(model) as weights:
        readable = model(source, MASK, target_in)
    calls = weights["look"]
    shapes = {"before": [(B, 1, T_S)] * T_T, "after": [(B, T_T, T_S)]}  # a call a step, or one
    assert [tuple(call.shape) for call in calls] == shapes[look]
    rows = torch.cat(calls, dim=1)
    assert rows.masked_select(~MASK[:, None]).eq(0).all()
    torch.testing.assert_close(rows.sum(dim=-1), torch.ones(B, T_T).double())
    torch.testing.assert_close(readable, fused)


@looks
def test_a_state_that_has_read_the_word_asks_only_after(source, target_in, look):
    model = translator(look=look)
    asked = []
    for first in (BOS, 9):
        target_in[:, 0] = first
        with capture_weights(model) as weights:
            model(source, MASK, target_in)
        asked.append(torch.cat(weights["look"], dim=1)[:2, 0])  # the third row has one word only
    assert torch.equal(*asked) == (look == "before")


@looks
def test_logits_do_not_see_later_target_tokens(source, target_in, look):
    model = translator(look=look)
    changed = target_in.clone()
    changed[:, 2:] = 12 - changed[:, 2:]
    before, after = (model(source, MASK, t) for t in (target_in, changed))
    torch.testing.assert_close(before[:, :2], after[:, :2], rtol=0, atol=0)
    assert not torch.allclose(before[:, 2:], after[:, 2:])


@looks
@scores
def test_state_follows_its_rows(source, target_in, look, score):
    model = translator(look=look, score=score).double()
    rows = torch.tensor([2, 0, 0, 1])
    state = model.encode(source, MASK)
    expected = model.decode(state, target_in)[rows]
    torch.testing.assert_close(model.decode(model.select(state, rows), target_in[rows]), expected)


def test_linear_additive_scores_do_not_see_the_query(source, target_in):
    """Without the tanh the query adds the same to all keys of a sentence: the look stands still."""
    model = translator(score="additive_linear").double()
    with capture_weights(model) as weights:
        model(source, MASK, target_in)
    first, *others = weights["look"]
    for other in others:
        torch.testing.assert_close(other, first)


def test_scores_are_what_they_are_called():
    assert isinstance(translator(score="additive").look, AdditiveAttention)
    assert isinstance(translator(score="additive_linear").look.activation, nn.Identity)
    assert translator(score="dot").look.scale == 1.0
    assert translator(score="scaled_dot").look.scale is None
    default = AttentionTranslatorConfig(source_vocab_size=V_S, target_vocab_size=V_T)
    assert (default.look, default.score, default.bidirectional) == ("before", "additive", True)


def test_padding_token_is_a_zero_vector_on_both_sides():
    model = translator(pad_id=7)
    assert model.encoder.embedding.weight[7].eq(0).all()
    assert model.embedding.weight[7].eq(0).all()


@looks
def test_decoding_runs_without_dropout_and_gradients(source, look):
    model = translator(look=look, dropout=0.9)
    for decode, options in ((model.greedy_decode, {}), (model.beam_decode, {"beam_size": 2})):
        first, second = (decode(source, MASK, max_new_tokens=9, **options) for _ in range(2))
        assert torch.equal(first, second)
    assert model.training


@looks
def test_dropout_falls_on_embeddings_between_layers_and_before_the_logits(source, target_in, look):
    model = translator(look=look, dropout=0.5)
    seen = []
    for module in (model.encoder.lstm, model.decoder, model.out_proj):
        module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(source, MASK, target_in)
    assert len(seen) == 1 + (T_T if look == "before" else 1) + 1
    seen = [seen[0].data, torch.cat(seen[1:-1], dim=1)[..., :E], seen[-1]]  # the first is packed
    for dropped in seen:
        assert 0.1 < dropped.eq(0).float().mean() < 0.9
    assert model.encoder.lstm.dropout == model.decoder.dropout == 0.5


@looks
@scores
def test_row_without_tokens_and_one_token(source, target_in, look, score):
    model = translator(look=look, score=score)
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
@looks
@scores
def test_autocast_stays_near_float32(source, target_in, look, score, dtype):
    model = translator(look=look, score=score)
    full = model(source, MASK, target_in)
    with torch.autocast("cpu", dtype):
        low = model(source, MASK, target_in)
        assert len(model.greedy_decode(source, MASK, max_new_tokens=3)) == B
        assert len(model.beam_decode(source, MASK, beam_size=2, max_new_tokens=3)) == B
    low.float().sum().backward()
    torch.testing.assert_close(low.float(), full, rtol=0, atol=0.03)
    assert all(p.grad.isfinite().all() for p in model.parameters())


@looks
def test_learns_six_pairs_exactly(look):
    torch.manual_seed(0)
    pairs, length = 6, 4
    source = torch.randint(3, V_S, (pairs, length))
    mask = torch.arange(length) < torch.randint(2, length + 1, (pairs, 1))
    target = (source + 2).masked_fill(~mask, PAD)
    target_in = F.pad(target, (1, 0), value=BOS)
    target_out = F.pad(target, (0, 1), value=PAD)
    target_out[torch.arange(pairs), mask.sum(dim=1)] = EOS
    model = translator(hidden_size=24, num_layers=1, look=look)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(60):
        logits = model(source, mask, target_in)
        loss = F.cross_entropy(logits.transpose(1, 2), target_out, ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for decoded in (
        model.greedy_decode(source, mask, max_new_tokens=2 * length),
        model.beam_decode(source, mask, beam_size=3, max_new_tokens=2 * length),
    ):
        assert decoded.tolist() == target_out[:, : decoded.shape[1]].tolist()


def test_config_is_frozen_and_keyword_only():
    config = AttentionTranslatorConfig(**SIZES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.look = "after"
    with pytest.raises(TypeError, match="positional"):
        AttentionTranslatorConfig(V_S, V_T)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"d_attention": 0}, "d_attention must be at least 1, got 0"),
        ({"look": "during"}, r"look must be one of \('before', 'after'\), got 'during'"),
        ({"score": "cosine"}, r"score must be one of \('additive', .*\), got 'cosine'"),
        ({"hidden_size": -1}, "hidden_size must be at least 1, got -1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_bad_config(changed, message):
    with pytest.raises(ValueError, match=message):
        AttentionTranslatorConfig(**{**SIZES, **changed})


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
    with pytest.raises(ValueError, match="beam_size must be at least 1, got 0"):
        model.beam_decode(source, MASK, beam_size=0, max_new_tokens=1)
    with pytest.raises(ValueError, match="length_penalty must be at least 0, got -1"):
        model.beam_decode(source, MASK, beam_size=1, max_new_tokens=1, length_penalty=-1)
