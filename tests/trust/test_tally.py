"""The counts of a recorded run: by area, merged, and of nothing that is no longer tried."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

SOURCE = Path(__file__).parents[1] / "conftest.py"
TEST = """
from hypothesis import given, settings, strategies as st
AREA = "second: by name"

@settings(max_examples=7, database=None)
@given(st.integers())
def test_many(tally, number):
    tally("first: generated")

def test_some(tally, effort):
    tally(AREA, effort(2, 5))
"""


@pytest.fixture(scope="module")
def counting():
    spec = importlib.util.spec_from_file_location("counting", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases(path):
    areas = json.loads(path.read_text("utf-8"))["results"]["areas"]
    return {area: facts["cases"] for area, facts in areas.items()}


def test_every_generated_case_counts(tmp_path):
    (tmp_path / "conftest.py").write_text(SOURCE.read_text("utf-8"), "utf-8")
    (tmp_path / "test_some.py").write_text(TEST, "utf-8")
    wanted = {"TXLIB_TRUST_RECORD": "trust.json", "TXLIB_TRUST": "long"}
    command = [sys.executable, "-m", "pytest", "-q", "."]
    subprocess.run(command, cwd=tmp_path, env=os.environ | wanted, check=True)
    assert cases(tmp_path / "trust.json") == {"first: generated": 7, "second: by name": 5}


@pytest.fixture
def finish(counting, monkeypatch, tmp_path):
    """What a session that tallied leaves behind."""

    def finish_it(status):
        monkeypatch.setenv("TXLIB_TRUST_RECORD", str(tmp_path / "trust.json"))
        monkeypatch.setattr(counting, "declared_areas", lambda _: {"some: area"})
        config = SimpleNamespace(
            stash={counting.TALLIES: {"some: area": 3}},
            invocation_params=SimpleNamespace(args=("tests",)),
        )
        counting.pytest_sessionfinish(SimpleNamespace(config=config), status)
        return tmp_path / "trust.json"

    return finish_it


def test_only_a_run_that_passed_is_kept(finish):
    assert not finish(pytest.ExitCode.TESTS_FAILED).exists()
    assert cases(finish(pytest.ExitCode.OK)) == {"some: area": 3}


@pytest.mark.parametrize(("kind", "processes"), [("", None), ("long", 2)])
def test_a_run_that_counts_too_little_is_refused(counting, monkeypatch, kind, processes):
    monkeypatch.delenv("TXLIB_TRUST_RECORD", raising=False)
    monkeypatch.setenv("TXLIB_TRUST", kind)
    config = SimpleNamespace(getoption=lambda name, default: processes)
    counting.pytest_configure(config)
    monkeypatch.setenv("TXLIB_TRUST_RECORD", "trust.json")
    with pytest.raises(pytest.UsageError, match="a recorded run is long"):
        counting.pytest_configure(config)


def test_merging_keeps_other_areas_and_drops_those_that_are_gone(counting, tmp_path):
    path = tmp_path / "trust.json"
    counting.merge(
        path, {"a: kept": 3, "a: gone": 4, "a: again": 5}, (), {"a: kept", "a: again", "a: gone"}
    )
    counting.merge(path, {"a: again": 2}, ("tests/trust",), {"a: kept", "a: again"})
    record = json.loads(path.read_text("utf-8"))
    cases = {area: facts["cases"] for area, facts in record["results"]["areas"].items()}
    assert cases == {"a: again": 2, "a: kept": 3}
    assert record["command"] == "TXLIB_TRUST=long python -m pytest tests/trust"


def test_areas_are_found_by_reading(counting, tmp_path):
    (tmp_path / "test_some.py").write_text(TEST, "utf-8")
    assert counting.declared_areas(tmp_path) == {"first: generated", "second: by name"}
    (tmp_path / "test_built.py").write_text('tally(f"part: {name}")', "utf-8")
    with pytest.raises(ValueError, match=r"must be a literal, got test_built\.py:1"):
        counting.declared_areas(tmp_path)


@pytest.mark.parametrize(
    ("area", "count", "match"), [("nothing", 1, "part: what is tried"), ("a: b", 0, "at least 1")]
)
def test_counting_refuses(area, count, match, request):
    count_cases = request.getfixturevalue("tally")
    with pytest.raises(ValueError, match=match):
        count_cases(area, count)


def test_every_area_here_can_be_found(counting):
    assert counting.declared_areas(SOURCE.parent) is not None
