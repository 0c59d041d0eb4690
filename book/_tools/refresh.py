"""Re-execute the chapters whose code changed, and normalise them so that diffs stay small.

    python book/_tools/refresh.py                # what changed since it was last executed
    python book/_tools/refresh.py --all          # everything
    python book/_tools/refresh.py --check        # change nothing; fail if something is stale

A notebook remembers a fingerprint of the code that its outputs belong to.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

CHAPTERS = Path(__file__).parents[2] / "chapters"
KEPT_CELL_METADATA = ("tags", "mystnb", "reason")
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def fingerprint(notebook: NotebookNode) -> str:
    """A hash of all code cells: outputs with another fingerprint belong to other code."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def is_stale(notebook: NotebookNode) -> bool:
    """Whether the outputs belong to other code than the notebook holds."""
    return notebook.metadata.get("course", {}).get("fingerprint") != fingerprint(notebook)


def execute(notebook: NotebookNode, folder: Path, timeout: int = 600) -> None:
    """Run every cell in a fresh kernel that works in `folder`."""
    from nbclient import NotebookClient

    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    ).execute()


def normalise(notebook: NotebookNode, prefix: str) -> None:
    """Drop what changes from run to run: times, versions, random ids, counters of widgets."""
    course = {**notebook.metadata.get("course", {}), "fingerprint": fingerprint(notebook)}
    widgets = used_widgets(notebook)
    notebook.metadata = NotebookNode(
        course=course,
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    if widgets:
        state = {"state": widgets, "version_major": 2, "version_minor": 0}
        notebook.metadata["widgets"] = {WIDGET_STATE: state}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{prefix}-{number:03d}"
        cell.metadata = NotebookNode(
            {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        )
    rename_widgets(notebook, prefix)


def used_widgets(notebook: NotebookNode) -> dict[str, Any]:
    """The widget states that the outputs show, and those that these refer to."""
    states = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    wanted = [
        output.data[WIDGET_VIEW]["model_id"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if WIDGET_VIEW in output.get("data", {})
    ]
    used: dict[str, Any] = {}
    while wanted:
        model_id = wanted.pop(0)
        if model_id in states and model_id not in used:
            used[model_id] = states[model_id]
            text = json.dumps(states[model_id])
            wanted += [other for other in states if f"IPY_MODEL_{other}" in text]
    return used


def rename_widgets(notebook: NotebookNode, prefix: str) -> None:
    """Number the widget models in the order in which they appear."""
    states = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    text = nbformat.writes(notebook)
    for number, model_id in enumerate(states):
        text = text.replace(model_id, f"{prefix}-widget-{number:02d}")
    renamed = nbformat.reads(text, as_version=4)
    notebook.cells, notebook.metadata = renamed.cells, renamed.metadata


def write(notebook: NotebookNode, path: Path) -> None:
    """Write the notebook next to itself, then put it in place in one step."""
    temporary = path.with_suffix(".ipynb.new")
    temporary.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    temporary.replace(path)


def main() -> int:
    """Refresh what the command line asks for; 1 if `--check` found something stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", type=Path, help="notebooks (default: all chapters)")
    parser.add_argument("--all", action="store_true", help="execute even what did not change")
    parser.add_argument("--check", action="store_true", help="only report what is stale")
    arguments = parser.parse_args()
    stale = []
    for path in arguments.chapters or sorted(CHAPTERS.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if arguments.all or is_stale(notebook):
            stale.append(path.name)
            if not arguments.check:
                print(f"{path.name}: executing", flush=True)
                execute(notebook, path.parent)
        if not arguments.check:
            normalise(notebook, f"ch{path.stem[:2]}")
            write(notebook, path)
    print(f"stale: {', '.join(stale)}" if stale and arguments.check else "all chapters are fresh")
    return int(bool(stale) and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
