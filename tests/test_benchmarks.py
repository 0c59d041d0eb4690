"""Each benchmark of `make bench`, at its quick size: that it runs, and what it records."""

import importlib
import json
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parent / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("test_*.py"))
DEVICE = torch.device("cpu")


@pytest.fixture(autouse=True)
def found(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)


@pytest.fixture
def stopwatch():
    return importlib.import_module("stopwatch")


@pytest.mark.parametrize("name", NAMES)
def test_quick_run_writes_a_record(name, monkeypatch, tmp_path):
    module = importlib.import_module(name)
    for constant, value in (module.QUICK | {"RESULT": tmp_path / "record.json"}).items():
        assert hasattr(module, constant)
        monkeypatch.setattr(module, constant, value)
    getattr(module, name)(DEVICE)
    record = json.loads((tmp_path / "record.json").read_bytes())
    assert record["command"] == "make bench"
    assert {"repeats", "clock"} <= set(record["results"]["setting"])
    for aim in record["results"].get("aims", {}).values():
        if "at_most" in aim:
            assert aim["met"] == (aim["measured"] <= aim["at_most"])
        else:
            assert aim["met"] == (aim["measured"] >= aim["at_least"])


def test_every_benchmark_has_its_own_record():
    records = [importlib.import_module(name).RESULT.name for name in NAMES]
    assert len(set(records)) == len(NAMES)
    assert all((FOLDER.parents[1] / "book" / "results" / name).exists() for name in records)


def test_turns_alternate_and_the_first_does_not_count(stopwatch):
    called = []
    calls = {name: lambda name=name: called.append(name) for name in "abc"}
    rounds = stopwatch.take_turns(calls, DEVICE, repeats=3)
    assert "".join(called) == "abc" + "abc" + "cba" + "abc"
    assert [list(row) for row in rounds] == [list("abc")] * 3


def test_short_calls_are_repeated(stopwatch, monkeypatch):
    ticks = iter(range(100))
    monkeypatch.setattr(stopwatch, "process_time", lambda: next(ticks))
    counts = {"a": 0}

    def call():
        counts["a"] += 1

    (row,) = stopwatch.take_turns({"a": call}, DEVICE, repeats=1, at_once=4.0)
    assert counts["a"] == 1 + 1 + 4  # the first, one to see how long it takes, and four at once
    assert row == {"a": 0.25}  # one tick between two looks at the clock, for four calls


def test_ratios_are_taken_within_a_round(stopwatch):
    rounds = [{"ours": 2.0, "theirs": 1.0}, {"ours": 40.0, "theirs": 10.0}]
    rounds.append({"ours": 9.0, "theirs": 3.0})
    found = stopwatch.over(rounds, "theirs")
    assert found["ours"] == [2.0, 3.0, 4.0]
    assert found["theirs"] == [1.0] * 3
    assert stopwatch.medians(rounds, unit=0.5) == {"ours": 18.0, "theirs": 6.0}
    assert stopwatch.quartiles([7.0]) == [7.0] * 3


def test_extra_memory_leaves_results_out(stopwatch):
    x = torch.ones(1000)

    def call():
        between = torch.cat((x, x))  # 8000 bytes, and these exp's, are gone when it returns
        return between.exp()[:1000].clone()

    assert stopwatch.extra_bytes(call) == pytest.approx(16_000, abs=500)
    assert stopwatch.peak_bytes(call, DEVICE) == pytest.approx(20_000, abs=500)
    assert stopwatch.extra_bytes(lambda: x * 2) == pytest.approx(0, abs=500)
