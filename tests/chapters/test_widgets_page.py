"""The page of all widgets shows all of them, with what its committed code gives."""

from pathlib import Path

import nbformat
import pytest

import txlib.widgets

PAGE = Path(__file__).parents[2] / "book" / "widgets.ipynb"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def page():
    return nbformat.read(PAGE, as_version=4)


@pytest.fixture(scope="module")
def code(page):
    return [cell for cell in page.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", txlib.widgets.__all__)
def test_each_widget_is_told_of_called_and_shown(page, code, name):
    section = [c.source for c in page.cells if c.source.startswith(f"## {name}\n")]
    assert len(section) == 1
    for part in ("**Shows** ", "**A question for it:** ", "**Keys:** "):
        assert part in section[0]
    starts = (f"{name}(", f"{name}.from_")
    (call,) = [cell for cell in code if cell.source.startswith(starts)]
    (output,) = call.outputs
    assert VIEW in output.data
    assert output.data["text/plain"].startswith(f"{name}(")
    assert len(output.metadata["image/png"]["alt"]) >= 25
