"""A notebook runs again and again in one kernel; one that does not is kept as far as it came."""

import subprocess
import sys
from importlib import util
from pathlib import Path

import nbformat
import pytest

TOOL = Path(__file__).parents[2] / "book" / "_tools" / "rounds.py"
ONLY_ONCE = "assert 'seen' not in globals(), 'a second round'"


@pytest.fixture(scope="module")
def run_rounds():
    spec = util.spec_from_file_location("book_rounds", TOOL)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.run_rounds


def notebook(*sources):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in sources])


def test_both_rounds_share_a_kernel_that_works_in_the_folder(run_rounds, tmp_path):
    count = "import os; seen = globals().get('seen', 0) + 1; print(seen, os.getcwd())"
    counting = notebook(count)
    assert run_rounds(counting, tmp_path, rounds=2) is None
    assert counting.cells[0].outputs[0].text == f"2 {tmp_path.resolve()}\n"


@pytest.mark.parametrize("code", ["1 / 0", "import os; os._exit(1)"])
def test_what_fails_at_once_is_returned(run_rounds, tmp_path, code):
    error = run_rounds(notebook(code), tmp_path, rounds=2)
    assert error.__notes__ == ["in round 1 of 2"]


@pytest.mark.parametrize("rounds", [0, -1])
def test_no_round_is_refused(run_rounds, tmp_path, rounds):
    with pytest.raises(ValueError, match=f"rounds must be at least 1, got {rounds}"):
        run_rounds(notebook(), tmp_path, rounds)


def test_the_command_line_keeps_what_failed(tmp_path):
    nbformat.write(notebook("x = 1"), tmp_path / "good.ipynb")
    nbformat.write(notebook(ONLY_ONCE, "seen = True"), tmp_path / "once.ipynb")
    kept = tmp_path / "kept"
    command = [sys.executable, TOOL, tmp_path / "good.ipynb", tmp_path / "once.ipynb"]
    done = subprocess.run(
        [*command, "--rounds", "2", "--failed", kept], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "good.ipynb: 2 times in" in done.stdout
    assert "in round 2 of 2" in done.stdout
    assert "a second round" in done.stdout
    assert done.stdout.endswith("1 of 2 notebooks ran\n")
    assert [path.name for path in kept.iterdir()] == ["once.ipynb"]
    first = nbformat.read(kept / "once.ipynb", as_version=4).cells[0]
    assert first.outputs[0].ename == "AssertionError"
