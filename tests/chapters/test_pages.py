"""Executed pages of the book that are no chapters: fresh, in order, normalised."""

from pathlib import Path

import nbformat
import pytest

BOOK = Path(__file__).parents[2] / "book"
PAGES = ["promises.ipynb", "speed.ipynb", "widgets.ipynb"]


@pytest.fixture(params=PAGES)
def path(request):
    return BOOK / request.param


@pytest.fixture
def page(path):
    return nbformat.read(path, as_version=4)


def test_page_was_executed_in_order_without_error(page):
    code = [cell for cell in page.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]


def test_outputs_belong_to_the_code(page, refresh):
    assert not refresh.is_stale(page), "the code changed since it was executed: make chapters"


def test_page_is_normalised(path, page, refresh):
    again = nbformat.from_dict(page)
    refresh.normalise(again, refresh.id_prefix(path))
    assert nbformat.writes(again) + "\n" == path.read_text("utf-8"), "make chapters normalises it"


def test_make_chapters_refreshes_it(path, refresh):
    assert path in refresh.NOTEBOOKS


def test_no_page_is_left_out():
    assert sorted(found.name for found in BOOK.glob("*.ipynb")) == PAGES
