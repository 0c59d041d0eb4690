"""One page of the widgets of chapters 4 to 7, for the tests here."""

import subprocess
import sys
from pathlib import Path

import ipywidgets
import nbformat
import numpy as np
import pytest

from txlib.widgets import AttentionExplorer, GradientFlow, PositionExplorer, TranslatorExplorer

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


HOSTILE = ["<img src=x onerror=window.hacked=1>", "翻译机器", "x" * 3000]


@pytest.fixture(scope="package")
def grid() -> AttentionExplorer:
    """Two layers of four heads, some of which look at the token before."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(7, 0.3), (2, 4, 9))
    scores = {"previous token": rng.random((2, 4)), "alignment": rng.normal(size=(2, 4))}
    scores["alignment"][1, 2] = np.nan
    queries, keys = ([f"{letter}{i}" for i in range(n)] for letter, n in (("q", 9), ("k", 7)))
    return AttentionExplorer(weights, queries, keys, {(0, 0), (3, 2)}, query=3, scores=scores)


@pytest.fixture(scope="package")
def gradients() -> GradientFlow:
    """Stacks of 1, 4 and 12 layers whose gradients stay, vanish, overflow and are not measured."""
    even = {d: [1.2**i for i in range(d)] for d in (1, 4, 12)}
    fading = {1: [0.3], 4: [0, 1e-20, 1e-10, 1], 12: [10.0 ** (i - 12) for i in range(12)]}
    growing = {1: [2], 4: [np.nan, np.inf, 1e30, 3], 12: [10.0 ** (12 - i) for i in range(12)]}
    arms = {"residual": even, "neither": fading, "no norm": growing, HOSTILE[0]: {4: [1, 2, 3, 4]}}
    return GradientFlow(arms)


def translation(text: str, target: str, referent: tuple[int, ...] = ()) -> dict:
    """An entry of two layers of three heads, with made-up weights."""
    rng = np.random.default_rng(len(text))
    source, written = [*text.split(), "<eos>"], target.split()
    sizes = {"encoder": (len(source),) * 2, "decoder": (len(written),) * 2}
    sizes["cross"] = (len(written), len(source))
    weights = {k: rng.dirichlet(np.full(n, 0.3), (2, 3, q)) for k, (q, n) in sizes.items()}
    weights["decoder"] = np.tile(np.tri(len(written)), (2, 3, 1, 1))
    weights["decoder"] /= weights["decoder"].sum(-1, keepdims=True)
    told = {"text": text, "translation": target, "source": source, "target": written}
    rivals = [[("other", p / 2), ("never", 0)] for p in rng.random(len(written))]
    more = {"probabilities": rng.random(len(written)), "rivals": rivals, "referent": referent}
    return told | weights | more


@pytest.fixture(scope="package")
def translator() -> TranslatorExplorer:
    """Three of a template's four sentences, a sentence alone, and one that is out for mischief."""
    entries = [
        translation("the cat waits , it is tired .", "le chat attend , il est las .", (4, 1, 4, 1)),
        translation(
            "the cat waits , it is wide .", "le chat attend , il est large .", (4, 1, 4, 1)
        ),
        translation("the cow waits , it is tired .", "la vache attend , elle est lasse .", (4, 1)),
        translation("she sings .", "elle chante bien ."),
        translation(HOSTILE[0], " ".join(["translated", HOSTILE[2], *HOSTILE[0].split()])),
    ]
    templates = ["the {cat|cow} waits , it is {tired|wide} .", "she sings .", HOSTILE[0]]
    return TranslatorExplorer(entries, templates, layer=1, head=2)


@pytest.fixture(scope="package")
def widget_site(
    grid: AttentionExplorer,
    gradients: GradientFlow,
    translator: TranslatorExplorer,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, str]:
    """The page, built with the book's own extension: what `open_page` opens here."""
    folder = tmp_path_factory.mktemp("explorers-site")
    even = np.full((3, 3, 3), 1 / 3)
    scores = {HOSTILE[0]: [0.1, 0.5, np.nan], HOSTILE[2]: [1, 200, -3.5]}
    shown = [
        PositionExplorer(),
        PositionExplorer(32, base=500.0, panel="similarity", content="slow pairs"),
        PositionExplorer(panel="dial", pairs=(0, 1, 2, 3)),
        grid,
        AttentionExplorer(even, HOSTILE, HOSTILE, scores=scores, names=HOSTILE, head=2),
        gradients,
        translator,
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


@pytest.fixture(scope="package")
def every_widget_starts() -> bool:
    return True
