"""Every solution in a chapter passes its check, and every stub fails kindly."""

import re

from txlib.exercises import check, exercises


def cells(notebook, tag):
    return [c for c in notebook.cells if tag in c.metadata.get("tags", [])]


def checked_name(cell):
    return re.search(r'check\("(\w+)"', cell.source)[1]


def run(cell):
    namespace = {}
    exec(
        "import math\nimport torch\nfrom torch import Tensor\nfrom txlib.exercises import check",
        namespace,
    )
    exec(cell.source, namespace)
    return namespace


def test_each_exercise_is_asked_and_solved(path, notebook):
    expected = sorted(exercises(chapter=int(path.stem[:2])))
    assert 4 <= len(expected) <= 6
    assert sorted(map(checked_name, cells(notebook, "stub"))) == expected
    assert sorted(map(checked_name, cells(notebook, "solution"))) == expected


def test_solutions_pass(notebook):
    for cell in cells(notebook, "solution"):
        name = checked_name(cell)
        verdict = check(name, run(cell)[name])
        assert verdict.passed, verdict.message


def test_stubs_fail_kindly(notebook):
    for cell in cells(notebook, "stub"):
        name = checked_name(cell)
        verdict = check(name, run(cell)[name])
        assert not verdict.passed
        assert "not" in verdict.message.lower()


def test_solutions_are_folded(notebook):
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    solved = len(cells(notebook, "solution"))
    assert len(re.findall(r"\{solution-start\}[^:]*:class: dropdown", text)) == solved
    assert len(re.findall(r"\{hint\}", text)) >= solved
