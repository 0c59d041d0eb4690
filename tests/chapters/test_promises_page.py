"""The page of promises: every section has its counts, and the policy is the one that is tested."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

from txlib.recipes.trust import LIBRARY, PARTS

BOOK = Path(__file__).parents[2] / "book"


@pytest.fixture(scope="module")
def page():
    return nbformat.read(BOOK / "promises.ipynb", as_version=4)


@pytest.fixture(scope="module")
def prose(page):
    return "\n\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")


def test_every_section_shows_its_counts(page):
    code = [cell.source for cell in page.cells if cell.cell_type == "code"]
    for section in (LIBRARY, *PARTS):
        assert code.count(f'trust_table("{section}")') == 1
    assert all(cell.outputs for cell in page.cells if cell.cell_type == "code")


def test_each_promise_says_how_it_is_tried(prose):
    parts = re.split(r"^## ", prose, flags=re.MULTILINE)[1:]
    promises = [part for part in parts if "**We promise**" in part]
    assert len(promises) == len((LIBRARY, *PARTS))
    assert all("**How it is tried**" in part for part in promises)


def test_no_count_is_typed_by_hand(prose):
    words = re.sub(r"```.*?```|`[^`]*`|\(http\S+\)", "", prose, flags=re.DOTALL)
    known = {"SHA-256", "float64", "float16", "bfloat16", "404", "1.0"}
    numbers = {word.strip(".,;:()*") for word in words.split() if re.search(r"\d", word)}
    assert numbers <= known


def test_the_policy_to_copy_is_the_one_that_is_tested(prose):
    spec = importlib.util.spec_from_file_location("policy", BOOK / "_ext" / "policy.py")
    policy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(policy)
    (shown,) = re.findall(r"```text\nContent-Security-Policy:(.*?)```", prose, re.DOTALL)
    assert " ".join(shown.split()) == policy.header()
    explained = set(re.findall(r"^- `([\w-]+) [^`]+`", prose, re.MULTILINE))
    allowing = {name for name, sources in policy.POLICY.items() if sources != "'none'"}
    assert explained == allowing
