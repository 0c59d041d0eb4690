"""One page of the steppers of chapter 8, for the tests here."""

import subprocess
import sys
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import pytest

from txlib.widgets import CacheStepper, TilingStepper

ROOT = Path(__file__).parents[3]
STATE = "application/vnd.jupyter.widget-state+json"
SPHINX_CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
project = "steppers"
extensions = ["myst_nb", "widgets"]
html_theme = "sphinx_book_theme"
html_context = {{"default_mode": "auto"}}
nb_execution_mode = "off"
"""
HOSTILE = ["<img src=x onerror=window.hacked=1>", "翻译机器", "x" * 3000]
SHAPE = {"num_heads": 4, "num_kv_heads": 2, "head_dim": 16, "num_layers": 3}


def head(*shape: int) -> list[np.ndarray]:
    """Query, key and value of T_q, T_k, D and D_v; the maximum rises along the keys."""
    rows, columns, features, values = shape
    rng = np.random.default_rng(sum(shape))
    query, key = (rng.normal(size=(size, features)) for size in (rows, columns))
    return [query, key * np.linspace(0.5, 2, columns)[:, None], rng.normal(size=(columns, values))]


@pytest.fixture(scope="package")
def tilings() -> list[TilingStepper]:
    """A square one, a causal one of unequal lengths, and one whose first queries see nothing."""
    return [
        TilingStepper(*head(8, 8, 4, 4)),
        TilingStepper(*head(7, 9, 3, 2), tile_q=3, tile_k=2, is_causal=True),
        TilingStepper(*head(5, 2, 2, 3), tile_q=2, tile_k=1, is_causal=True),
        TilingStepper(*head(16, 16, 8, 8), tile_q=16, tile_k=5),
    ]


@pytest.fixture(scope="package")
def caches() -> list[CacheStepper]:
    """A plain one, one out for mischief, and one of a single token."""
    words = ["the", "cat", "sat", "on", "the", "mat", "."]
    presets = {HOSTILE[0]: SHAPE | {"num_kv_heads": 4}, HOSTILE[2]: SHAPE | {"num_layers": 7}}
    return [
        CacheStepper(words, **SHAPE),
        CacheStepper(HOSTILE * 8, **SHAPE, window=5, presets=presets, bytes_per_number=4),
        CacheStepper(["a"], num_heads=1, num_kv_heads=1, head_dim=1, num_layers=1, presets={}),
    ]


@pytest.fixture(scope="package")
def widget_site(
    tilings: list[TilingStepper],
    caches: list[CacheStepper],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """The page, built with the book's own extension: what `open_page` opens here."""
    folder = tmp_path_factory.mktemp("steppers-site")
    shown = [*tilings, *caches]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Steppers")])
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


@pytest.fixture(scope="package")
def every_widget_starts() -> bool:
    return True
