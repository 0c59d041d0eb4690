import json

import pytest
import torch

from txlib.data.vocabulary import EOS, PAD
from txlib.recipes.translator import MODEL_FILE, load_translator, new_translator
from txlib.training import save_checkpoint

OPTIONS = {"d_embedding": 5, "hidden_size": 7}


@pytest.fixture
def translator(corpus):
    return new_translator("lstm", corpus, OPTIONS)


def save(translator, folder, **changes):
    details = {"run": {"translator": translator.to_details() | changes}}
    save_checkpoint(folder / MODEL_FILE, translator.model, details=details)
    translator.save_tokenizers(folder)


def test_sizes_by_hand(translator, corpus):
    # six words and the full stop on each side, and four special ids
    assert (len(translator.source), len(translator.target)) == (11, 11)
    encoder = 11 * 5 + 4 * 7 * (5 + 7 + 2)
    decoder = 11 * 5 + 4 * 7 * (5 + 7 + 2) + 11 * (7 + 1)
    assert translator.num_parameters == encoder + decoder
    pairs = translator.encode_pairs(corpus.splits["test"][:2])
    assert [translator.target.decode(target) for _, target in pairs] == [
        target for _, target in corpus.splits["test"][:2]
    ]


def test_order_and_company_do_not_matter(translator, corpus):
    sources = [source for source, _ in corpus.splits["test"]]
    together = translator.translate(sources, batch_size=4)
    assert len({len(text) for text in together}) > 1  # none of them ends: each has its own limit
    assert together == [translator.translate([source])[0] for source in sources]
    assert together[::-1] == translator.translate(sources[::-1], batch_size=3)
    assert translator.translate([]) == []


def test_the_model_is_asked_and_its_answer_decoded(translator, monkeypatch):
    seen = []

    def greedy_decode(source, source_mask, *, max_new_tokens):
        seen.append((source, source_mask, max_new_tokens))
        return torch.tensor([[*translator.target.encode("le chat."), EOS, PAD]])

    monkeypatch.setattr(translator.model, "greedy_decode", greedy_decode, raising=False)
    assert translator.translate(["The red cat."]) == ["le chat."]
    ((source, mask, limit),) = seen
    assert source.tolist() == [[3, *translator.source.encode("red cat."), EOS]]  # "The" is unknown
    assert mask.all()
    assert limit == 2 * 4 + 10


def test_a_lower_case_translator_folds_its_input(translator):
    object.__setattr__(translator, "lowercase", True)
    assert translator.translate(["THE RED CAT."]) == translator.translate(["the red cat."])


@pytest.mark.parametrize("tokenizer", ["word", "bpe"])
def test_saved_and_loaded(tmp_path, corpus, tokenizer):
    translator = new_translator("lstm", corpus, OPTIONS, tokenizer=tokenizer, vocab_size=270)
    save(translator, tmp_path)
    loaded = load_translator(tmp_path)
    assert not loaded.model.training
    assert loaded.model.config == translator.model.config
    assert loaded.to_details() == translator.to_details()
    sources = [source for source, _ in corpus.splits["test"]]
    assert loaded.translate(sources) == translator.translate(sources)
    assert loaded.lowercase is False


def test_errors(tmp_path, corpus, translator):
    with pytest.raises(ValueError, match=r"kind must be one of \('lstm', .*, got 'oracle'"):
        new_translator("oracle", corpus, OPTIONS)
    with pytest.raises(ValueError, match="sentences must be a sequence of strings, got"):
        translator.translate("the cat.")
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint at .*model.safetensors"):
        load_translator(tmp_path)
    save(translator, tmp_path, model="oracle")
    with pytest.raises(ValueError, match=r"must be a translator's, got none: KeyError\('oracle'"):
        load_translator(tmp_path)
    save(translator, tmp_path)
    (tmp_path / "source.json").write_text(json.dumps({"tokens": []}))
    with pytest.raises(ValueError, match="text must be a vocabulary's JSON"):
        load_translator(tmp_path)
