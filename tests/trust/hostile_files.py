"""What the attacks on files share: a small model, a translator's folder, and what a refusal is."""

import pytest
import torch

from txlib.data.vocabulary import Vocabulary
from txlib.recurrent import LSTMTranslator, Seq2SeqConfig
from txlib.training import save_checkpoint

AREA = "data: a hostile checkpoint, record or vocabulary"
CONFIG = {"source_vocab_size": 6, "target_vocab_size": 7, "d_embedding": 3, "hidden_size": 5}


def make_model():
    torch.manual_seed(0)
    return LSTMTranslator(Seq2SeqConfig(**CONFIG))


def refuse(read, named, tally):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read()
    told = str(caught.value)
    assert str(named) in told, told
    assert len(told) < 2000
    tally(AREA)


GOOD = {"model": "lstm", "config": CONFIG, "tokenizer": "word", "lowercase": False}


def save_translator(folder, details):
    path = folder / "model.safetensors"
    save_checkpoint(path, make_model(), details={"run": {"translator": details}})
    (folder / "source.json").write_text(Vocabulary(["a", "b"]).to_json())
    (folder / "target.json").write_text(Vocabulary(["a", "b", "c"]).to_json())
    return path
