import pytest
import torch

from txlib.data.grammar import detokenize, generate
from txlib.recipes import translation_alignment
from txlib.recipes.translation_alignment import alignment_scores, can_align, cross_weights
from txlib.recipes.translation_data import Corpus
from txlib.recipes.translator import new_translator

PAIRS = generate("test", 9)
OPTIONS = {
    "attention": {"d_embedding": 5, "hidden_size": 4, "d_attention": 3},
    "attention_only": {"d_model": 6},
    "lstm": {"d_embedding": 5, "hidden_size": 4},
}


@pytest.fixture(params=["attention", "attention_only"])
def translator(request):
    return make_translator(request.param)


def make_translator(kind, more=None, **settings):
    pairs = [(detokenize(pair.source), detokenize(pair.target)) for pair in PAIRS]
    corpus = Corpus(name="t", text="", lowercase=False, splits={"train": pairs}, edges=(1, 40))
    return new_translator(kind, corpus, OPTIONS[kind] | (more or {}), **settings)


def test_weights_are_those_of_the_sentence_alone(translator):
    together = cross_weights(translator, PAIRS)
    for pair, weights in zip(PAIRS, together, strict=True):
        assert weights.shape == (len(pair.target), len(pair.source) + 1)
        torch.testing.assert_close(weights.sum(-1), torch.ones(len(pair.target)))
        torch.testing.assert_close(cross_weights(translator, [pair])[0], weights)


def test_looking_after_the_step_is_read_alike():
    weights = cross_weights(make_translator("attention", {"look": "after"}), PAIRS[:2])
    assert [table.shape[0] for table in weights] == [len(pair.target) for pair in PAIRS[:2]]


def test_a_translator_that_looks_where_the_gold_is_makes_no_error(monkeypatch):
    def gold_weights(translator, pairs):
        tables = [torch.zeros(len(p.target), len(p.source) + 1) for p in pairs]
        for table, pair in zip(tables, pairs, strict=True):
            for target, source in pair.alignment:
                table[target, source] = 1
        return [table / table.sum(-1, keepdim=True) for table in tables]

    monkeypatch.setattr(translation_alignment, "cross_weights", gold_weights)
    single = [p for p in PAIRS if len({t for t, _ in p.alignment}) == len(p.alignment)]
    assert len(single) > 3
    scores = alignment_scores(None, single)
    assert (scores["hard"], scores["expected"], scores["count"]) == (0, 0, len(single))
    assert 0 < scores["diagonal"] < scores["uniform"] < 1


def test_guessers_know_only_the_lengths():
    pair = min(PAIRS, key=lambda pair: len(pair.source))
    scores = alignment_scores(make_translator("attention"), [pair])
    rows, columns = len(pair.target), len(pair.source)
    hits = len(pair.alignment) / columns  # each gold link is drawn with chance 1 / columns
    assert scores["uniform"] == pytest.approx(1 - 2 * hits / (rows + len(pair.alignment)))


def test_only_a_model_that_looks_at_words_can_align():
    lstm = make_translator("lstm")
    assert not can_align(lstm)
    with pytest.raises(ValueError, match=r"translator must look back, word by word: .* 'lstm'"):
        cross_weights(lstm, PAIRS)
    assert not can_align(make_translator("attention", tokenizer="bpe", vocab_size=300))
