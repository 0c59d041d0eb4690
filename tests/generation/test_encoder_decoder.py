from itertools import product

import pytest
import torch

from txlib.generation import EncoderDecoder, EncoderDecoderConfig
from txlib.models import (
    AttentionOnlyConfig,
    AttentionOnlyTranslator,
    Transformer,
    TransformerConfig,
)
from txlib.recurrent import (
    AttentionTranslator,
    AttentionTranslatorConfig,
    LSTMTranslator,
    Seq2SeqConfig,
)

VOCABULARIES = {"source_vocab_size": 11, "target_vocab_size": 13}
SOURCE = torch.tensor([[4, 5, 6, 7, 2], [8, 9, 2, 0, 0], [10, 4, 7, 2, 0]])
KINDS = {
    "lstm": lambda: LSTMTranslator(Seq2SeqConfig(**VOCABULARIES, d_embedding=3, hidden_size=5)),
    "two layers, two directions": lambda: LSTMTranslator(
        Seq2SeqConfig(
            **VOCABULARIES, d_embedding=3, hidden_size=5, num_layers=2, bidirectional=True
        )
    ),
    "attention": lambda: AttentionTranslator(
        AttentionTranslatorConfig(**VOCABULARIES, d_embedding=3, hidden_size=5, d_attention=4)
    ),
    "attention only": lambda: AttentionOnlyTranslator(
        AttentionOnlyConfig(**VOCABULARIES, d_model=6)
    ),
    "transformer": lambda: Transformer(
        TransformerConfig(**VOCABULARIES, d_model=6, num_heads=2, d_ff=7)
    ),
}


@pytest.fixture(params=list(KINDS))
def model(request):
    torch.manual_seed(0)
    return KINDS[request.param]().double()


def test_every_kind_shares_the_decoding(model):
    assert isinstance(model, EncoderDecoder)
    assert isinstance(model.config, EncoderDecoderConfig)


def test_selected_rows_go_on_as_they_would_have(model):
    target = torch.tensor([[1, 4, 5], [1, 6, 7], [1, 8, 9]])
    rows = torch.tensor([2, 0, 0, 1])
    state = model.encode(SOURCE, SOURCE != 0)
    expected = model.decode(state, target)[rows]
    torch.testing.assert_close(model.decode(model.select(state, rows), target[rows]), expected)


def test_advancing_twice_is_advancing_once(model):
    target = torch.tensor([[1, 4, 5, 3], [1, 6, 7, 3], [1, 8, 9, 3]])
    state = model.encode(SOURCE, SOURCE != 0)
    first, state = model.advance(state, target[:, :1])
    second, state = model.advance(state, target[:, 1:])
    whole = model(SOURCE, SOURCE != 0, target)
    torch.testing.assert_close(torch.cat((first, second), dim=1), whole)


def test_a_beam_of_one_is_greedy_and_a_wider_one_no_worse(model):
    def log_probability(rows):
        target = torch.cat((torch.ones(3, 1, dtype=torch.int64), rows), dim=1)
        words = model(SOURCE, SOURCE != 0, target[:, :-1]).log_softmax(dim=-1)
        chosen = words.gather(2, rows[..., None]).squeeze(-1)
        return (chosen * (rows != 0)).sum(dim=1)

    greedy = model.greedy_decode(SOURCE, SOURCE != 0, max_new_tokens=6)
    narrow = model.beam_decode(SOURCE, SOURCE != 0, beam_size=1, max_new_tokens=6)
    assert narrow.equal(greedy)
    with torch.no_grad():
        model.out_proj.bias[2] += 1.5  # so that sentences end
        short = model.greedy_decode(SOURCE, SOURCE != 0, max_new_tokens=3)
        wide = model.beam_decode(SOURCE, SOURCE != 0, beam_size=13**2, max_new_tokens=3)
        assert (short == 2).any(dim=1).all()
        assert (log_probability(wide) >= log_probability(short) - 1e-9).all()


def test_a_beam_wide_enough_finds_the_best_of_all_translations(model):
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    words = [word for word in range(13) if word != 2]
    every = [[*text, 2] for n in range(3) for text in product(words, repeat=n)]
    found = model.beam_decode(
        SOURCE, SOURCE != 0, beam_size=13**3, max_new_tokens=3, length_penalty=6.0
    )
    scores = torch.zeros(len(SOURCE), len(every), dtype=torch.float64)
    for length in (1, 2, 3):  # one batch of all translations of that length
        texts = [i for i, text in enumerate(every) if len(text) == length]
        target = torch.tensor([[1, *every[i]] for i in texts])
        for row, sentence in enumerate(SOURCE):
            source = sentence.expand(len(texts), -1)
            with torch.no_grad():
                chances = model(source, source != 0, target[:, :-1]).log_softmax(dim=-1)
            totals = chances.gather(2, target[:, 1:, None]).sum(dim=(1, 2))
            scores[row, texts] = totals / ((5 + length) / 6) ** 6
    best = [every[i] for i in scores.argmax(dim=1)]
    assert [row[: row.index(2) + 1] for row in found.tolist()] == best
    assert any(len(text) > 1 for text in best)


def test_samples_follow_the_model_and_the_generator(model):
    """The chances of first tokens, of 3 000 times the same sentence."""
    sentence = SOURCE[:1].expand(3000, -1)
    generator = torch.Generator().manual_seed(0)
    options = {"max_new_tokens": 2, "temperature": 0.7, "top_k": 9, "generator": generator}
    drawn = model.sample_decode(sentence, sentence != 0, **options)
    again = model.sample_decode(
        sentence, sentence != 0, **options | {"generator": generator.manual_seed(0)}
    )
    assert drawn.equal(again)
    assert drawn[(drawn[:, :1] == 2).expand_as(drawn)].view(-1, 2)[:, 1].eq(0).all()
    state = model.encode(SOURCE[:1], SOURCE[:1] != 0)
    logits = model.decode(state, torch.tensor([[1]]))[0, 0].detach()
    kept = logits >= logits.topk(9).values[-1]
    expected = (logits / 0.7).masked_fill(~kept, -torch.inf).softmax(dim=0) * 3000
    found = torch.bincount(drawn[:, 0], minlength=13)
    assert found[~kept].eq(0).all()
    assert ((found - expected).square() / expected)[kept].sum() < 37  # 8 degrees: 1 in 100 000


def test_samples_at_temperature_0_are_greedy(model):
    greedy = model.greedy_decode(SOURCE, SOURCE != 0, max_new_tokens=6)
    assert model.sample_decode(SOURCE, SOURCE != 0, max_new_tokens=6, temperature=0).equal(greedy)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("dropout", 1.0, r"dropout must be in \[0, 1\), got 1\.0"),
        ("eos_id", 1, r"must be distinct and not negative, got \(0, 1, 1\)"),
        ("pad_id", -1, r"must be distinct and not negative, got \(-1, 1, 2\)"),
        ("source_vocab_size", 2, "source_vocab_size must be more than .* 2, got 2"),
        ("target_vocab_size", 2, "target_vocab_size must be more than .* 2, got 2"),
    ],
)
def test_configuration_errors(field, value, message):
    with pytest.raises(ValueError, match=message):
        EncoderDecoderConfig(**VOCABULARIES | {field: value})


def test_sizes_are_checked_by_name():
    with pytest.raises(ValueError, match="target_vocab_size must be at least 1, got 0"):
        EncoderDecoderConfig.check_sizes(
            type("Sizes", (), {"target_vocab_size": 0})(), "target_vocab_size"
        )


def test_target_must_be_a_batch(model):
    state = model.encode(SOURCE, SOURCE != 0)
    with pytest.raises(ValueError, match=r"target_in must be integers \(B, T_t\), got .*\(4,\)"):
        model.decode(state, torch.ones(4, dtype=torch.int64))
