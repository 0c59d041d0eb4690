"""One page of the widgets of chapters 4 to 6, for the tests here."""

import subprocess
import sys
from pathlib import Path

import ipywidgets
import nbformat
import pytest

from txlib.widgets import PositionExplorer

ROOT = Path(__file__).parents[3]
STATE = "application/vnd.jupyter.widget-state+json"
SPHINX_CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
project = "explorers"
extensions = ["myst_nb", "widgets"]
html_theme = "sphinx_book_theme"
html_context = {{"default_mode": "auto"}}
nb_execution_mode = "off"
"""


@pytest.fixture(scope="package")
def widget_site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The page, built with the book's own extension: what `open_page` opens here."""
    folder = tmp_path_factory.mktemp("explorers-site")
    shown = [
        PositionExplorer(),
        PositionExplorer(32, base=500.0, panel="similarity", content="slow pairs"),
        PositionExplorer(panel="dial", pairs=(0, 1, 2, 3)),
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Explorers")])
    for widget in shown:
        data, metadata = widget._repr_mimebundle_()
        output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
        notebook.cells.append(nbformat.v4.new_code_cell("widget", outputs=[output]))
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "python"}
    notebook.metadata["widgets"] = {STATE: ipywidgets.Widget.get_manager_state(widgets=shown)}
    nbformat.write(notebook, folder / "index.ipynb")
    (folder / "conf.py").write_text(SPHINX_CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", folder, folder / "html"]
    subprocess.run(command, check=True)
    address = (folder / "html" / "index.html").as_uri()
    return {"http": address, "file": address}
