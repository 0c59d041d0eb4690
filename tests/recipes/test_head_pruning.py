import json

import pytest
import torch

from txlib.data import grammar
from txlib.recipes import head_pruning
from txlib.recipes.head_pruning import bleu_without, importance, removal, start
from txlib.recipes.head_roles import LOOKS, silenced
from txlib.recipes.translation_data import Corpus

H = 2
HEADS = [(look, head) for look in LOOKS for head in range(H)]


@pytest.fixture
def corpus():
    splits = {}
    for split, size in (("train", 40), ("validation", 5), ("test", 6)):
        pairs = grammar.generate(split, size, max_length=12)
        splits[split] = [
            (grammar.detokenize(p.source), grammar.detokenize(p.target)) for p in pairs
        ]
    return Corpus(name="few", text="", lowercase=False, splits=splits, edges=(4, 12))


@pytest.fixture
def translator(corpus):
    translator = start(corpus, 0, d_model=8, num_heads=H, device=torch.device("cpu"))
    translator.model.eval()
    return translator


def test_silenced_heads_say_nothing_and_come_back(translator):
    attention = translator.model.encoder_look.attention
    x = torch.randn(2, 5, 8)
    before = attention(x)
    with silenced(translator, [("encoder", 0), ("encoder", 1), ("cross", 1)]):
        assert attention(x).eq(0).all()
    torch.testing.assert_close(attention(x), before)


def test_removal_goes_on_from_head_to_head(translator, corpus, monkeypatch):
    asked = []
    monkeypatch.setattr(
        head_pruning,
        "bleu_without",
        lambda t, heads, pairs: asked.append(list(heads)) or len(heads),
    )
    assert removal(translator, HEADS, [0, 2, 6], corpus.splits["test"]) == [0, 2, 6]
    assert asked == [[], HEADS[:2], HEADS]


def test_bleu_is_that_of_the_translations(translator, corpus, monkeypatch):
    references = [reference for _, reference in corpus.splits["test"]]
    monkeypatch.setattr(type(translator), "translate", lambda self, sources: references)
    assert bleu_without(translator, HEADS, corpus.splits["test"]) == pytest.approx(100)


def test_importance_has_every_head_and_feels_a_lost_way_out(translator, corpus):
    with torch.no_grad():
        translator.model.decoder_look.attention.out_proj.weight[:, 4:] = 0  # head 1 of width 4
    worth = importance(translator, corpus.splits["validation"])
    assert set(worth) == set(HEADS)
    assert worth["decoder", 1] == 0
    assert all(value > 0 for head, value in worth.items() if head != ("decoder", 1))


def test_leaves_a_record(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(head_pruning, "load_corpus", lambda name: corpus)
    monkeypatch.setattr(head_pruning, "head_roles", lambda translator, pairs: {"pairs": len(pairs)})
    monkeypatch.chdir(tmp_path)
    words = ["--record", "r.json", "--steps", "8", "--d-model", "8", "--num-heads", "2"]
    words += ["--sentences", "4", "--step", "4", "--orders", "2", "--seeds", "3", "5"]
    assert head_pruning.main(words) == 0
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["command"] == f"python -m txlib.recipes.head_pruning {' '.join(words)}"
    assert record["results"]["settings"] == {
        "steps": 8,
        "learning_rate": 2e-3,
        "d_model": 8,
        "num_heads": 2,
        "sentences": 4,
        "step": 4,
        "orders": 2,
    }
    assert [run["seed"] for run in record["results"]["runs"]] == record["seeds"] == [3, 5]
    for run in record["results"]["runs"]:
        assert {(h["look"], h["head"]) for h in run["heads"]} == set(HEADS)
        assert run["removed"] == [0, 4, 6]
        assert run["by_importance"][0] == run["bleu"] == run["by_chance"][1][0]
        assert len(run["by_importance"]) == len(run["by_chance"][0]) == 3
        assert run["roles"] == run["untrained_roles"] == {"pairs": 4}
