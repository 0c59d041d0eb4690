"""Write the course's public address into copies of notebooks, for Colab to install it from.

    python book/_tools/stamp.py --course "git+https://…/NAME@COMMIT" --out FOLDER chapters/*.ipynb

The address is known only where a copy is published: no notebook of the repository holds one.
Outputs stay, and a stamped notebook still counts as executed.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import json
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

# Nothing that a shell or IPython's %pip would read as anything but itself.
REFERENCE = re.compile(r"(?:git\+(?:https|ssh|file)|https|file)://[\w./@~%:+-]*[\w/]")
LINE = re.compile(r"""^([ \t]*COURSE = )(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)


def fingerprint(notebook: NotebookNode) -> str:
    """The same hash of all code that refresh.py keeps; that one needs txlib, this file does not."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256(json.dumps(code).encode()).hexdigest()[:16]


def _check(course: str) -> None:
    if not REFERENCE.fullmatch(course):
        raise ValueError(
            "course must be a pip direct reference (git+https://…, https://… or file://…) "
            f"without spaces or quotes, got {course!r}"
        )


def stamp(notebook: NotebookNode, course: str) -> NotebookNode:
    """A copy of a notebook whose setup cell installs the course from `course`.

    Args:
        notebook: with one line `COURSE = "…"` in the cells tagged `setup`.
        course: a pip direct reference: `git+https://…@…`, or the `https://` or `file://` address
            of a wheel.

    Raises:
        ValueError: if `course` is no such reference, or the notebook has not one such line.
    """
    _check(course)
    stamped, found = copy.deepcopy(notebook), 0
    for cell in stamped.cells:
        if cell.cell_type == "code" and "setup" in cell.metadata.get("tags", []):
            cell.source, count = LINE.subn(lambda line: f'{line[1]}"{course}"', cell.source)
            found += count
    if found != 1:
        raise ValueError(
            "notebook must have one line COURSE = \"…\" in a cell tagged 'setup', "
            f"got {found or 'none'}"
        )
    known = stamped.metadata.get("course", {})
    if known.get("fingerprint") == fingerprint(notebook):  # only its address changed
        known["fingerprint"] = fingerprint(stamped)
    return stamped


def write_stamped(paths: list[Path], course: str, folder: Path) -> list[Path]:
    """Stamp copies of notebooks into a folder, all or none; the paths written.

    Raises:
        ValueError: if a notebook cannot be stamped, or a copy would replace a notebook.
    """
    _check(course)
    names = [path.name for path in paths]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"notebooks must differ in name, got {sorted(doubled)} more than once")
    if inside := [str(path) for path in paths if path.resolve().parent == folder.resolve()]:
        raise ValueError(f"folder must be another than that of the notebooks, got {inside}")
    texts = {}
    for path in paths:
        try:
            notebook = stamp(nbformat.read(path, as_version=4), course)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        texts[folder / path.name] = nbformat.writes(notebook) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    for target, text in texts.items():
        temporary = target.with_suffix(".ipynb.new")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(target)
    return list(texts)


def main(arguments: list[str] | None = None) -> int:
    """Stamp what the command line names; 1 and a message if that cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--course", required=True, help="a pip direct reference to the course")
    parser.add_argument("--out", required=True, type=Path, help="the folder of the copies")
    asked = parser.parse_args(arguments)
    try:
        written = write_stamped(asked.notebooks, asked.course, asked.out)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} notebooks in {asked.out} install {asked.course}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
