"""Carry each figure's alt text from the notebook's output to the page.

`txlib.plotting.show` stores the text where Jupyter keeps it, in the metadata of the output. MyST-NB
reads it from the metadata of the cell. This copies the one into the other while the page is read;
the notebook file stays as it is.
"""

from __future__ import annotations

import json
from typing import Any

from sphinx.application import Sphinx


def copy_alt_texts(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give every cell with a figure the alt text that its output carries."""
    if app.env.doc2path(docname).endswith(".ipynb"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            for output in cell.get("outputs", []):
                if alt := output.get("metadata", {}).get("image/png", {}).get("alt"):
                    cell["metadata"].setdefault("mystnb", {}).setdefault("image", {})["alt"] = alt
        source[0] = json.dumps(notebook)


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to every page as it is read."""
    app.connect("source-read", copy_alt_texts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
