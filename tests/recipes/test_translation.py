import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from txlib.data.batching import BucketedBatches
from txlib.device import seed_everything
from txlib.recipes import translation
from txlib.recipes.translator import load_translator, new_translator
from txlib.training import load_checkpoint, translation_loss

HERE = Path(__file__).parent
SIZES = "--steps 12 --batch-size 8 --d-embedding 5 --hidden-size 7 --dropout 0.3"
TRANSFORMER = "--model transformer --d-model 12 --num-heads 3 --num-layers 1 --dropout 0 --steps 7"
TRANSFORMER += " --warmup-steps 3 --learning-rate 1e-2 --norm-order post"
SIZES = [*SIZES.split(), "--evaluate-every", "5", "--checkpoint-every", "4", "--seed", "1"]


@pytest.fixture
def recipe(corpus, tmp_path, monkeypatch):
    """The command line over a tiny corpus, in a working folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(translation, "load_corpus", lambda name, *, train_size: corpus)
    return lambda *words: translation.main([*SIZES, *words])


def losses(folder):
    return load_checkpoint(Path(folder) / "last.safetensors").details["history"]["losses"]


def test_leaves_a_record_and_a_translator(recipe, corpus, capsys):
    assert recipe("--out", "runs/x", "--record", "results/x.json") == 0
    printed = capsys.readouterr().out
    record = json.loads(Path("results/x.json").read_text())
    assert record == json.loads(Path("runs/x/record.json").read_text())
    assert record["command"].startswith("python -m txlib.recipes.translation --steps 12")
    assert record["seeds"] == [1]
    results = record["results"]
    assert results["settings"]["hidden_size"] == 7
    assert results["corpus"]["pairs"] == {"train": 60, "validation": 7, "test": 11, "beyond": 3}
    assert results["bleu_signature"].startswith("nrefs:1|")
    (run,) = results["runs"]
    assert set(run["scores"]) == {"test", "beyond"}
    assert run["scores"]["beyond"]["by_length"][0]["count"] == 3
    assert [e["step"] for e in run["evaluations"]] == [5, 10, 12]
    assert run["selected"] == min(run["evaluations"], key=lambda e: e["loss"])
    assert run["curve"]["step"] == list(range(1, 13))

    translator = load_translator("runs/x/seed-1")
    assert translator.num_parameters == run["parameters"]
    assert load_checkpoint("runs/x/seed-1/model.safetensors").step == run["selected"]["step"]
    source = run["samples"][0]["source"]
    assert translator.translate([source]) == [run["samples"][0]["translation"]]
    assert source in printed
    assert "beyond" in printed
    assert "record: runs/x/record.json, results/x.json" in printed


def test_seeds_differ_and_repeat(recipe):
    assert recipe("--out", "a", "--seeds", "1", "2") == 0
    assert recipe("--out", "b") == 0
    assert losses("a/seed-1") == losses("b/seed-1")
    assert losses("a/seed-1") != losses("a/seed-2")
    record = json.loads(Path("a/record.json").read_text())
    runs = record["results"]["runs"]
    assert [run["seed"] for run in runs] == record["seeds"] == [1, 2]
    assert runs[0]["samples"] != runs[1]["samples"]
    for run in runs:
        translator = load_translator(f"a/seed-{run['seed']}")
        said = [sample["translation"] for sample in run["samples"]]
        assert translator.translate([sample["source"] for sample in run["samples"]]) == said


def run_of(folder):
    return load_checkpoint(Path(folder) / "seed-1" / "last.safetensors")


def test_the_papers_recipe(recipe, corpus):
    options = (
        "--schedule inverse_sqrt --label-smoothing 0.1 --beta2 0.98 --tie-embeddings --d-ff 10"
    )
    assert recipe(*TRANSFORMER.split(), *options.split(), "--activation", "gelu", "--out", "x") == 0
    run = run_of("x")
    history = run.details["history"]
    factors = [1 / 3, 2 / 3, 1, (3 / 4) ** 0.5, (3 / 5) ** 0.5, (3 / 6) ** 0.5, (3 / 7) ** 0.5]
    assert history["learning_rates"] == pytest.approx([1e-2 * factor for factor in factors])
    (group,) = run.optimizer_facts["groups"]
    assert group["betas"] == [0.9, 0.98]
    config = run.details["run"]["translator"]["config"]
    assert (config["d_ff"], config["activation"], config["tie_embeddings"]) == (10, "gelu", True)
    assert config["norm_order"] == "post"
    settings = json.loads(Path("x/record.json").read_text())["results"]["settings"]
    assert (settings["label_smoothing"], settings["count_padding"]) == (0.1, False)
    translator = load_translator("x/seed-1")
    assert translator.model.out_proj.weight is translator.model.target_embedding.weight


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ("", {}),
        ("--label-smoothing 0.2", {"label_smoothing": 0.2}),
        ("--count-padding", {"ignore_padding": False}),
    ],
)
def test_the_loss_is_the_one_asked_for(recipe, corpus, words, settings):
    """The first step's loss, computed anew; validation is by the plain loss in any case."""
    assert recipe(*TRANSFORMER.split(), *words.split(), "--steps", "1", "--out", "x") == 0
    seed_everything(1)
    options = {"d_model": 12, "num_heads": 3, "num_layers": 1, "dropout": 0.0}
    twin = new_translator("transformer", corpus, options)
    batches = BucketedBatches(twin.encode_pairs(corpus.splits["train"]), 8, seed=1)
    batch = next(batches.stream())
    assert not batch.target_mask.all()  # there is padding to count
    expected = translation_loss(twin.model, batch, **settings).item()
    history = run_of("x").details["history"]
    assert history["losses"] == [expected]
    held_out = next(BucketedBatches(twin.encode_pairs(corpus.splits["validation"]), 99).epoch(0))
    with torch.no_grad():
        plain = translation_loss(load_translator("x/seed-1").model, held_out).item()
    assert history["evaluations"][0]["loss"] == pytest.approx(plain, rel=1e-5)


def test_accumulated_batches_are_one_update(recipe, corpus):
    words = [*TRANSFORMER.split(), "--steps", "2", "--accumulate", "3", "--out", "x"]
    assert recipe(*words) == 0
    run = run_of("x")
    assert run.step == 2
    seed_everything(1)
    options = {"d_model": 12, "num_heads": 3, "num_layers": 1, "dropout": 0.0}
    twin = new_translator("transformer", corpus, options)
    stream = BucketedBatches(twin.encode_pairs(corpus.splits["train"]), 8, seed=1).stream()
    first = [next(stream) for _ in range(3)]
    summed = sum(translation_loss(twin.model, b).item() * b.num_target_tokens for b in first)
    mean = summed / sum(b.num_target_tokens for b in first)
    assert run.details["history"]["losses"][0] == pytest.approx(mean, rel=1e-6)


def test_a_run_is_not_overwritten_but_resumed(recipe, capsys):
    assert recipe("--out", "x") == 0
    before = Path("x/record.json").read_bytes()
    assert recipe("--out", "x") == 1
    assert "x/seed-1 holds a run: add --resume, or choose another --out" in capsys.readouterr().err
    assert Path("x/record.json").read_bytes() == before
    assert recipe("--out", "x", "--resume", "--hidden-size", "8") == 1
    assert "must be of the same run" in capsys.readouterr().err
    assert recipe("--out", "x", "--resume") == 0
    assert json.loads(Path("x/record.json").read_text())["results"] != {}


SCRIPT = """
import importlib.util, sys
from txlib.recipes import translation
spec = importlib.util.spec_from_file_location("conftest", sys.argv[1])
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)
translation.load_corpus = lambda name, *, train_size: tiny.make_corpus()
sys.exit(translation.main(sys.argv[2:]))
"""


def test_ctrl_c_saves_and_says_how_to_resume(recipe, tmp_path):
    words = [*SIZES, "--steps", "250", "--checkpoint-every", "250"]
    words += ["--evaluate-every", "250", "--out", "stopped"]
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(HERE / "conftest.py"), *words],
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        shown = b""
        while b"loss=" not in shown:  # the bar moves: training has begun
            shown += process.stderr.read(64)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read().decode()
    assert process.returncode == 130
    step = len(losses("stopped/seed-1"))
    assert 0 < step < 250
    assert f"stopped after step {step}; the checkpoint is stopped/seed-1/last" in told
    (again,) = [line for line in told.splitlines() if line.startswith("to go on: ")]
    assert again.endswith(f"translation {' '.join(words)} --resume")
    assert translation.main([*words, "--resume"]) == 0
    assert translation.main([*words[:-1], "whole"]) == 0
    assert losses("stopped/seed-1") == losses("whole/seed-1")


def test_errors_are_one_line(recipe, capsys):
    assert recipe("--out", "x", "--learning-rate", "1e38", "--schedule", "constant") == 1
    told = capsys.readouterr().err.strip().splitlines()[-1]
    assert "must have a finite loss and gradient, got loss" in told
    with pytest.raises(SystemExit):
        recipe("--out", "y", "--label-smoothing", "1.5")
    assert "--label-smoothing: it must be from 0 to 1, got 1.5" in capsys.readouterr().err
