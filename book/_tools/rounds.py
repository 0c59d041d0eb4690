"""Run notebooks several times in one kernel each: a second round must find nothing changed.

    python book/_tools/rounds.py --rounds 2 --failed FOLDER chapters/*.ipynb

What the cells print is not compared: this is for other versions of what the course stands on. A
notebook that fails leaves its executed copy in the folder. Needs nbclient, and not txlib.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)


def run_rounds(
    notebook: NotebookNode, folder: Path, rounds: int = 1, *, timeout: int = 900
) -> Exception | None:
    """Execute all cells `rounds` times in one kernel that works in `folder`.

    Args:
        notebook: is filled with the outputs of the last round, as far as it came.
        folder: where the kernel starts.
        rounds: at least 1.
        timeout: seconds that one cell may take.

    Returns:
        What stopped it, or None. A note on the exception says in which round.

    Raises:
        ValueError: if `rounds` is below 1.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1, got {rounds}")
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=timeout, kernel_name="python3", resources=place)
    with client.setup_kernel():
        for number in range(1, rounds + 1):
            try:
                for index, cell in enumerate(notebook.cells):
                    client.execute_cell(cell, index)
            except FAILURES as error:
                error.add_note(f"in round {number} of {rounds}")
                return error
    return None


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line names; 1 if a notebook failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=1, help="how often, in one kernel each")
    parser.add_argument("--failed", type=Path, required=True, help="for copies of those that fail")
    asked = parser.parse_args(arguments)
    failed = 0
    for path in asked.notebooks:
        notebook, start = nbformat.read(path, as_version=4), time.perf_counter()
        error = run_rounds(notebook, path.resolve().parent, asked.rounds)
        seconds = f"{time.perf_counter() - start:.0f} s"
        if error is None:
            print(f"{path.name}: {asked.rounds} times in {seconds}", flush=True)
            continue
        failed += 1
        asked.failed.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, asked.failed / path.name)
        print(f"{path.name}: failed after {seconds}, {error.__notes__[-1]}\n{error}", flush=True)
    print(f"{len(asked.notebooks) - failed} of {len(asked.notebooks)} notebooks ran")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
