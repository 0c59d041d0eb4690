import json
import math

import pytest
import torch

from txlib.data.order_questions import OrderQuestions
from txlib.positions import SCHEMES
from txlib.recipes import position_extrapolation as recipe
from txlib.recipes.records import REQUIRED

ARGUMENTS = ["--n", "4", "--steps", "4", "--batch-size", "3", "--seeds", "0", "1"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*extra):
        assert recipe.main(["--record", "record.json", *ARGUMENTS, *extra]) == 0
        return json.loads((tmp_path / "record.json").read_text())

    return call


def test_record_has_every_task_scheme_and_seed(run):
    record = run("--schemes", "none", "rope_interpolated")
    assert set(REQUIRED) <= record.keys()
    results = record["results"]
    assert results["settings"] == {"n": 4, "steps": 4, "batch_size": 3, "longest": 16}
    arms = {(r["task"], r["scheme"], r["seed"]) for r in results["runs"]}
    schemes = ("none", "rope_interpolated")
    assert arms == {(t, s, i) for t in recipe.TASKS for s in schemes for i in (0, 1)}
    for r in results["runs"]:
        assert [b["length"] for b in r["by_length"]] == list(range(2, 17, 2))
        assert all(0 <= b["accuracy"] <= 1 and b["loss"] > 0 for b in r["by_length"])


def test_finished_runs_are_not_run_again_but_other_settings_are(run, monkeypatch):
    first = run("--schemes", "none")
    calls = []
    real = recipe.run
    monkeypatch.setattr(recipe, "run", lambda *a, **k: calls.append(a) or real(*a, **k))
    assert run("--schemes", "none")["results"] == first["results"]
    assert not calls
    run("--schemes", "none", "--steps", "2")
    assert len(calls) == 2 * len(recipe.TASKS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_learns_to_tell_near_from_far(scheme):
    """The loss falls well below that of guessing among the tokens of a kind."""
    questions = OrderQuestions(task="latest", length=18, reach=2, num_tokens=8, batch_size=32)
    torch.manual_seed(0)
    model = recipe.new_model(scheme, questions, d_model=16)
    loss = recipe.train(model, questions, scheme=scheme, steps=150, learning_rate=1e-2)
    assert loss < 0.8 * math.log(4)


def test_interpolation_divides_positions_from_the_middle_of_the_training():
    questions = OrderQuestions(task="distance", length=4, reach=4, num_tokens=4, batch_size=2)
    model = recipe.new_model("rope_interpolated", questions, d_model=16)
    factors = []
    model.rotary.register_forward_pre_hook(lambda m, _: factors.append(m.interpolation))
    recipe.train(model, questions, scheme="rope_interpolated", steps=6)
    per_step = len(factors) // 6
    assert factors == [1.0] * (3 * per_step) + [4.0] * (3 * per_step)


def test_answers_are_scored_where_they_stand():
    """A model that always says token 2 is right exactly where the answer is 2."""
    questions = OrderQuestions(task="place", length=8, reach=4, num_tokens=4, batch_size=64)

    class Says2(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(8))

        def forward(self, tokens):
            return (self.weight + torch.tensor([0, 0, 1.0, 0, 0, 0, 0, 0])).expand(*tokens.shape, 8)

    bins = recipe.answers_by_position(Says2(), questions, width=4, batches=1)
    batch = questions.batch(0)
    for b in bins:
        part = slice(b["low"], b["length"])
        asked = batch.is_question[:, part]
        share = (batch.answers[:, part][asked] == 2).float().mean().item()
        assert b["accuracy"] == pytest.approx(share)
        chances = torch.tensor([0, 0, 1.0, 0, 0, 0, 0, 0]).log_softmax(0)
        expected = -(share * chances[2] + (1 - share) * chances[0]).item()
        assert b["loss"] == pytest.approx(expected, rel=1e-5)
