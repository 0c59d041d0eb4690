import json
import math

import pytest
import torch

from txlib.recipes import transformer_ablation as recipe
from txlib.recipes.transformer_ablation import (
    ARMS,
    AS_IN_2017,
    corpus_of,
    measure,
    rate_factor,
    train,
)
from txlib.training import translation_loss

SIZES = {"d_model": 8, "num_heads": 2, "num_layers": 1}
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus():
    return corpus_of(40, 6)


def run(arm, corpus, steps=2, **changed):
    settings = {"steps": steps, "learning_rate": 1e-3, "warmup_steps": 2} | changed
    return train(arm, 0, corpus, **settings, sizes=SIZES, device=CPU)


def test_every_arm_changes_one_setting_and_really_changes_it():
    for arm, changes in ARMS.items():
        assert len(changes) == (arm != "as in 2017")
        for name, value in changes.items():
            assert AS_IN_2017[name] != value


@pytest.mark.parametrize("arm", ARMS)
def test_the_model_is_built_as_the_arm_says(corpus, arm):
    translator, losses = run(arm, corpus, steps=3)
    config, wanted = translator.model.config, AS_IN_2017 | ARMS[arm]
    for name in recipe.MODEL:
        assert getattr(config, name) == wanted[name]
    assert len(losses) == 3


def test_the_loss_and_the_optimizer_are_those_of_the_arm(corpus, monkeypatch):
    seen = []
    monkeypatch.setattr(recipe, "fit", lambda *args, **options: seen.append(options) or History())

    class History:
        losses = (0.0,)

    for arm in ("as in 2017", "no label smoothing", "padding in the loss", "Adam's usual beta2"):
        run(arm, corpus)
    losses = [options["loss"] for options in seen]
    assert {loss.func for loss in losses} == {translation_loss}
    assert [loss.keywords["label_smoothing"] for loss in losses] == [0.1, 0.0, 0.1, 0.1]
    assert [loss.keywords["ignore_padding"] for loss in losses] == [True, True, False, True]
    betas = [options["optimizer"].defaults["betas"][1] for options in seen]
    assert betas == [0.98, 0.98, 0.98, 0.999]


def test_rate_climbs_and_falls_and_without_warm_up_falls_as_before():
    def factors(**setting):
        settings = {"schedule": "inverse_sqrt", "warmup_steps": 4, "total_steps": 16} | setting
        return [rate_factor(step, **settings) for step in range(16)]

    climbing, at_once = factors(warm_up=True), factors(warm_up=False)
    assert climbing[:5] == pytest.approx([1 / 4, 2 / 4, 3 / 4, 1, math.sqrt(4 / 5)])
    assert at_once[:4] == [1] * 4
    assert at_once[4:] == climbing[4:]
    cosine = factors(schedule="cosine", warm_up=True)
    assert cosine[:4] == climbing[:4]
    assert cosine[-1] == pytest.approx(0)


def test_sentences_are_short_and_held_out(corpus):
    assert {split: len(pairs) for split, pairs in corpus.splits.items()} == {
        "train": 40, "validation": 6, "test": 6,
    }  # fmt: skip
    assert max(len(s.split()) for pairs in corpus.splits.values() for s, _ in pairs) <= 16


def test_the_measured_loss_is_the_plain_one(corpus):
    translator, _ = run("as in 2017", corpus)
    found = measure(translator, corpus)
    batch = recipe.BucketedBatches(
        translator.encode_pairs(corpus.splits["validation"]), 256, shuffle=False
    )
    expected = translation_loss(translator.model, next(batch.epoch(0)))
    assert found["validation_loss"] == pytest.approx(expected.item(), rel=1e-5)
    assert found["test"]["count"] == 6


def test_a_diverging_run_says_so(corpus):
    _, losses = run("as in 2017", corpus, steps=9, learning_rate=1e30)
    assert math.isnan(losses[-1])


def test_an_unknown_arm(corpus):
    with pytest.raises(ValueError, match=r"arm must be one of \('as in 2017'.* got 'as in 1997'"):
        run("as in 1997", corpus)


def test_leaves_a_record_of_every_arm_and_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = "--record r.json --arms pre-norm GELU --seeds 4 2 --steps 2 --d-model 8 --num-heads 2"
    words = [*words.split(), "--num-layers", "1", "--train-size", "40", "--held-out", "4"]
    assert recipe.main(words) == 0
    results = json.loads((tmp_path / "r.json").read_text())["results"]
    assert list(results["arms"]) == ["pre-norm", "GELU"]
    for arm, found in results["arms"].items():
        assert found["changes"] == ARMS[arm]
        assert [r["seed"] for r in found["runs"]] == [4, 2]
        assert all(0 <= r["test"]["exact_match"] <= 1 for r in found["runs"])
    assert results["settings"]["steps"] == 2
    assert results["base"] == AS_IN_2017
