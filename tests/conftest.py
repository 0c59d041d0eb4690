"""Counts the cases that trust tests try, and keeps the counts of a recorded run.

A test that attacks the course takes the fixture `tally` and says once per case what it tried. With
`TXLIB_TRUST_RECORD` the counts of a long run that passed are merged, area by area, into that file.
Keeps the search for garbage short in every run.
"""

import ast
import gc
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TALLIES = pytest.StashKey[Counter]()


def is_long() -> bool:
    """Whether this is the long run: more cases, and those too slow for every day."""
    return os.environ.get("TXLIB_TRUST") == "long"


def declared_areas(folder: Path) -> set[str]:
    """Every area that a test below `folder` tallies.

    Raises:
        ValueError: if an area is neither a literal nor a constant of its module.
    """
    areas = set()
    for path in sorted(folder.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tally"):
                continue
            area = node.args[0] if node.args else None
            name = constants.get(area.id) if isinstance(area, ast.Name) else None
            name = area.value if isinstance(area, ast.Constant) else name
            if not isinstance(name, str):
                raise ValueError(f"an area must be a literal, got {path.name}:{node.lineno}")
            areas.add(name)
    return areas


@pytest.fixture(scope="session")
def tally(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Counts cases: `tally("attention: bad input")`, once for each that was tried."""
    tallies = request.config.stash.setdefault(TALLIES, Counter())

    def count(area: str, count: int = 1) -> None:
        part, colon, what = area.partition(": ")
        if not (part and colon and what):
            raise ValueError(f'area must read "part: what is tried", got {area!r}')
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        tallies[area] += count

    return count


@pytest.fixture(scope="session")
def effort() -> Callable[[int, int], int]:
    """How many cases to try: `effort(quick, long)` gives the one that this run asks for."""
    return lambda quick, long: long if is_long() else quick


def merge(path: Path, tallies: dict[str, int], arguments: tuple[str, ...], known: set[str]) -> None:
    """Put the counts into the record; an area that no test tallies any more leaves it."""
    import torch

    from txlib.recipes.records import new_record, portable_command, write_record

    words = portable_command(["python", "-m", "pytest", *arguments])
    record = new_record(f"TXLIB_TRUST=long {words}", torch.device("cpu"), seeds=[0], results={})
    facts = {"commit": record["commit"], "date": record["date"]}
    areas = json.loads(path.read_text("utf-8"))["results"]["areas"] if path.exists() else {}
    areas |= {area: {"cases": cases, **facts} for area, cases in tallies.items()}
    kept = known | tallies.keys()
    record["results"] = {"areas": {area: areas[area] for area in sorted(areas) if area in kept}}
    write_record(path, record)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a recorded run that would count too little."""
    several = config.getoption("numprocesses", None) or hasattr(config, "workerinput")
    if os.environ.get("TXLIB_TRUST_RECORD") and (several or not is_long()):
        raise pytest.UsageError("a recorded run is long, TXLIB_TRUST=long, and in one process")


def pytest_collection_finish() -> None:
    """Leave the thousands of tests and modules out of every later search for garbage."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keep the counts, if this run was to be recorded and nothing failed."""
    target, tallies = os.environ.get("TXLIB_TRUST_RECORD"), session.config.stash.get(TALLIES, None)
    if target and tallies and exitstatus == pytest.ExitCode.OK:
        arguments = session.config.invocation_params.args
        merge(Path(target), tallies, arguments, declared_areas(TESTS))
