import json
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from txlib.data.vocabulary import BOS, EOS, PAD, UNK, Vocabulary, sentence_ids

NUMBERS = '{"tokens": ["<pad>", "<bos>", "<eos>", "<unk>", 7]}'
SENTENCES = [["le", "chat", "dort"], ["le", "chien", "et", "le", "chat"]]


@pytest.fixture
def vocabulary():
    return Vocabulary.from_corpus(SENTENCES)


def test_ids_by_hand(vocabulary):
    assert (PAD, BOS, EOS, UNK) == (0, 1, 2, 3)
    special = ("<pad>", "<bos>", "<eos>", "<unk>")
    assert vocabulary.tokens == (*special, "le", "chat", "chien", "dort", "et")
    assert len(vocabulary) == 9
    assert vocabulary.encode(["le", "chien", "aboie"]) == [4, 6, UNK]
    assert "chien" in vocabulary
    assert "aboie" not in vocabulary
    assert "<pad>" not in vocabulary


def test_order_of_sentences_does_not_matter(vocabulary):
    again = Vocabulary.from_corpus(reversed([s[::-1] for s in SENTENCES]))
    assert again == vocabulary
    assert hash(again) == hash(vocabulary)


def test_rare_words_and_size_limit():
    assert Vocabulary.from_corpus(SENTENCES, min_count=2).tokens[4:] == ("le", "chat")
    assert Vocabulary.from_corpus(SENTENCES, max_size=7).tokens[4:] == ("le", "chat", "chien")
    assert len(Vocabulary.from_corpus(SENTENCES, max_size=4)) == 4


def test_decode_stops_at_eos_and_drops_padding(vocabulary):
    assert vocabulary.decode([BOS, 4, PAD, UNK, 5, EOS, 6, 99]) == ["le", "<unk>", "chat"]
    assert vocabulary.decode(torch.tensor([BOS, 4, 5, EOS])) == ["le", "chat"]
    assert vocabulary.decode([]) == []


def test_text_cannot_pose_as_a_special_token():
    vocabulary = Vocabulary.from_corpus([["<eos>", "<pad>", "chat", "<eos>"]])
    assert vocabulary.tokens[4:] == ("chat",)
    assert vocabulary.encode(["<eos>", "chat", "<pad>", "<bos>"]) == [UNK, 4, UNK, UNK]


@settings(deadline=None)
@given(st.lists(st.lists(st.text(min_size=1), min_size=1), min_size=1))
def test_round_trips(sentences):
    vocabulary = Vocabulary.from_corpus(sentences)
    special = set(vocabulary.tokens[:4])
    for sentence in sentences:
        words = ["<unk>" if word in special else word for word in sentence]
        assert vocabulary.decode(vocabulary.encode(sentence)) == words
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


def test_json_is_readable_text():
    text = Vocabulary(["été"]).to_json()
    assert "été" in text
    assert json.loads(text) == {"tokens": ["<pad>", "<bos>", "<eos>", "<unk>", "été"]}


def test_unequal_vocabularies(vocabulary):
    assert vocabulary != Vocabulary(["le"])
    assert vocabulary != vocabulary.tokens
    assert repr(vocabulary) == "Vocabulary(9 tokens)"


@pytest.mark.parametrize("ids", [[4, 9], [-1]])
def test_id_out_of_range(vocabulary, ids):
    with pytest.raises(ValueError, match=rf"ids must lie in \[0, 9\), got {ids[-1]}"):
        vocabulary.decode(ids)
    assert sentence_ids([EOS, *ids], 9) == []


@pytest.mark.parametrize("words", [["chat", "chat"], ["<unk>"]])
def test_repeated_words(words):
    with pytest.raises(ValueError, match=f"must differ .*got .*{words[0]}"):
        Vocabulary(words)


def test_string_instead_of_words(vocabulary):
    with pytest.raises(ValueError, match=r"got the string 'le chat'.*split_words"):
        vocabulary.encode("le chat")
    with pytest.raises(ValueError, match="got the string 'le chat'"):
        Vocabulary.from_corpus(["le chat"])


def test_limits():
    with pytest.raises(ValueError, match="min_count must be at least 1, got 0"):
        Vocabulary.from_corpus(SENTENCES, min_count=0)
    with pytest.raises(ValueError, match="max_size must be at least 4, got 3"):
        Vocabulary.from_corpus(SENTENCES, max_size=3)


@pytest.mark.parametrize(
    "text", ["no json", "[1]", "{}", '{"tokens": ["le"]}', '{"tokens": 3}', NUMBERS]
)
def test_foreign_json(text):
    with pytest.raises(ValueError, match=r"text must be .*, got"):
        Vocabulary.from_json(text)


def test_import_is_light():
    code = (
        "import sys, txlib.data.vocabulary, txlib.data.words, txlib.data.byte_pair; "
        "assert not {'torch', 'numpy', 'tokenizers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
