"""The tool that executes notebooks again: what it keeps, and what it leaves when a cell fails."""

import sys

import nbformat
import pytest


@pytest.fixture
def tool(refresh, monkeypatch, tmp_path):
    """Runs the tool as its command line does, with a folder of the test's for what fails."""
    monkeypatch.setattr(refresh, "FAILED", tmp_path / "failed")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["refresh.py", *map(str, arguments)])
        return refresh.main()

    return run


@pytest.fixture
def page(tmp_path):
    """A notebook of two cells, never executed; the second one divides by `divisor`."""

    def write(divisor):
        notebook = nbformat.v4.new_notebook()
        sources = ("print('first')", f"6 / {divisor}")
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
        path = tmp_path / "01_page.ipynb"
        nbformat.write(notebook, path)
        return path

    return write


def read(path):
    return nbformat.read(path, as_version=4)


def test_a_stale_notebook_is_executed_once(tool, page, capsys):
    path = page(divisor=2)
    assert tool("--check", path) == 1
    assert tool(path) == 0
    assert "executing" in capsys.readouterr().out
    assert read(path).cells[1].outputs[0].data["text/plain"] == "3.0"
    assert [cell.id for cell in read(path).cells] == ["ch01-000", "ch01-001"]
    assert tool("--check", path) == tool(path) == 0
    assert "executing" not in capsys.readouterr().out


def test_a_failing_notebook_stays_and_leaves_a_copy(tool, page, tmp_path, capsys):
    path = page(divisor=0)
    before = path.read_bytes()
    assert tool(path) == 1
    assert path.read_bytes() == before
    copy = read(tmp_path / "failed" / path.name)
    assert [cell.outputs[0].output_type for cell in copy.cells] == ["stream", "error"]
    heard = capsys.readouterr()
    assert "ZeroDivisionError" in heard.err
    assert f"{path.name} is as it was" in heard.err
    assert f"failed: {path.name}" in heard.out


def test_copies_go_past_errors_and_leave_the_notebook(tool, page, tmp_path):
    path = page(divisor=0)
    before = path.read_bytes()
    assert tool("--all", "--into", tmp_path / "copies", path) == 0
    assert path.read_bytes() == before
    assert read(tmp_path / "copies" / path.name).cells[1].outputs[0].ename == "ZeroDivisionError"
