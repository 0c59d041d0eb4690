"""Ctrl-C, NaN and other options: one clear end each, and the run goes on from what was saved."""

import math
import os
import signal
from importlib import util
from pathlib import Path

import pytest
from small_run import train

from txlib.recipes import translation
from txlib.training import load_checkpoint, translation_loss

STOPS = "training: Ctrl-C, NaN or another option"


@pytest.fixture(scope="module")
def losses(tmp_path_factory):
    return train(tmp_path_factory.mktemp("whole") / "last").losses


def stopping_at(call, *numbers):
    calls = []

    def loss(model, batch):
        calls.append(1)
        if len(calls) == call:
            for number in numbers:
                signal.raise_signal(number)
        return translation_loss(model, batch)

    return loss


@pytest.fixture
def handled():
    """A shell that starts pytest in the background lets it ignore SIGINT."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, inherited)


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("at", range(1, 9))
def test_stopped_at_each_step(tmp_path, losses, tally, number, at):
    path = tmp_path / "last"
    with pytest.raises(KeyboardInterrupt, match=rf"stopped after step {at}; the checkpoint is"):
        train(path, loss=stopping_at(at, number), checkpoint_every=None)
    assert load_checkpoint(path).step == at
    assert train(path, resume=True).losses == losses
    tally(STOPS)


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("at", range(1, 9))
def test_a_second_ctrl_c_stops_at_once(tmp_path, losses, tally, at):
    """What was saved until then stays, and the run goes on from it."""
    path = tmp_path / "last"
    with pytest.raises(KeyboardInterrupt) as caught:
        train(path, loss=stopping_at(at, signal.SIGINT, signal.SIGINT))
    assert str(caught.value) == ""
    assert path.exists() == (at > 2)
    assert train(path, resume=True).losses == losses
    assert os.listdir(tmp_path) == ["last"]
    tally(STOPS)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", range(1, 9))
def test_nan_says_where_to_look(tmp_path, losses, tally, bad, at):
    path, calls = tmp_path / "last", []

    def loss(model, batch):
        calls.append(1)
        return translation_loss(model, batch) + (bad if len(calls) == at else 0)

    with pytest.raises(FloatingPointError, match=rf"step {at} must have a finite loss") as caught:
        train(path, loss=loss)
    told = str(caught.value)
    for part in ("learning rate", "losses before", "The first in the model", "this step's batch"):
        assert part in told
    assert (str(path) in told) == (at > 2)
    if at > 2:
        assert load_checkpoint(path).step == (at - 1) // 2 * 2
    assert train(path, resume=True).losses == losses
    tally(STOPS)


OPTIONS = {
    "steps": "9",
    "batch-size": "7",
    "learning-rate": "0.5",
    "beta2": "0.9",
    "schedule": "constant",
    "warmup-steps": "3",
    "label-smoothing": "0.1",
    "accumulate": "2",
    "evaluate-every": "2",
    "hidden-size": "8",
    "d-embedding": "6",
    "dropout": "0.1",
    "tokenizer": "bpe",
    "min-count": "2",
    "train-size": "50",
    "score": "dot",
    "model": "attention",
    "count-padding": None,
    "one-direction": None,
}


def test_other_options_are_refused_by_name(tmp_path, tally, monkeypatch, capsys):
    corpus = tiny_corpus()
    monkeypatch.setattr(translation, "load_corpus", lambda name, *, train_size: corpus)
    monkeypatch.setenv("TXLIB_DEVICE", "cpu")
    sizes = "--steps 4 --batch-size 8 --d-embedding 5 --hidden-size 7 --seed 1"
    words = [*sizes.split(), "--out", str(tmp_path / "run")]
    assert translation.main(words) == 0
    held = (tmp_path / "run/seed-1/last.safetensors").read_bytes()
    for option, value in OPTIONS.items():
        other = [f"--{option}", *([value] if value else [])]
        capsys.readouterr()
        assert translation.main([*words, *other, "--resume"]) == 1, option
        told = capsys.readouterr().err.strip().splitlines()[-1]
        assert "must be of the same run; (saved, asked for) differ in" in told
        assert f"'settings.{option.replace('-', '_')}': (" in told
        assert len(told) < 1200
        assert (tmp_path / "run/seed-1/last.safetensors").read_bytes() == held
        tally(STOPS)
    assert translation.main([*words, "--resume"]) == 0


def tiny_corpus():
    path = Path(__file__).parents[1] / "recipes" / "conftest.py"
    spec = util.spec_from_file_location("recipes_conftest", path)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_corpus()
