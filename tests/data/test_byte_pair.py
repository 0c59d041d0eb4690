import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from txlib.data.byte_pair import BytePairTokenizer
from txlib.data.vocabulary import BOS, EOS, PAD, UNK, Vocabulary

TEXTS = ["aaaa bb", "aaaa cc", "l'été, l'hiver", "déjà vu"]
TOKENIZER = BytePairTokenizer.train(TEXTS, vocab_size=270)


def test_first_merges_by_hand():
    tokenizer = BytePairTokenizer.train(["abab ab"], vocab_size=261)
    assert len(tokenizer) == 261
    a, b, ab = (tokenizer.encode(text) for text in ("a", "b", "ab"))
    assert ab == [260]
    assert tokenizer.encode("abba") == [*ab, *b, *a]


def test_without_merges_every_byte_is_one_id():
    tokenizer = BytePairTokenizer.train(TEXTS, vocab_size=260)
    assert len(tokenizer) == 260
    assert len(tokenizer.encode("été ")) == len("été ".encode())
    assert len({i for n in range(128) for i in tokenizer.encode(chr(n))}) == 128


@settings(deadline=None)
@given(st.text())
def test_any_text_survives(text):
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.decode(ids) == text
    assert all(4 <= i < len(TOKENIZER) for i in ids)


def test_special_ids_frame_the_text():
    ids = TOKENIZER.encode("l'été")
    assert TOKENIZER.decode([BOS, *ids, UNK, PAD, EOS, *ids]) == "l'été"
    assert TOKENIZER.decode(torch.tensor([BOS, *ids, EOS])) == "l'été"
    assert TOKENIZER.decode([]) == ""
    assert TOKENIZER.encode("") == []


def test_text_cannot_pose_as_a_special_token():
    text = "<pad> <eos> <unk>"
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_json_round_trip():
    again = BytePairTokenizer.from_json(TOKENIZER.to_json())
    assert len(again) == len(TOKENIZER) == 270
    assert [again.encode(text) for text in TEXTS] == [TOKENIZER.encode(text) for text in TEXTS]
    assert again.to_json() == TOKENIZER.to_json()
    assert repr(again) == "BytePairTokenizer(270 tokens)"


def test_training_is_deterministic_across_processes_and_threads():
    code = (
        "import hashlib; from txlib.data.byte_pair import BytePairTokenizer; "
        "texts = [f'le chat{i % 97} suit la phrase{i % 89}' for i in range(3000)]; "
        "text = BytePairTokenizer.train(texts, vocab_size=500).to_json(); "
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "RAYON_NUM_THREADS": str(threads), "PYTHONHASHSEED": str(threads)},
            capture_output=True,
            check=True,
        ).stdout
        for threads in (1, 2, 5)
    }
    assert len(hashes) == 1


def test_vocabulary_too_small():
    with pytest.raises(ValueError, match=r"at least 260 .*, got 259"):
        BytePairTokenizer.train(TEXTS, vocab_size=259)


def test_id_out_of_range():
    with pytest.raises(ValueError, match=r"ids must lie in \[0, 270\), got 270"):
        TOKENIZER.decode([270])


@pytest.mark.parametrize("text", ["no json", "{}", Vocabulary(["le"]).to_json()])
def test_foreign_json(text):
    with pytest.raises(ValueError, match="must be a byte-pair tokenizer's JSON, got"):
        BytePairTokenizer.from_json(text)


def test_library_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(ModuleNotFoundError, match="pip install tokenizers"):
        BytePairTokenizer.train(TEXTS, vocab_size=260)
    with pytest.raises(ModuleNotFoundError, match="pip install tokenizers"):
        BytePairTokenizer.from_json("{}")
