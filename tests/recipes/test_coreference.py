import json

import pytest
import torch

from txlib.capture import capture_weights
from txlib.data.grammar import detokenize, twins
from txlib.recipes import coreference
from txlib.recipes.coreference import (
    PRONOUNS,
    accuracy,
    links,
    look_scores,
    pronoun_probability,
    study,
    without,
)
from txlib.recipes.head_roles import LOOKS, silenced
from txlib.recipes.translation_data import Corpus
from txlib.recipes.translator import new_translator

H, N = 3, 2  # heads of a layer, layers
FOUND = twins("test", 4)


@pytest.fixture
def translator():
    text = [(detokenize(p.source), detokenize(p.target)) for both in FOUND for p in both]
    corpus = Corpus(name="few", text="", lowercase=False, splits={"train": text}, edges=())
    options = {"d_model": 12, "num_heads": H, "num_layers": N}
    translator = new_translator("transformer", corpus, options, device=torch.device("cpu"))
    translator.model.eval()
    return translator


def say(translator, monkeypatch, texts):
    monkeypatch.setattr(type(translator), "translate", lambda self, sources: texts)


def test_links_join_the_words_that_they_name():
    for one, other in FOUND:
        own, rival = links(one, other), links(other, one)
        ((it, noun),) = own["encoder"]["it to its noun"]
        ((_, reason),) = own["encoder"]["it to the reason"]
        assert one.source[it] == "it"
        assert one.source[reason] == one.source[-2]
        assert own["encoder"]["it to the other noun"] == rival["encoder"]["it to its noun"]
        ((query, key),) = own["decoder"]["il/elle to its noun"]
        assert one.target[query] in PRONOUNS
        assert (key - 1, noun) in one.alignment  # key t is the word before: t - 1
        ((query, key),) = own["cross"]["il/elle to it"]
        assert (one.target[query], one.source[key]) in {("il", "it"), ("elle", "it")}


def test_heads_that_look_everywhere_alike_get_what_chance_says(translator):
    with torch.no_grad():
        for name, parameter in translator.model.named_parameters():
            if "q_proj" in name:
                parameter.zero_()
    for found in look_scores(translator, FOUND).values():
        for scores in found.values():
            assert scores["heads"] == pytest.approx([scores["chance"]] * H * N)


def test_a_score_is_the_mean_weight_on_its_link(translator):
    pair, twin = FOUND[0]
    scores = look_scores(translator, [(pair, twin)])["encoder"]["it to its noun"]["heads"]
    weights = []
    for sentence in (pair, twin):
        ids = translator.encode_pairs([(detokenize(sentence.source), "")])[0][0]
        source = torch.tensor([[*ids, 2]])
        with capture_weights(translator.model) as captured:
            translator.model(source, torch.ones_like(source, dtype=torch.bool), source[:, :1])
        at = sentence.referent.source_pronoun, sentence.referent.source_noun
        weights.append([captured["encoder.1.attention"][0][0, h, at[0], at[1]] for h in range(H)])
    assert scores[H:] == pytest.approx(torch.tensor(weights).mean(dim=0).tolist(), abs=1e-6)


def test_probability_is_that_of_the_two_pronouns_at_their_place(translator):
    with torch.no_grad():
        translator.model.out_proj.weight.zero_()
        bias = translator.model.out_proj.bias.zero_()
        il, elle = (translator.target.encode(word)[0] for word in PRONOUNS)
        bias[elle], bias[il], bias[0] = 2.0, 1.0, 9.0
    found = pronoun_probability(translator, FOUND)
    for row, both in zip(found, FOUND, strict=True):
        for probability, pair in zip(row, both, strict=True):
            right = pair.target[pair.referent.target_pronoun]
            expected = torch.tensor(1.0 if right == "elle" else -1.0).sigmoid().item()
            assert probability.item() == pytest.approx(expected)


def test_probability_reads_the_reference_up_to_the_pronoun_alone(translator):
    before = pronoun_probability(translator, FOUND)
    assert before.shape == (len(FOUND), 2)
    assert before.std() > 0
    alone = torch.cat([pronoun_probability(translator, [both]) for both in FOUND])
    torch.testing.assert_close(alone, before)


def test_accuracy_of_a_perfect_translator_and_of_one_that_takes_the_first_noun(
    translator, monkeypatch
):
    right = [detokenize(pair.target) for both in FOUND for pair in both]
    say(translator, monkeypatch, right)
    monkeypatch.setattr(coreference, "pronoun_probability", lambda *_: torch.full((4, 2), 0.9))
    assert accuracy(translator, FOUND) == dict.fromkeys(
        ("preferred", "both", "written", "exact"), 1
    )
    first = [detokenize(both[0].target) for both in FOUND for _ in both]
    say(translator, monkeypatch, first)
    monkeypatch.setattr(
        coreference, "pronoun_probability", lambda *_: torch.tensor([[0.9, 0.1]] * 4)
    )
    assert accuracy(translator, FOUND) == {
        "preferred": 0.5,
        "both": 0,
        "written": 0.5,
        "exact": 0.5,
    }
    say(translator, monkeypatch, ["il elle qu'il qu'elle"] * 8)
    assert accuracy(translator, FOUND)["written"] == 0  # both forms are no answer


def test_without_heads_is_the_probability_under_silence(translator):
    heads = [("encoder", 4), ("cross", 0)]
    with silenced(translator, heads):
        expected = pronoun_probability(translator, FOUND)
    left = without(translator, heads, FOUND)
    assert left["probability"] == pytest.approx(expected.mean().item())
    assert left["preferred"] == pytest.approx((expected > 0.5).float().mean().item())
    assert left["both"] == pytest.approx((expected > 0.5).all(dim=1).float().mean().item())
    assert left["probability"] != pytest.approx(without(translator, [], FOUND)["probability"])


def test_study_removes_heads_from_the_highest_score_down(translator):
    found = study(translator, FOUND[:2], FOUND[2:], orders=2)
    whole, every = without(translator, [], FOUND[2:]), range(H * N)
    for removal in found["removed"]:
        scores = found["looks"][removal["look"]][removal["link"]]["heads"]
        ranked = [scores[head] for head in removal["order"]]
        assert ranked == sorted(scores, reverse=True)
        assert removal["left"][0] == whole
        assert len(removal["left"]) == H * N + 1
        top = [(removal["look"], head) for head in removal["order"][:2]]
        assert removal["left"][2] == without(translator, top, FOUND[2:])
    for look in LOOKS:
        ends = {r["left"][-1]["probability"] for r in found["removed"] if r["look"] == look}
        ends |= {r["left"][-1]["probability"] for r in found["by_chance"][look]}
        assert len(ends) == 1  # nothing is left of the look, in whatever order it went
        assert all(sorted(r["order"]) == [*every] for r in found["by_chance"][look])
    assert [(r["look"], r["head"]) for r in found["alone"]] == [
        (look, head) for look in LOOKS for head in every
    ]


def test_leaves_a_record_of_every_seed(translator, tmp_path, monkeypatch):
    monkeypatch.setattr(coreference, "load_translator", lambda folder, device: translator)
    monkeypatch.chdir(tmp_path)
    words = ["runs/x", "--record", "r.json", "--twins", "2", "--orders", "1", "--seeds", "3", "5"]
    assert coreference.main(words) == 0
    record = json.loads((tmp_path / "r.json").read_text())
    assert record["command"] == f"python -m txlib.recipes.coreference {' '.join(words)}"
    assert [run["seed"] for run in record["results"]["runs"]] == [3, 5]
    assert record["results"]["settings"] == {"twins": 2, "orders": 1}
