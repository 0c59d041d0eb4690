import pytest

from txlib.data import multi30k
from txlib.data.vocabulary import UNK
from txlib.data.words import split_words
from txlib.recipes.translation_data import (
    GRAMMAR_SIZES,
    TOKENIZERS,
    WordTokenizer,
    load_corpus,
    train_tokenizer,
)

TEXTS = ["L'homme voit l'animal.", "L'homme dort.", "Un animal dort."]


def test_words_by_hand():
    tokenizer = WordTokenizer.train(TEXTS, min_count=2)
    words = ["<pad>", "<bos>", "<eos>", "<unk>", ".", "L'", "animal", "dort", "homme"]
    assert list(tokenizer.vocabulary.tokens) == words
    assert tokenizer.encode("L'animal voit.") == [5, 6, UNK, 4]
    assert tokenizer.decode([5, 6, 7, 4, 2, 8]) == "L'animal dort."
    assert len(tokenizer) == 9


@pytest.mark.parametrize("kind", TOKENIZERS)
def test_every_kind_gives_back_what_it_was_trained_on(kind):
    tokenizer = train_tokenizer(kind, TEXTS, min_count=1, vocab_size=300)
    again = TOKENIZERS[kind].from_json(tokenizer.to_json())
    assert len(again) == len(tokenizer)
    for text in TEXTS:
        ids = tokenizer.encode(text)
        assert again.encode(text) == ids
        assert min(ids) > UNK
        assert again.decode(ids) == text


def test_options_reach_their_tokenizer():
    assert len(train_tokenizer("bpe", TEXTS, vocab_size=265)) == 265
    assert len(train_tokenizer("word", TEXTS, min_count=3)) < len(
        train_tokenizer("word", TEXTS, min_count=1)
    )


def test_words_with_an_apostrophe_that_are_whole():
    text = "Aujourd'hui l'ami de l'aunt's dog."
    tokenizer = WordTokenizer.train([text])
    words = ["Aujourd'hui", "l'", "ami", "de", "l'", "aunt", "'s", "dog", "."]
    assert tokenizer.vocabulary.decode(tokenizer.encode(text)) == words
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_grammar(monkeypatch):
    assert set(GRAMMAR_SIZES) == {"train", "validation", "test", "beyond"}
    sizes = {"train": 20, "validation": 4, "test": 200, "beyond": 30}
    monkeypatch.setattr("txlib.recipes.translation_data.GRAMMAR_SIZES", sizes)
    corpus = load_corpus("grammar", train_size=10)
    assert {k: len(v) for k, v in corpus.splits.items()} == sizes | {"train": 10}
    assert corpus == load_corpus("grammar", train_size=10)
    assert not corpus.lowercase
    lengths = [len(split_words(source)) for source, _ in corpus.splits["test"]]
    assert (min(lengths), max(lengths)) == (corpus.edges[0], corpus.edges[-1])
    beyond = [len(split_words(source)) for source, _ in corpus.splits["beyond"]]
    assert 31 <= min(beyond) <= max(beyond) <= 40


def test_the_words_of_the_text_are_the_tokens_of_the_grammar():
    from txlib.data import grammar

    pairs = grammar.generate("test", 400)
    for side in ("source", "target"):
        sentences = [getattr(pair, side) for pair in pairs]
        texts = [grammar.detokenize(tokens) for tokens in sentences]
        tokenizer = WordTokenizer.train(texts)
        for tokens, text in zip(sentences, texts, strict=True):
            ids = tokenizer.encode(text)
            assert tokenizer.vocabulary.decode(ids) == list(tokens)
            assert tokenizer.decode(ids) == text


def test_multi30k_is_folded_to_lower_case(monkeypatch, tmp_path):
    def load(split):
        return [(f"A  Man, {split}.", "L'Été !"), ("Two", "Deux"), ("Three", "Trois")]

    monkeypatch.setattr(multi30k, "load", load)
    corpus = load_corpus("multi30k", train_size=2)
    assert corpus.splits["train"] == [("a man, train.", "l'été !"), ("two", "deux")]
    assert corpus.splits["test"][0] == ("a man, test.", "l'été !")
    assert [len(pairs) for pairs in corpus.splits.values()] == [2, 3, 3]
    assert corpus.lowercase


def test_errors():
    with pytest.raises(ValueError, match=r"name must be one of .*'multi30k'\), got 'wmt'"):
        load_corpus("wmt")
    with pytest.raises(ValueError, match=r"kind must be one of \('word', 'bpe'\), got 'letters'"):
        train_tokenizer("letters", TEXTS)
