import json
import math

import pytest
import torch
from torch import nn

from txlib.recipes import depth as recipe
from txlib.recipes.depth import ARMS, Stack, puzzle, train

ADDS = ("residual only", "residual, small start", "post-norm", "pre-norm")


def test_arms_by_hand():
    x, double, less = torch.tensor([3.0]), (lambda x: 2 * x), (lambda x: x - 1)
    got = {arm: combine(x, double, less).item() for arm, combine in ARMS.items()}
    assert got == {
        "neither": 6,
        "norm only": 5,
        "residual only": 9,
        "residual, small start": 9,
        "post-norm": 8,
        "pre-norm": 7,
    }


@pytest.mark.parametrize("arm", ARMS)
def test_without_sublayers_only_a_residual_lets_the_token_through(arm):
    stack = Stack(arm, 3, d_model=6)
    for sublayer in stack.sublayers:
        for parameter in sublayer.parameters():
            nn.init.zeros_(parameter)
    x, _ = puzzle(2, torch.Generator().manual_seed(0))
    different = stack(x).std(dim=1).max() > 1e-3  # tokens of one puzzle
    assert different == (arm in ADDS)


@pytest.mark.parametrize("arm", ARMS)
def test_norms_and_first_values_are_where_the_arm_says(arm):
    stack = Stack(arm, 5, d_model=8)
    normed = arm in ("norm only", "post-norm", "pre-norm")
    assert len(stack.sublayers) == len(stack.norms) == 10
    assert all(isinstance(norm, nn.Identity) != normed for norm in stack.norms)
    assert isinstance(stack.last_norm, nn.Identity) == (arm != "pre-norm")
    largest = stack.sublayers[0].out_proj.weight.abs().max().item()
    bound = math.sqrt(6 / 16) / (math.sqrt(10) if arm == "residual, small start" else 1)
    assert 0.8 * bound < largest <= bound
    assert stack.sublayers[1].up_proj.weight.abs().max() <= math.sqrt(6 / 40)


def test_puzzle_asks_for_the_content_of_the_token_sought():
    x, content = puzzle(3, torch.Generator().manual_seed(1))
    name, wish, holds = x.split((16, 16, 8), dim=-1)
    found = wish @ name.mT  # (3, 8, 8), one-hot rows
    assert found.sum(dim=-1).eq(1).all()
    assert found.diagonal(dim1=1, dim2=2).eq(0).all()
    assert (found @ holds).argmax(dim=-1).equal(content)


def test_a_solved_run_ends_early(monkeypatch):
    monkeypatch.setattr(recipe, "SOLVED_LOSS", 10.0)
    run = train("pre-norm", 1, learning_rate=1e-3, warmup=5, seed=0, steps=50, d_model=8)
    assert run["steps"] == recipe.WINDOW
    assert len(run["losses"]) == 1


def test_a_diverging_run_ends_and_says_so():
    run = train("residual only", 2, learning_rate=1e30, warmup=0, seed=0, steps=9, d_model=8)
    assert run["steps"] < 9
    assert run["solved"] < 0.3


def test_two_layers_learn_the_puzzle():
    run = train("pre-norm", 2, learning_rate=1e-2, warmup=10, seed=0, steps=200)
    assert run["solved"] > 0.95


def test_unknown_arm_and_depth():
    with pytest.raises(ValueError, match=r"arm must be one of.*'none'"):
        Stack("none", 2)
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        Stack("neither", 0)


def test_leaves_a_record_of_every_combination(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = "--arms neither pre-norm --depths 1 2 --warmups 0 3 --learning-rates 1e-3 --seeds 4"
    words = [*words.split(), "--record", "r.json", "--steps", "2", "--d-model", "6"]
    assert recipe.main(words) == 0
    record = json.loads((tmp_path / "r.json").read_text())
    runs = record["results"]["runs"]
    assert len(runs) == 8
    assert {(r["arm"], r["depth"], r["warmup"], r["seed"]) for r in runs} == {
        (arm, depth, warmup, 4) for arm in ("neither", "pre-norm") for depth in (1, 2)
        for warmup in (0, 3)
    }  # fmt: skip
    assert all(r["steps"] == 2 and 0 <= r["solved"] <= 1 for r in runs)
