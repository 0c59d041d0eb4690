"""What `fit` and its history may be given."""

import math
from itertools import repeat
from types import SimpleNamespace

import numpy as np
import torch
from hypothesis import strategies as st
from kinds import Kind, junk, made, not_callable, nothing, number, text, whole
from sheets import Sheet
from training_sheets import Model, batch

from txlib import training

STREAM = SimpleNamespace(stream=lambda start=0: repeat(batch()))
ENDING = SimpleNamespace(stream=lambda start=0: iter([]))


def plain(value):
    return not isinstance(value, (np.ndarray, np.generic, torch.Tensor))


def mean(model):
    return {"loss": 1.0}


def good():
    return {
        "model": Model(), "batches": STREAM, "steps": 2, "learning_rate": 0.1,
        "schedule": training.constant, "optimizer": None, "loss": training.translation_loss,
        "max_gradient_norm": 1.0, "accumulate": 1, "evaluate": mean, "evaluate_every": None,
        "checkpoint": None, "checkpoint_every": None, "best": None, "resume": False,
        "details": {"a": 1}, "progress": False,
    }  # fmt: skip


def every(least=1):
    return whole(least) | nothing()


def remembered():
    lists = {"losses": [1.0], "learning_rates": [0.1], "gradient_norms": [1.0]}
    lists |= {"tokens_per_second": [5.0], "evaluations": [{"step": 1, "loss": 2.0}]}
    return training.History(**lists)


def as_json(value):
    """Whether it is one of the dictionaries of junk that JSON can hold."""
    return value is None or value in ({}, {"a": 1})


def learned(history, arguments):
    assert len(history) == arguments["steps"]
    assert all(math.isfinite(loss) for loss in history.losses)
    assert all(p.isfinite().all() for p in arguments["model"].parameters())
    assert not arguments["model"].training


ANY = number(lambda v: True)
NOWHERE = Kind(junk().filter(lambda v: not isinstance(v, str)), lambda v: v is None)
KEY = {"key": text(lambda v: v == "loss")}
SHEETS = {
    "fit": Sheet(
        call=training.fit,
        good=good,
        kinds={
            "model": made(lambda v: isinstance(v, Model), Model, torch.nn.Identity),
            "batches": made(
                lambda v: v is STREAM, lambda: STREAM, lambda: ENDING, lambda: SimpleNamespace()
            ),
            "steps": whole(1, upto=3),
            "learning_rate": number(lambda v: v >= 0, upto=0.3),
            "schedule": made(
                lambda v: v is training.constant,
                lambda: training.constant,
                lambda: lambda step: math.nan,
                lambda: lambda step: -1.0,
                lambda: lambda step: None,
            ),
            "optimizer": nothing() | Kind(junk(), lambda v: v is None),
            "loss": not_callable(),
            "max_gradient_norm": Kind(
                number(lambda v: v > 0).values,
                lambda v: v == math.inf if isinstance(v, float) and math.isinf(v)
                else number(lambda v: v > 0).lawful(v),
            ),
            "accumulate": whole(1, upto=2),
            "evaluate": made(
                lambda v: v is None or v is mean, lambda: mean
            ),
            "evaluate_every": every(),
            "checkpoint": NOWHERE,
            "checkpoint_every": Kind(every().values, lambda v: v is None),
            "best": NOWHERE,
            "resume": Kind(junk(), lambda v: v is False),
            "details": Kind(junk().filter(plain), as_json),
            "progress": Kind(junk(), lambda v: None if v is True else v is False),
        },
        says={"checkpoint_every": ("checkpoint",), "resume": ("checkpoint",)},
        right=learned,
        changes=("model", "optimizer"),
    ),
    "History": Sheet(
        call=training.History,
        good=lambda: {},
        kinds={name: Kind(st.just([]), lambda v: True) for name in remembered().to_dict()},
    ),
    "History.best": Sheet(
        call=remembered().best, good=lambda: {"key": "loss"}, kinds=KEY
    ),
    "History.append": Sheet(
        call=lambda **numbers: remembered().append(**numbers),
        good=lambda: {"loss": 1.0, "rate": 0.1, "norm": 1.0, "tokens_per_second": 5.0},
        kinds={
            name: Kind(ANY.values, lambda v: None if isinstance(v, float) else ANY.lawful(v))
            for name in ("loss", "rate", "norm", "tokens_per_second")
        },
    ),
    "History.from_dict": Sheet(
        call=training.History.from_dict,
        good=lambda: {"data": remembered().to_dict()},
        kinds={
            "data": Kind(
                junk()
                | st.sampled_from(sorted(remembered().to_dict())).flatmap(
                    lambda name: junk().map(lambda value: remembered().to_dict() | {name: value})
                ),
                lambda v: None if isinstance(v, dict) and len(v) == 5 else False,
            )
        },
    ),
}  # fmt: skip
