"""Publishing writes an address into copies of notebooks, and changes nothing else in them."""

import subprocess
import sys
from importlib import util
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
COURSE = "git+https://host.example/somebody/course@0123abc"


def load(name):
    spec = util.spec_from_file_location(f"book_{name}", ROOT / "book" / "_tools" / f"{name}.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tool():
    return load("stamp")


def notebook(*sources, tags=("setup",)):
    cells = [nbformat.v4.new_code_cell(source, id=f"c{i}") for i, source in enumerate(sources)]
    cells[0].metadata["tags"] = list(tags)
    return nbformat.v4.new_notebook(cells=cells)


def test_the_address_by_hand(tool):
    before = notebook('if missing:\n    COURSE = ""  # here\nx = 1', 'COURSE = ""')
    after = tool.stamp(before, COURSE)
    assert after.cells[0].source == f'if missing:\n    COURSE = "{COURSE}"  # here\nx = 1'
    assert after.cells[1].source == 'COURSE = ""'
    assert before.cells[0].source.splitlines()[1] == '    COURSE = ""  # here'


@pytest.mark.parametrize("old", ["''", '"file:///old.whl"'])
def test_an_earlier_address_is_replaced(tool, old):
    assert tool.stamp(notebook(f"COURSE = {old}"), COURSE).cells[0].source == f'COURSE = "{COURSE}"'


@pytest.mark.parametrize(
    "course",
    [
        COURSE,
        "https://host.example/course-0.1.0-py3-none-any.whl",
        "file:///tmp/a%20b/course-0.1.0+local-py3-none-any.whl",
        "git+ssh://git@host.example/somebody/course",
    ],
)
def test_direct_references_are_taken(tool, course):
    assert course in tool.stamp(notebook('COURSE = ""'), course).cells[0].source


@pytest.mark.parametrize(
    "course",
    [
        "",
        "course",
        "course==0.1.0",
        "host.example/somebody/course",
        "git@host.example:somebody/course",
        "http://host.example/course.whl",
        "git+https://",
        "git+https://host.example/a b",
        'git+https://host.example/a"',
        "git+https://host.example/a'",
        "git+https://host.example/{a}",
        "git+https://host.example/$(a)",
        "git+https://host.example/a@",
        f"{COURSE}\n",
        f"name @ {COURSE}",
    ],
)
def test_other_references_are_refused(tool, course):
    with pytest.raises(ValueError, match="course must be a pip direct reference") as refusal:
        tool.stamp(notebook('COURSE = ""'), course)
    assert repr(course) in str(refusal.value)


@pytest.mark.parametrize(
    ("broken", "got"),
    [
        (notebook("import txlib"), "none"),
        (notebook('COURSE = ""', tags=()), "none"),
        (notebook('# COURSE = ""'), "none"),
        (notebook('COURSE = ""\nCOURSE = ""'), "2"),
    ],
)
def test_a_notebook_without_its_one_line_is_refused(tool, broken, got):
    with pytest.raises(ValueError, match=rf"notebook must have one line COURSE.*got {got}$"):
        tool.stamp(broken, COURSE)


def test_stale_outputs_do_not_become_fresh(tool):
    before = notebook('COURSE = ""')
    before.metadata["course"] = {"fingerprint": "of other code"}
    assert tool.stamp(before, COURSE).metadata["course"]["fingerprint"] == "of other code"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_changes_by_its_address_and_fingerprint_alone(tool, path, tmp_path):
    refresh = load("refresh")
    (written,) = tool.write_stamped([path], COURSE, tmp_path / "out")
    old, new = (file.read_text("utf-8").splitlines() for file in (path, written))
    changed = [line for before, line in zip(old, new, strict=True) if before != line]
    assert len(changed) == 2
    assert COURSE in changed[0]
    assert '"fingerprint": ' in changed[1]
    assert not refresh.is_stale(nbformat.read(written, as_version=4))
    assert [found.name for found in written.parent.iterdir()] == [path.name]


def test_one_that_cannot_be_stamped_stops_all(tool, tmp_path):
    nbformat.write(notebook('COURSE = ""'), tmp_path / "a.ipynb")
    nbformat.write(notebook("x = 1"), tmp_path / "b.ipynb")
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"b\.ipynb: notebook must have one line"):
        tool.write_stamped([tmp_path / "a.ipynb", tmp_path / "b.ipynb"], COURSE, out)
    assert not out.exists()


def test_a_copy_never_replaces_a_notebook(tool, tmp_path):
    nbformat.write(notebook('COURSE = ""'), tmp_path / "a.ipynb")
    with pytest.raises(ValueError, match="folder must be another"):
        tool.write_stamped([tmp_path / "a.ipynb"], COURSE, tmp_path)
    with pytest.raises(ValueError, match=r"differ in name, got \['a.ipynb'\]"):
        tool.write_stamped([tmp_path / "a.ipynb", tmp_path / "x" / "a.ipynb"], COURSE, tmp_path)


def test_the_command_line(tmp_path):
    nbformat.write(notebook('COURSE = ""'), tmp_path / "a.ipynb")
    command = [sys.executable, ROOT / "book" / "_tools" / "stamp.py", tmp_path / "a.ipynb"]
    good = [*command, "--course", COURSE, "--out", tmp_path / "out"]
    for _ in range(2):  # the same again
        done = subprocess.run(good, capture_output=True, text=True, check=True)
        assert done.stdout.startswith("1 notebooks in")
    assert COURSE in (tmp_path / "out" / "a.ipynb").read_text("utf-8")
    bad = [*command, "--course", "txlib", "--out", tmp_path / "bad"]
    done = subprocess.run(bad, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("course must be a pip direct reference")
    assert not (tmp_path / "bad").exists()
