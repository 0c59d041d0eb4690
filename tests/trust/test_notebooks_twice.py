"""Every notebook, all cells twice in one kernel: the second round finds nothing in its way."""

import importlib.util
import os
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted([*(ROOT / "chapters").glob("*.ipynb"), *(ROOT / "book").glob("*.ipynb")])


@pytest.fixture(scope="module")
def rounds():
    spec = importlib.util.spec_from_file_location("rounds", ROOT / "book" / "_tools" / "rounds.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(os.environ.get("TXLIB_TRUST") != "long", reason="minutes long: make trust")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_twice_in_one_kernel_from_an_empty_folder(path, rounds, tmp_path, tally):
    notebook = nbformat.read(path, as_version=4)
    error = rounds.run_rounds(notebook, tmp_path, 2)
    assert error is None, f"{error.__notes__[-1]}\n{error}"
    tally("notebooks: all cells twice in one kernel")


def test_a_second_round_is_a_second_round(rounds, tmp_path):
    """What works once alone is found: here a name that is used up."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell("first = 'first' not in globals()"),
        nbformat.v4.new_code_cell("assert first"),
    ]
    assert rounds.run_rounds(notebook, tmp_path, 1) is None
    assert "in round 2 of 2" in rounds.run_rounds(notebook, tmp_path, 2).__notes__
