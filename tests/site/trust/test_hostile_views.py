"""bertviz's views, fed the same text, as the book's pages carry them."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from playwright.sync_api import expect

pytestmark = pytest.mark.site
CELL = """
import torch
from bertviz import head_view, model_view
tokens = {tokens!r}
weights = [torch.rand(1, 2, len(tokens), len(tokens)).softmax(-1) for _ in range(2)]
{view}(weights, tokens)
"""


@pytest.fixture(scope="module")
def view_site(mischief, sphinx_config, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("mischief-views")
    book = nbformat.v4.new_notebook(metadata={"language_info": {"name": "python"}})
    book.cells = [nbformat.v4.new_markdown_cell("# Views")]
    for view in ("head_view", "model_view"):
        book.cells.append(nbformat.v4.new_code_cell(CELL.format(tokens=mischief, view=view)))
    NotebookClient(book, kernel_name="python3").execute()
    for cell in book.cells[1:]:
        cell.source = "view"
    nbformat.write(book, folder / "index.ipynb")
    (folder / "conf.py").write_text(sphinx_config, "utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", folder, folder / "html"]
    subprocess.run(command, check=True)
    return folder / "html"


def test_it_is_drawn_and_runs_nothing(browser, view_site, mischief, tally):
    context = browser.new_context(viewport={"width": 390, "height": 900})
    context.route(re.compile("^https?://"), lambda route: route.abort())
    page = context.new_page()
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto((view_site / "index.html").as_uri())
    expect(page.locator(".bertviz svg")).not_to_have_count(0)
    drawn = page.locator(".bertviz svg text").evaluate_all("all => all.map((t) => t.textContent)")
    lost = [text for text in mischief if not any(text[:100] in one for one in drawn)]
    assert lost == []
    assert page.evaluate("window.hacked") is None
    assert page.locator(".bertviz img, .bertviz iframe, .bertviz a").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert faults == []
    context.close()
    tally("site: text out for mischief, shown by bertviz", 2 * len(mischief))
