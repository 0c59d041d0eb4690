import random

import pytest
import torch

from txlib.recipes.translation_data import Corpus

WORDS = {"red": "rouge", "blue": "bleu", "cat": "chat", "dog": "chien", "sees": "voit", "the": "le"}


def make_corpus():
    """Word by word, from the first word to the last; lengths 3 to 8."""
    draw = random.Random(0)
    splits = {}
    for split, size in (("train", 60), ("validation", 7), ("test", 11), ("beyond", 3)):
        extra = 31 if split == "beyond" else 0
        chosen = [draw.choices(sorted(WORDS), k=draw.randrange(2, 8) + extra) for _ in range(size)]
        splits[split] = [
            (" ".join(words) + ".", " ".join(WORDS[word] for word in words) + ".")
            for words in chosen
        ]
    return Corpus(name="tiny", text="made up", lowercase=False, splits=splits, edges=(3, 6, 8))


@pytest.fixture
def corpus():
    return make_corpus()


@pytest.fixture(autouse=True)
def on_the_cpu(monkeypatch):
    monkeypatch.setenv("TXLIB_DEVICE", "cpu")
    torch.manual_seed(0)
