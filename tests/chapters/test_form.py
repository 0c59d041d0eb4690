"""A chapter keeps the form that its readers rely on."""

import ast
import re
import statistics

import pytest

IGNORES = {
    "01_recurrence": 6,
    "02_additive_attention": 11,
    "03_query_key_value": 8,
    "04_positional_encoding": 5,
    "05_multi_head": 12,
    "06_residual_norm_ffn": 2,
    "07_transformer": 9,
    "08_flash_attention_kv_cache": 14,
}  # cells whose output is a timing, a trained number or the device's name
REQUIRED_HEADINGS = ("What goes wrong", "The translator so far", "Summary", "Exercises")


def tags(cell):
    return set(cell.metadata.get("tags", []))


def code_cells(notebook, without=frozenset()):
    return [c for c in notebook.cells if c.cell_type == "code" and not tags(c) & set(without)]


def prose(notebook):
    return "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")


def pngs(cell):
    return [o for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]


def is_figure(output):
    """A picture by itself: the still of a widget is not one."""
    return "application/vnd.jupyter.widget-view+json" not in output["data"]


def test_notebook_is_valid_and_small(path, notebook):
    import nbformat

    nbformat.validate(notebook)
    assert path.stat().st_size <= 1.5 * 2**20


def test_every_cell_was_executed_in_order_without_error(notebook):
    counts = [c.execution_count for c in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1))
    assert not [o for c in code_cells(notebook) for o in c.outputs if o.output_type == "error"]


def test_outputs_belong_to_the_code(notebook, refresh):
    assert not refresh.is_stale(notebook), "the code changed since it was executed: make chapters"


def test_notebook_is_normalised(path, notebook, refresh):
    import nbformat

    again = nbformat.from_dict(notebook)
    refresh.normalise(again, f"ch{path.stem[:2]}")
    assert nbformat.writes(again) + "\n" == path.read_text("utf-8"), "make chapters normalises it"


def test_first_cell_says_what_to_expect(notebook):
    first = notebook.cells[0].source
    assert re.match(r"\(ch-[a-z-]+\)=\n# \S", first), "label, then title"
    for promise in ("**Question.**", "**You will build.**", "**You need.**", "**Time.**"):
        assert promise in first


def test_second_cell_sets_up(notebook):
    setup = notebook.cells[1]
    assert "setup" in tags(setup)
    assert len([line for line in setup.source.splitlines() if line]) <= 10


@pytest.mark.parametrize("heading", REQUIRED_HEADINGS)
def test_required_section(notebook, heading):
    assert re.search(rf"^## .*{heading}", prose(notebook), re.MULTILINE)


def test_rhythm(notebook):
    kinds = [c.cell_type for c in notebook.cells]
    runs = re.findall("c+", "".join("c" if kind == "code" else "m" for kind in kinds))
    assert max(map(len, runs)) <= 2, "three code cells in a row"
    read = code_cells(notebook, without={"stub", "solution", "setup", "hide-input"})
    assert 20 <= len(read) <= 35
    lines = [sum(bool(line.strip()) for line in c.source.splitlines()) for c in read]
    assert statistics.median(lines) <= 9


def test_length_of_the_text(notebook):
    body = prose(notebook).split("## Exercises")[0]
    marks = r"\$\$.*?\$\$|^:::[^\n]*|^:\w+:[^\n]*|^\([^\n]*\)=|^\|[^\n]*"  # formulas, boxes, tables
    words = re.sub(marks, " ", body, flags=re.DOTALL | re.MULTILINE).split()
    assert 2000 <= len(words) <= 3500


def test_classes_are_short(notebook):
    for cell in code_cells(notebook):
        source = re.sub(r"^([%!].*)$", r"pass  # \1", cell.source, flags=re.MULTILINE)
        source = re.sub(r"^(\s+)([%!].*)$", r"\1pass", source, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                assert node.end_lineno - node.lineno < 30, node.name


def test_every_figure_has_alt_text_and_a_caption(notebook):
    for cell in code_cells(notebook):
        figures = [o for o in pngs(cell) if is_figure(o)]
        assert len(figures) <= 1, "one figure a cell"
        for output in pngs(cell):
            assert len(output.metadata["image/png"]["alt"]) >= 25
        if figures:
            assert any("text/markdown" in o.get("data", {}) for o in cell.outputs), cell.source


def test_enough_figures(notebook):
    assert sum(is_figure(o) for c in code_cells(notebook) for o in pngs(c)) >= 8


def test_every_ignored_output_has_its_reason(path, notebook):
    ignored = [c for c in code_cells(notebook) if "nbval-ignore-output" in tags(c)]
    assert all(len(c.metadata.get("reason", "")) >= 10 for c in ignored)
    assert len(ignored) == IGNORES[path.stem], "a new one needs a reason and this count"
    assert len(ignored) <= len(code_cells(notebook)) // 3


def test_no_magic_hides_an_error(notebook):
    for cell in code_cells(notebook):
        assert not tags(cell) & {"raises-exception", "nbval-skip"}
        assert "filterwarnings" not in cell.source
