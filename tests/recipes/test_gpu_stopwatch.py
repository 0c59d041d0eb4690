import time
import warnings

import pytest
import torch

from txlib.recipes import gpu_stopwatch
from txlib.recipes.gpu_stopwatch import Turns, highest_memory, take_turns, why_not_run

CPU = torch.device("cpu")


def fail():
    warnings.warn("expects sm_80", stacklevel=1)
    raise RuntimeError("No available kernel.\nAborting execution.")


def test_ratios_are_taken_within_a_round():
    turns = Turns({"ours": [1.0, 4.0, 2.0], "theirs": [2.0, 4.0, 8.0]}, {"other": "why"})
    assert turns.median("theirs") == 4.0
    assert turns.speed_over("ours", "theirs") == 2.0  # of 2, 1 and 4
    assert turns.speed_over("ours", "other") is None
    assert turns.beside("ours") == {
        "milliseconds": {"ours": 2.0, "theirs": 4.0},
        "speed_over": {"theirs": 2.0},
        "unavailable": {"other": "why"},
    }
    assert turns.beside("other")["speed_over"] == {}


def test_every_other_round_goes_backwards():
    made = []
    calls = {name: lambda name=name: made.append(name) for name in "abc"}
    turns = take_turns(calls, CPU, repeats=3)
    assert "".join(made[6:]) == "abccbaabc"
    assert {len(times) for times in turns.milliseconds.values()} == {3}
    assert turns.unavailable == {}


def test_short_calls_are_repeated(monkeypatch):
    times = []
    monkeypatch.setattr(
        gpu_stopwatch, "milliseconds", lambda call, device, n: times.append(n) or 2.0
    )
    take_turns({"a": int}, CPU, repeats=2, at_once=10.0)
    assert times == [1, 5, 5]


def test_milliseconds():
    found = gpu_stopwatch.milliseconds(lambda: time.sleep(0.002), CPU, 3)
    assert 2.0 <= found < 200.0


def test_what_cannot_run_is_left_out_with_the_reason():
    turns = take_turns({"missing": fail, "there": int}, CPU, repeats=1)
    assert list(turns.milliseconds) == ["there"]
    assert turns.unavailable == {"missing": "RuntimeError: No available kernel. expects sm_80"}


def test_reasons_fit_in_a_record():
    def lost():
        raise ImportError("not found in /somewhere/else/lib.so")

    assert why_not_run(int) is None
    assert why_not_run(lost) == "ImportError: "


def test_a_gpu_in_error_ends_the_run():
    def broken():
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    with pytest.raises(RuntimeError, match="illegal memory access"):
        why_not_run(broken)


def test_memory_is_counted_on_a_gpu_alone():
    assert highest_memory(fail, CPU) is None
