import json

import pytest
import torch

from txlib.models import Transformer, TransformerConfig
from txlib.recipes import cached_decoding as recipe
from txlib.recipes.records import REQUIRED
from txlib.recipes.translator import new_translator

B, T_S, T = 3, 5, 7


@pytest.fixture
def model():
    sizes = {"source_vocab_size": 11, "target_vocab_size": 13, "d_model": 8, "num_heads": 2}
    return Transformer(TransformerConfig(**sizes, norm_order="pre")).eval()


@pytest.fixture
def source():
    ids = torch.randint(4, 11, (B, T_S))
    mask = torch.arange(T_S) < torch.tensor([[5], [3], [4]])
    return ids.where(mask, 0), mask


def test_word_by_word_is_all_at_once(model, source):
    rereading, words = recipe.Rereading(model), torch.randint(4, 13, (B, T))
    state, logits = rereading.encode(*source), []
    for t in range(T):
        new, state = rereading.advance(state, words[:, t : t + 1])
        logits.append(new)
    torch.testing.assert_close(torch.cat(logits, dim=1), model(*source, words))


def test_it_reads_all_words_in_every_step(model, source):
    seen, rereading = [], recipe.Rereading(model)
    feed_forward = model.decoder[0].feed_forward
    feed_forward.register_forward_hook(lambda module, args, out: seen.append(out.shape[1]))
    state = rereading.encode(*source)
    for _ in range(4):
        _, state = rereading.advance(state, source[0][:, :1])
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize("beam_size", [None, 3])
def test_it_writes_what_the_model_writes(model, source, beam_size):
    decoders = model, recipe.Rereading(model)
    if beam_size is None:
        rows = [d.greedy_decode(*source, max_new_tokens=6) for d in decoders]
    else:
        rows = [d.beam_decode(*source, beam_size=3, max_new_tokens=6) for d in decoders]
    assert torch.equal(*rows)


def test_comparison(corpus):
    options = {"d_model": 8, "num_heads": 2, "num_layers": 1}
    translator = new_translator("transformer", corpus, options)
    found = recipe.compare(translator, corpus.splits["test"], rounds=2)
    assert found["same"] == 1
    assert min(found["with"], found["without"], found["ratio"]) > 0


def test_record(tmp_path):
    path = tmp_path / "record.json"
    sizes = ["--sentences", "4", "--compared", "2", "--rounds", "1"]
    assert recipe.main(["--record", str(path), *sizes]) == 0
    record = json.loads(path.read_text())
    assert set(REQUIRED) <= record.keys()
    (run,) = record["results"]["runs"]
    assert run["scores"]["test"]["count"] == 4
    assert run["parameters"] == 896_736
    assert record["results"]["comparison"]["same"] == 1
