"""What `import txlib` costs beside `import torch`, in fresh processes.

Each process imports torch, then something of txlib, and reads the clock before and after. `make
bench` writes the result to book/results/import_time.json, which "Speed, measured" reads.
"""

import subprocess
import sys
from collections.abc import Mapping
from statistics import median
from typing import Any

import torch
from stopwatch import RESULTS, quartiles

from txlib.recipes.records import new_record, write_record

RESULT = RESULTS / "import_time.json"
IMPORTS = {
    "txlib": "import txlib",
    "txlib.attention": "import txlib.attention",
    "txlib.models": "import txlib.models",
    "every part that computes": "import txlib.attention, txlib.generation, "
    "txlib.layers, txlib.metrics, txlib.models, txlib.positions, txlib.recurrent, txlib.training",
}
REPEATS, AIM = 9, 20.0
QUICK = {"IMPORTS": {"txlib": "import txlib"}, "REPEATS": 1}
CHILD = """
from time import process_time
start = process_time()
import torch
middle = process_time()
{}
end = process_time()
print(1000 * (middle - start), 1000 * (end - middle))
"""


def milliseconds(statement: str) -> tuple[float, float]:
    """Processor time of `import torch` in a new process, and of a statement after it."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(statement)], capture_output=True, text=True, check=True
    )
    first, second = map(float, done.stdout.split())
    return first, second


def measure(imports: Mapping[str, str], *, repeats: int) -> dict[str, Any]:
    """Milliseconds of torch, and of each import after it: the median and quartiles."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in imports}
    for _ in range(repeats):
        for name, statement in imports.items():
            found[name].append(milliseconds(statement))
    return {
        "torch_milliseconds": median(first for runs in found.values() for first, _ in runs),
        "after_torch": [
            {"import": name, "milliseconds": middle, "quartiles": [low, middle, high]}
            for name, runs in found.items()
            for low, middle, high in [quartiles([second for _, second in runs])]
        ],
    }


def test_import_time(device):
    found = measure(IMPORTS, repeats=REPEATS)
    extra = found["after_torch"][0]["milliseconds"]
    setting = {
        "repeats": REPEATS,
        "clock": "processor time of a new process",
        "order": "each process imports torch first, then what is named",
    }
    what = "import txlib: milliseconds more than torch"
    aims = {what: {"at_most": AIM, "measured": extra, "met": extra <= AIM}}
    outcome = {"setting": setting, **found, "aims": aims}
    write_record(RESULT, new_record("make bench", torch.device("cpu"), seeds=[], results=outcome))
