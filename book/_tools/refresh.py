"""Re-execute the notebooks whose code changed, and normalise them so that diffs stay small.

    python book/_tools/refresh.py                # what changed since it was last executed
    python book/_tools/refresh.py --all          # everything
    python book/_tools/refresh.py --check        # change nothing; fail if something is stale
    python book/_tools/refresh.py --all --into F # executed copies in folder F, errors and all

A notebook remembers a fingerprint of the code that its outputs belong to. One that fails stays as
it was, and leaves a copy that shows how far it came.
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
PAGES = [ROOT / "book" / name for name in ("widgets.ipynb", "speed.ipynb", "promises.ipynb")]
NOTEBOOKS = [*sorted((ROOT / "chapters").glob("*.ipynb")), *PAGES]
FAILED = ROOT / "artifacts" / "notebooks"  # how far a notebook came that could not be executed
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


def execute(
    notebook: NotebookNode, folder: Path, *, timeout: int = 600, allow_errors: bool = False
) -> None:
    """Run every cell in a fresh kernel that works in `folder`.

    Raises:
        CellExecutionError: if a cell fails and `allow_errors` is not set.
    """
    from nbclient import NotebookClient

    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    NotebookClient(
        notebook,
        timeout=timeout,
        allow_errors=allow_errors,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # it warns of its own local socket
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


def write_executed(notebook: NotebookNode, path: Path, folder: Path) -> None:
    """Leave an executed copy in `folder`, with the errors of the cells that fail."""
    folder.mkdir(parents=True, exist_ok=True)
    execute(notebook, path.parent, allow_errors=True)
    write(notebook, folder / path.name)


def refresh(notebook: NotebookNode, path: Path) -> bool:
    """Execute the notebook; whether it went well. If not, the file is left as it was."""
    from nbclient.exceptions import CellExecutionError

    try:
        execute(notebook, path.parent)
    except CellExecutionError as error:
        FAILED.mkdir(parents=True, exist_ok=True)
        write(notebook, FAILED / path.name)
        reached = f"{path.name} is as it was; how far it came: {FAILED / path.name}"
        print(f"{error}\n{reached}", file=sys.stderr)
        return False
    return True


def main() -> int:
    """Refresh what the command line asks for; 1 if one fails or `--check` found something stale."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="notebooks (default: all)")
    parser.add_argument("--all", action="store_true", help="execute even what did not change")
    parser.add_argument("--check", action="store_true", help="only report what is stale")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="write copies, go past errors")
    arguments = parser.parse_args()
    paths = [path.resolve() for path in arguments.notebooks] or NOTEBOOKS
    if arguments.check:
        stale = [path.name for path in paths if is_stale(nbformat.read(path, as_version=4))]
        print(f"stale: {', '.join(stale)}" if stale else "all notebooks are fresh")
        return int(bool(stale))
    failed = []
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        runs = arguments.all or is_stale(notebook)
        if runs:
            print(f"{path.name}: executing", flush=True)
        if runs and arguments.into:
            write_executed(notebook, path, arguments.into)
        elif runs and not refresh(notebook, path):
            failed.append(path.name)
        elif not arguments.into:
            normalise(notebook, id_prefix(path))
            write(notebook, path)
    print(f"failed: {', '.join(failed)}" if failed else "all notebooks are fresh")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
