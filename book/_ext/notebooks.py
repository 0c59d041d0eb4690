"""Carry each figure's alt text from the notebook's output to the page, and keep printed columns.

`txlib.plotting.show` stores the text where Jupyter keeps it, in the metadata of the output. MyST-NB
reads it from the metadata of the cell. This copies the one into the other while the page is read;
the notebook file stays as it is.

What a cell prints wraps where the page is narrow. A table in it would lose its columns: it gets the
class `columns` and scrolls instead.
"""

from __future__ import annotations

import json
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

COLUMNS = re.compile(r"\S {2,}\S")
FEWEST_ROWS, WIDEST = 3, 80  # a table has three rows; what is wider is sentences, which may wrap


def copy_alt_texts(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give every cell with a figure the alt text that its output carries."""
    if app.env.doc2path(docname).endswith(".ipynb"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                if alt := output.get("metadata", {}).get("image/png", {}).get("alt"):
                    cell["metadata"].setdefault("mystnb", {}).setdefault("image", {})["alt"] = alt
        source[0] = json.dumps(notebook)


def has_columns(text: str) -> bool:
    """Whether printed text is a table that a narrow page would break."""
    lines = text.splitlines()
    rows = [line for line in lines if COLUMNS.search(line)]
    return len(rows) >= FEWEST_ROWS and max(map(len, lines)) <= WIDEST


def mark_columns(app: Sphinx, doctree: nodes.document) -> None:
    """Mark what cells print as tables."""
    for block in doctree.findall(nodes.literal_block):
        if "stream" in block["classes"] and has_columns(block.astext()):
            block["classes"].append("columns")


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to every page as it is read."""
    app.connect("source-read", copy_alt_texts)
    app.connect("doctree-read", mark_columns)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
