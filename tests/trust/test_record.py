"""The record of the long run speaks of what the tests try, no more and no less."""

import importlib.util
import json
from pathlib import Path

import pytest

from txlib.recipes.trust import LIBRARY, PARTS, section_of

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def areas():
    record = ROOT / "book" / "results" / "trust.json"
    return json.loads(record.read_text("utf-8"))["results"]["areas"]


def test_its_areas_are_those_of_the_tests(areas):
    spec = importlib.util.spec_from_file_location("counting", ROOT / "tests" / "conftest.py")
    counting = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(counting)
    declared = counting.declared_areas(ROOT / "tests") - {"second: by name"}  # of test_tally.py
    assert areas.keys() == declared, "what is tried changed: make trust"


def test_every_section_of_the_page_has_areas(areas):
    assert {section_of(area) for area in areas} == {LIBRARY, *PARTS}
    assert all(facts["cases"] > 0 for facts in areas.values())
