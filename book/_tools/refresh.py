"""Re-execute the notebooks whose code changed, and normalise them so that diffs stay small.

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

import nbformat
from nbformat import NotebookNode

from txlib.widgets.stable_ids import stable_ids

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "book" / name for name in ("widgets.ipynb", "speed.ipynb")]
NOTEBOOKS = [*sorted((ROOT / "chapters").glob("*.ipynb")), *PAGES]
KEPT_CELL_METADATA = ("tags", "mystnb", "reason")


def id_prefix(path: Path) -> str:
    """What the ids of a notebook's cells begin with: "ch01" for a chapter, a page's own name."""
    return f"ch{path.stem[:2]}" if path.stem[:2].isdigit() else path.stem


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
    notebook.update(stable_ids(notebook))
    widgets = notebook.metadata.get("widgets")
    notebook.metadata = NotebookNode(
        course=course,
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    if widgets:
        notebook.metadata["widgets"] = widgets
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{prefix}-{number:03d}"
        cell.metadata = NotebookNode(
            {key: cell.metadata[key] for key in KEPT_CELL_METADATA if key in cell.metadata}
        )


def write(notebook: NotebookNode, path: Path) -> None:
    """Write the notebook next to itself, then put it in place in one step."""
    temporary = path.with_suffix(".ipynb.new")
    temporary.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    temporary.replace(path)


def main() -> int:
    """Refresh what the command line asks for; 1 if `--check` found something stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="notebooks (default: all)")
    parser.add_argument("--all", action="store_true", help="execute even what did not change")
    parser.add_argument("--check", action="store_true", help="only report what is stale")
    arguments = parser.parse_args()
    stale = []
    for path in arguments.notebooks or NOTEBOOKS:
        notebook = nbformat.read(path, as_version=4)
        if arguments.all or is_stale(notebook):
            stale.append(path.name)
            if not arguments.check:
                print(f"{path.name}: executing", flush=True)
                execute(notebook, path.parent)
        if not arguments.check:
            normalise(notebook, id_prefix(path))
            write(notebook, path)
    print(f"stale: {', '.join(stale)}" if stale and arguments.check else "all notebooks are fresh")
    return int(bool(stale) and arguments.check)


if __name__ == "__main__":
    sys.exit(main())
