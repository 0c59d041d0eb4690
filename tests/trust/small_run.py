"""A run of a second: a translator with dropout, trained for eight steps."""

import random

import torch

from txlib.data.batching import BucketedBatches
from txlib.recurrent import LSTMTranslator, Seq2SeqConfig
from txlib.training import fit

CONFIG = {"source_vocab_size": 11, "target_vocab_size": 13, "d_embedding": 5, "hidden_size": 7}
DRAW = random.Random(0)
PAIRS = [[DRAW.randrange(4, 11) for _ in range(DRAW.randrange(1, 6))] for _ in range(20)]
BATCHES = BucketedBatches([(pair, pair) for pair in PAIRS], 6)


def train(path, steps=8, **more):
    torch.manual_seed(0)
    model = LSTMTranslator(Seq2SeqConfig(**CONFIG, dropout=0.3))
    more = {"checkpoint": path, "checkpoint_every": 2, "progress": False} | more
    return fit(model, BATCHES, steps=steps, **more)
