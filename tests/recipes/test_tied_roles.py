import json

import pytest
import torch

from txlib.attention import SingleHeadAttention
from txlib.recipes import tied_roles
from txlib.recipes.tied_roles import SHARED, tie


@pytest.mark.parametrize(
    ("variant", "matrices"), [("separate", 3), ("K = V", 2), ("Q = K", 2), ("Q = K = V", 1)]
)
def test_variants_keep_as_many_matrices_as_they_say(variant, matrices):
    attention = SingleHeadAttention(5, 5, 5, value_size=5)
    tie(attention, variant)
    assert sum(p.numel() for p in attention.parameters()) == matrices * 25
    q, k, v = attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight
    assert (k is v) == (variant in ("K = V", "Q = K = V"))
    assert (q is k) == (variant in ("Q = K", "Q = K = V"))


def test_shared_query_and_key_score_symmetrically():
    attention, words = SingleHeadAttention(5, 5, 5, value_size=5), torch.randn(7, 5)
    tie(attention, "Q = K")
    scores = attention.q_proj(words) @ attention.k_proj(words).mT
    torch.testing.assert_close(scores, scores.mT)


def test_unknown_variant():
    with pytest.raises(ValueError, match=r"variant must be one of.*'none'"):
        tie(SingleHeadAttention(5, 5, 5, value_size=5), "none")


def test_leaves_a_record_of_every_variant_and_seed(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(tied_roles, "load_corpus", lambda name: corpus)
    monkeypatch.chdir(tmp_path)
    words = ["--record", "r.json", "--steps", "3", "--d-model", "6", "--seeds", "4", "5"]
    assert tied_roles.main(words) == 0
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["command"] == f"python -m txlib.recipes.tied_roles {' '.join(words)}"
    runs = record["results"]["runs"]
    assert {(r["variant"], r["seed"]) for r in runs} == {(v, s) for v in SHARED for s in (4, 5)}
    sizes = {r["variant"]: r["parameters"] for r in runs}
    assert sizes["separate"] - sizes["Q = K"] == 2 * 6 * 6  # in each of two self-attentions
    assert all(0 <= r["test"]["bleu"] <= 100 for r in runs)
