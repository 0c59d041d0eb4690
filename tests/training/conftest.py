import random

import pytest
import torch

from txlib.data.batching import BucketedBatches
from txlib.recurrent import LSTMTranslator, Seq2SeqConfig


@pytest.fixture
def make_model():
    """A small translator with dropout, the same each time."""

    def make(*, hidden_size=7, dropout=0.3):
        torch.manual_seed(0)
        return LSTMTranslator(
            Seq2SeqConfig(
                source_vocab_size=11,
                target_vocab_size=13,
                d_embedding=5,
                hidden_size=hidden_size,
                dropout=dropout,
                bidirectional=True,
            )
        )

    return make


@pytest.fixture(scope="session")
def batches():
    """Pairs in which every target is a function of its source; 8 batches an epoch."""
    draw = random.Random(0)
    sources = [[draw.randrange(4, 11) for _ in range(draw.randrange(1, 6))] for _ in range(47)]
    return BucketedBatches([(s, [i + 2 for i in reversed(s)]) for s in sources], 6)
