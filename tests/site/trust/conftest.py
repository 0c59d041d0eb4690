"""Every widget of the course and every view of bertviz, fed text that is out for mischief."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import pytest
from anywidget import AnyWidget

from txlib import widgets
from txlib.widgets.base import CourseWidget

ROOT = Path(__file__).parents[3]
STATE = "application/vnd.jupyter.widget-state+json"
SPHINX_CONFIG = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
project = "mischief"
extensions = ["myst_nb", "widgets", "offline", "bertviz_offline"]
html_theme = "sphinx_book_theme"
html_context = {{"default_mode": "auto"}}
nb_execution_mode = "off"
"""
HOSTILE = [
    "<img src=x onerror=window.hacked=1>",
    "</script><script>window.hacked=1</script>",
    "<!--<script>",
    '" onmouseover="window.hacked=1" \'',
    "javascript:window.hacked=1",
    "${window.hacked=1}",
    "&lt;b&gt; &amp; %s {0}",
    "$\\frac{1$ *a* _b_",
    "__proto__",
    "constructor",
    "\u202egnp.exe\u2066",
    "e" + "\u0301" * 200,
    "👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈",
    "שלום עולם",
    "a\x00b",
    "a\nb\tc\u2028d",
    "W" * 10_000,
]


def spread(rows: int, columns: int, *lead: int) -> np.ndarray:
    """Weights whose rows sum to 1, each another."""
    return np.random.default_rng(0).dirichlet(np.full(columns, 0.3), (*lead, rows))


def in_parts(texts: Sequence[str], size: int) -> Iterator[list[str]]:
    """The texts, at most `size` at a time, and two at least."""
    for start in range(0, len(texts), size):
        part = list(texts[start : start + size])
        yield part if len(part) > 1 else [*part, "other"]


def entry(text: str, words: list[str]) -> dict:
    """A translation into these words."""
    n = len(words)
    told = {"text": text, "translation": " ".join(words), "source": words, "target": words}
    weights = {kind: spread(n, n, 2, 2) for kind in ("encoder", "cross")}
    causal = np.tril(np.ones((n, n)))
    weights["decoder"] = np.tile(causal / causal.sum(1, keepdims=True), (2, 2, 1, 1))
    rivals = [[(word, 0.2)] for word in words]
    return told | weights | {"probabilities": [0.5] * n, "rivals": rivals}


def explorers(texts: list[str]) -> Iterator[CourseWidget]:
    n = len(texts)
    yield widgets.AttentionExplorer(spread(n, n, 1, 2), texts, texts)
    even = spread(2, 2, 1, n)
    for part in in_parts(texts, 6):
        scores = {name: np.linspace(0, 1, n) for name in part}
        yield widgets.AttentionExplorer(even, ["a", "b"], ["a", "b"], scores=scores, names=texts)
    entries = [entry(text, texts) for text in texts]
    yield widgets.TranslatorExplorer(entries)


def others(texts: list[str]) -> Iterator[CourseWidget]:
    sizes = {"num_heads": 4, "num_kv_heads": 2, "head_dim": 16, "num_layers": 3}
    yield widgets.CacheStepper(texts, **sizes, presets={name: sizes for name in texts})
    yield widgets.MaskMaker(texts)
    for part in in_parts(texts, 4):
        yield widgets.GradientFlow({name: {2: [0.5, 1]} for name in part}, measure=part[0])
        yield widgets.PredictFirst(part[0], part, part[1], part[-1])
        yield widgets.QueryKeyValue2D([[1, i] for i in range(len(part))], labels=part)
        yield widgets.SoftmaxDial(range(len(part)), part)
        yield widgets.UnrolledNetwork(part)


@pytest.fixture(scope="package")
def mischief() -> list[str]:
    return HOSTILE


@pytest.fixture(scope="package")
def sphinx_config() -> str:
    return SPHINX_CONFIG


@pytest.fixture(scope="package")
def shown() -> list[CourseWidget]:
    """Each widget that shows text, with all of it between its instances."""
    return [*explorers(HOSTILE), *others(HOSTILE)]


@pytest.fixture(scope="package")
def widget_site(
    shown: list[CourseWidget], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The page, built with the book's own extensions, and without the policy that guards pages."""
    folder = tmp_path_factory.mktemp("mischief-site")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Mischief")])
    for widget in shown:
        data, metadata = AnyWidget._repr_mimebundle_(widget)  # no pictures: they have their test
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
