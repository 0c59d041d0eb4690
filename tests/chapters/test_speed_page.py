"""The page of measurements shows every record of the benchmarks, with what its code gives."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "book" / "speed.ipynb"


@pytest.fixture(scope="module")
def page():
    return nbformat.read(PAGE, as_version=4)


@pytest.fixture(scope="module")
def code(page):
    return [cell for cell in page.cells if cell.cell_type == "code"]


def test_every_cell_shows_something(code):
    assert all(cell.outputs for cell in code[1:])


def test_it_computes_nothing(code):
    """It reads records: a number that a machine could change would be compared in vain."""
    source = "\n".join(cell.source for cell in code)
    assert "torch" not in re.findall(r"^(?:import|from) (\w+)", source, re.MULTILINE)
    assert not [cell for cell in code if "nbval-ignore-output" in cell.metadata.get("tags", [])]


@pytest.mark.parametrize(
    "name", ["attention_speed", "multi_head_speed", "decoding_speed", "import_time", "gpu_speed"]
)
def test_each_record_has_a_table_with_its_source(code, name):
    (cell,) = [cell for cell in code if cell.source == f'aims_table("{name}")']
    (output,) = cell.outputs
    text = output.data["text/markdown"]
    assert text.startswith("| measured is | aim | measured | met |")
    if (ROOT / "book" / "results" / f"{name}.json").exists():
        assert re.search(r"\n\n`.+`; .+; .*torch \S+; \d{4}-\d\d-\d\d\.$", text)
    else:
        assert "not yet measured" in text


def test_every_figure_has_alt_text_and_a_caption(code):
    figures = 0
    for cell in code:
        pngs = [o for o in cell.outputs if "image/png" in o.get("data", {})]
        figures += len(pngs)
        for output in pngs:
            assert len(output.metadata["image/png"]["alt"]) >= 25
            assert any("text/markdown" in o.get("data", {}) for o in cell.outputs)
    assert figures >= 6
