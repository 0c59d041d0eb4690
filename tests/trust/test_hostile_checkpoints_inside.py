"""Checkpoints, records and vocabularies of the right form that hold nonsense, or code."""

import json

import pytest
import torch
from hostile_files import CONFIG, GOOD, make_model, refuse, save_translator
from safetensors import safe_open
from safetensors.torch import save

from txlib.data.batching import BucketedBatches
from txlib.recipes.translator import load_translator
from txlib.training import fit
from txlib.training.checkpoint import KEY

BATCHES = BucketedBatches([([4, 5], [4, 5, 6]), ([5], [6])] * 3, 2)


def rewrite(path, change):
    """The same tensors under a header that `change` made of the old one."""
    with safe_open(path, framework="pt") as file:
        header = json.loads(file.metadata()[KEY])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    tensors = change(header, tensors) or tensors
    path.write_bytes(save(tensors, metadata={KEY: json.dumps(header)}))


def put(header, value, *way):
    for key in way[:-1]:
        header = header[key]
    header[way[-1]] = value


HISTORY, GROUP = ("details", "history"), ("optimizer", "groups", 0)
RUNS = {
    "no history": lambda h, t: h["details"].pop("history") and None,
    "a history that is a list": lambda h, t: put(h, [1], *HISTORY),
    "a history that is a number": lambda h, t: put(h, 3, *HISTORY),
    "a history without losses": lambda h, t: put(h, {"losses": [1.0]}, *HISTORY),
    "losses that are a text": lambda h, t: put(h, "123", *HISTORY, "losses"),
    "losses that are texts": lambda h, t: put(h, ["1", "2", "3"], *HISTORY, "losses"),
    "losses that are NaN": lambda h, t: put(h, [float("nan")] * 3, *HISTORY, "losses"),
    "losses that are true": lambda h, t: put(h, [True] * 3, *HISTORY, "losses"),
    "a loss too few": lambda h, t: put(h, [1.0, 1.0], *HISTORY, "losses"),
    "an evaluation of nothing": lambda h, t: put(h, [{}], *HISTORY, "evaluations"),
    "an evaluation that is a list": lambda h, t: put(h, [[1]], *HISTORY, "evaluations"),
    "an evaluation by a text": lambda h, t: put(
        h, [{"step": 1, "loss": "low"}], *HISTORY, "evaluations"
    ),
    "another step": lambda h, t: put(h, 2, "step"),
    "a step past the end": lambda h, t: put(h, 99, "step"),
    "another run": lambda h, t: put(h, {"seed": 8}, "details", "run"),
    "a run that is a list": lambda h, t: put(h, [1], "details", "run"),
    "no optimizer": lambda h, t: put(h, None, "optimizer"),
    "an empty optimizer": lambda h, t: put(h, {}, "optimizer"),
    "groups that are a dict": lambda h, t: put(h, {}, "optimizer", "groups"),
    "two groups": lambda h, t: put(h, h["optimizer"]["groups"] * 2, "optimizer", "groups"),
    "a group that is a number": lambda h, t: put(h, 1, *GROUP),
    "a group of other parameters": lambda h, t: put(h, [0], *GROUP, "params"),
    "betas that are a text": lambda h, t: put(h, "fast", *GROUP, "betas"),
    "one beta": lambda h, t: put(h, [0.9], *GROUP, "betas"),
    "a beta that is a text": lambda h, t: put(h, [0.9, "x"], *GROUP, "betas"),
    "a rate that is a list": lambda h, t: put(h, [1], *GROUP, "lr"),
    "an epsilon that is true": lambda h, t: put(h, True, *GROUP, "eps"),
    "values that are a list": lambda h, t: put(h, [1], "optimizer", "values"),
    "a moment of another shape": lambda h, t: t | {"optimizer.0.exp_avg": torch.zeros(9, 9)},
    "a moment of integers": lambda h, t: (
        t | {"optimizer.0.exp_avg": t["optimizer.0.exp_avg"].long()}
    ),
    "a moment of no parameter": lambda h, t: t | {"optimizer.99.exp_avg": torch.zeros(1)},
    "a moment of a name": lambda h, t: t | {"optimizer.x.exp_avg": torch.zeros(1)},
    "noise that is short": lambda h, t: t | {"generators.0.cpu": torch.zeros(7, dtype=torch.uint8)},
    "noise that is floating": lambda h, t: t | {"generators.0.cpu": torch.zeros(5056)},
    "noise that is a table": lambda h, t: (
        t | {"generators.0.cpu": t["generators.0.cpu"].reshape(2, -1)}
    ),
    "a key of no group": lambda h, t: t | {"stray.x": torch.zeros(1)},
    "a key that is only a group": lambda h, t: t | {"model": torch.zeros(1)},
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "last.safetensors"
    fit(make_model(), BATCHES, steps=3, checkpoint=path, details={"seed": 7}, progress=False)
    return path.read_bytes()


@pytest.mark.parametrize("case", RUNS)
def test_a_run_that_is_not_one(checkpoint, tmp_path, tally, case):
    """Refused before a number of the model is changed."""
    path, model = tmp_path / "last.safetensors", make_model()
    path.write_bytes(checkpoint)
    rewrite(path, lambda h, t: None)
    again = {"checkpoint": path, "resume": True, "progress": False, "details": {"seed": 7}}
    assert len(fit(make_model(), BATCHES, steps=3, **again)) == 3  # the rewriting harms nothing
    path.write_bytes(checkpoint)
    rewrite(path, RUNS[case])
    held = path.read_bytes()
    refuse(lambda: fit(model, BATCHES, steps=5, **again), path, tally)
    assert path.read_bytes() == held
    for name, tensor in make_model().state_dict().items():
        assert model.state_dict()[name].equal(tensor)


HUGE = 10**7
CLAIMS = {
    "nothing": None,
    "a list": [1],
    "no model": {"config": CONFIG, "tokenizer": "word", "lowercase": False},
    "an unknown model": {"model": "os.system"},
    "a model that is a list": {"model": ["lstm"]},
    "an unknown tokenizer": {"tokenizer": "pickle"},
    "a configuration that is a list": {"config": [6, 7]},
    "another model's configuration": {"config": CONFIG | {"num_heads": 2}},
    "no size": {"config": CONFIG | {"hidden_size": 0}},
    "a size below zero": {"config": CONFIG | {"hidden_size": -5}},
    "a size that is a text": {"config": CONFIG | {"hidden_size": "5"}},
    "a size of 400 TB": {"config": CONFIG | {"hidden_size": HUGE}},
    "a size of 6 GB": {"config": CONFIG | {"hidden_size": 20_000}},
    "a size of no machine": {"config": CONFIG | {"hidden_size": 10**30}},
    "a vocabulary of no machine": {"config": CONFIG | {"source_vocab_size": 10**15}},
    "layers without end": {"config": CONFIG | {"num_layers": 10**9}},
    "another size": {"config": CONFIG | {"hidden_size": 4}},
    "another vocabulary": {"config": CONFIG | {"source_vocab_size": 5}},
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_translator_that_claims_to_be_another(tmp_path, tally, case):
    claim = CLAIMS[case]
    if isinstance(claim, dict) and case != "no model":
        claim = GOOD | claim
    path = save_translator(tmp_path, claim)
    refuse(lambda: load_translator(tmp_path), path, tally)
    if case == "a size of 6 GB":  # refused by counting, not by running out of memory
        with pytest.raises(ValueError, match=r"must hold at most the file's \d+ numbers, got"):
            load_translator(tmp_path)
