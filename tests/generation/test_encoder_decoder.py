import pytest
import torch

from txlib.generation import EncoderDecoder, EncoderDecoderConfig
from txlib.models import AttentionOnlyConfig, AttentionOnlyTranslator
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
        model.out_proj.bias[2] += 1.0  # so that sentences end
        short = model.greedy_decode(SOURCE, SOURCE != 0, max_new_tokens=3)
        wide = model.beam_decode(SOURCE, SOURCE != 0, beam_size=13**2, max_new_tokens=3)
        assert (short == 2).any(dim=1).all()
        assert (log_probability(wide) >= log_probability(short) - 1e-9).all()


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
    with pytest.raises(ValueError, match=r"target_in must have shape \(B, T_t\), got \(4,\)"):
        model.decode(state, torch.ones(4, dtype=torch.int64))
