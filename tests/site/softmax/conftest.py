"""One page of softmax dials and of planes with query, keys and values, for the tests here."""

import subprocess
import sys
from pathlib import Path

import ipywidgets
import nbformat
import pytest

from txlib.widgets import QueryKeyValue2D, SoftmaxDial

ROOT = Path(__file__).parents[3]
STATE = "application/vnd.jupyter.widget-state+json"
HOSTILE = ["the", "<img src=x onerror=window.hacked=1>", "翻译机器", "Donaudampfschifffahrt"]
SPHINX_CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
project = "softmax"
extensions = ["myst_nb", "widgets"]
html_theme = "sphinx_book_theme"
html_context = {{"default_mode": "auto"}}
nb_execution_mode = "off"
"""


@pytest.fixture(scope="package")
def widget_site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page, built with the book's own extension: what `open_page` opens here."""
    folder = tmp_path_factory.mktemp("softmax-site")
    dial = SoftmaxDial([2, 1, 0.5, -1])
    shown = [dial, dial, SoftmaxDial([1, 3, 3, -2.345], HOSTILE, 0.3), SoftmaxDial(range(12))]
    keys = [[1, 0.2], [-0.5, 1.2], [0.3, -1], [2, 2.345]]
    many = QueryKeyValue2D(keys, scaled=False, d_k=64, labels=HOSTILE)
    shown += [QueryKeyValue2D(keys[:3]), many]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Softmax")])
    for widget in shown:
        data, metadata = widget._repr_mimebundle_()
        output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
        notebook.cells.append(nbformat.v4.new_code_cell("widget", outputs=[output]))
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "python"}
    notebook.metadata["widgets"] = {STATE: ipywidgets.Widget.get_manager_state(widgets=shown[1:])}
    nbformat.write(notebook, folder / "index.ipynb")
    (folder / "conf.py").write_text(SPHINX_CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", folder, folder / "html"]
    subprocess.run(command, check=True)
    address = (folder / "html" / "index.html").as_uri()
    return {"http": address, "file": address}


@pytest.fixture(scope="package")
def every_widget_starts() -> bool:
    return True
