import pytest

from txlib.recipes.translation_evaluation import bleu_signature, evaluate, samples, table, thin
from txlib.recipes.translator import new_translator
from txlib.training import History


@pytest.fixture
def oracle(corpus, monkeypatch):
    """A translator that is right up to five words, and else leaves the last word out."""
    answers = dict(pair for pairs in corpus.splits.values() for pair in pairs)

    def translate(sentences, *, batch_size=64):
        right = [answers[s] for s in sentences]
        return [a if len(a.split()) <= 5 else " ".join(a.split()[:-1]) for a in right]

    translator = new_translator("lstm", corpus, {"d_embedding": 2, "hidden_size": 3})
    object.__setattr__(translator, "translate", translate)
    return translator


def test_scores_by_hand(oracle, corpus):
    pairs = corpus.splits["test"]
    scores = evaluate(oracle, pairs, edges=(3, 7, 8))
    short = [len(source.split()) <= 5 for source, _ in pairs]
    assert scores["count"] == 11
    assert scores["exact_match"] == pytest.approx(sum(short) / 11)
    first, last = scores["by_length"]  # a sentence's full stop is a word of its own
    assert (first["low"], first["high"], last["low"], last["high"]) == (3, 6, 7, 8)
    assert (first["count"], last["count"]) == (sum(short), 11 - sum(short))
    assert first["bleu"] == pytest.approx(100)
    assert first["exact_match"] == 1.0
    assert last["exact_match"] == 0.0
    assert scores["bleu"] < 100
    assert scores["decoding_tokens_per_second"] > 0


def test_samples_go_from_short_to_long(oracle, corpus):
    chosen = samples(oracle, corpus.splits["test"], count=4)
    lengths = [len(sample["source"].split()) for sample in chosen]
    every = sorted(len(source.split()) for source, _ in corpus.splits["test"])
    assert lengths == sorted(lengths)
    assert (lengths[0], lengths[-1]) == (every[0], every[-1])
    assert chosen[0]["translation"] == chosen[0]["reference"]
    assert chosen[-1]["translation"] != chosen[-1]["reference"]
    assert len(samples(oracle, corpus.splits["test"][:2], count=4)) == 2


def test_a_thin_curve_is_the_mean_of_stretches():
    history = History(losses=[4.0, 2.0, 3.0, 1.0, 0.0])
    assert thin(history, points=2) == {"step": [3, 5], "loss": [3.0, 0.5]}
    assert thin(history, points=9) == {"step": [1, 2, 3, 4, 5], "loss": [4.0, 2.0, 3.0, 1.0, 0.0]}
    assert thin(History()) == {"step": [], "loss": []}


def test_the_signature_says_how_bleu_was_computed():
    assert bleu_signature().startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")


def test_the_table_has_a_line_for_each_bin(oracle, corpus):
    scores = evaluate(oracle, corpus.splits["test"], edges=(3, 7, 8))
    lines = table([{"seed": 5, "scores": {"test": scores}}]).splitlines()
    assert len(lines) == 4
    assert lines[1].split()[:4] == ["5", "test", "all", "11"]
    assert lines[2].split()[2:] == ["3-6", str(scores["by_length"][0]["count"]), "100.0", "100.0%"]


def test_nothing_to_evaluate_is_an_error(oracle):
    with pytest.raises(ValueError, match="pairs must hold at least one pair"):
        evaluate(oracle, [], edges=(3, 7))
