"""The translator that comes with the book: its files, its skill, and whether it can be remade."""

import argparse
import json

import pytest
import torch

from txlib.data.batching import make_batch
from txlib.data.grammar import detokenize, generate
from txlib.metrics import exact_match
from txlib.recipes import records, translation
from txlib.recipes.pretrained import MAX_BYTES, load_pretrained
from txlib.recipes.translation_data import Corpus
from txlib.recipes.translation_options import model_options, parse
from txlib.recipes.translator import MODELS
from txlib.training import mean_loss

FOLDER = records.FOLDERS[-1] / "grammar_translator"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def translator():
    return load_pretrained("grammar", device=CPU)


@pytest.fixture(scope="module")
def record():
    return json.loads((FOLDER / "record.json").read_bytes())


def text_pairs(split, size, **more):
    return [(detokenize(p.source), detokenize(p.target)) for p in generate(split, size, **more)]


def test_its_files_are_all_there_and_small():
    names = sorted(path.name for path in FOLDER.iterdir())
    assert names == ["model.safetensors", "record.json", "source.json", "target.json"]
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= MAX_BYTES
    assert (FOLDER / "model.safetensors").stat().st_size > 500_000  # a model, not a pointer to one


def test_its_record_is_of_this_model(translator, record):
    assert set(records.REQUIRED) <= set(record)
    settings = record["results"]["settings"]
    assert (settings["data"], settings["model"]) == ("grammar", translator.kind)
    assert settings["tokenizer"] == translator.tokenizer
    config_class, _ = MODELS[translator.kind]
    options = model_options(argparse.Namespace(**settings))
    sizes = {
        "source_vocab_size": len(translator.source),
        "target_vocab_size": len(translator.target),
    }
    assert config_class(**sizes, **options) == translator.model.config
    for run in record["results"]["runs"]:
        assert run["parameters"] == translator.num_parameters
        assert run["vocabulary"] == {
            "source": len(translator.source),
            "target": len(translator.target),
        }


def test_it_translates_fresh_sentences(translator):
    sources, references = zip(*text_pairs("test", 100, seed=2017), strict=True)
    assert exact_match(translator.translate(sources), references) >= 0.98


def test_it_is_as_sure_as_its_record_says(translator, record):
    pairs = translator.encode_pairs(text_pairs("validation", 1000)[:300])
    loss = mean_loss(translator.model, [make_batch(pairs[i : i + 50]) for i in range(0, 300, 50)])
    selected = [run["selected"]["loss"] for run in record["results"]["runs"]]
    assert loss <= 2 * max(selected) + 0.01  # rounded to float16, and over fewer sentences


def test_its_recipe_still_learns(record, tmp_path):
    """A short training with the record's own settings, on short sentences."""
    splits = {"train": text_pairs("train", 3000, max_length=5)}
    splits["validation"] = text_pairs("validation", 100, max_length=5)
    corpus = Corpus(name="short", text="", lowercase=False, splits=splits, edges=(4, 5))
    settings = record["results"]["settings"]
    args = parse([])
    vars(args).update(settings, steps=160, evaluate_every=160, checkpoint_every=160)
    learner, history = translation.train(args, 0, corpus, CPU, tmp_path)
    assert history.losses[0] > 6
    assert history.best()["loss"] < 0.6  # 0.34 as recorded, 0.81 where the rate is too high
    sources, references = zip(*splits["validation"], strict=True)
    assert exact_match(learner.translate(sources), references) >= 0.55
