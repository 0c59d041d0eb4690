"""How much memory a computation needs at once, on the CPU."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from txlib.checks import check_callable


def peak_megabytes(function: Callable[..., Any], *inputs: Any) -> float:
    """The most that PyTorch had allocated at once during a call, above what stood there before.

    What its kernels allocate inside counts too. The result counts, the inputs do not.

    Args:
        function: what is measured; it is called once, on CPU tensors.
        inputs: its arguments.

    Returns:
        Megabytes of 2**20 bytes.

    Raises:
        ValueError: if `function` cannot be called.
    """
    check_callable("function", function)
    from torch.profiler import ProfilerActivity, profile

    with (
        _quiet_profiler(),
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler,
    ):
        result = function(*inputs)
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text("utf-8"))["traceEvents"]
    del result
    held = peak = 0
    for event in sorted((e for e in events if e["name"] == "[memory]"), key=lambda e: e["ts"]):
        held += event["args"]["Bytes"]
        peak = max(peak, held)
    return peak / 2**20


@contextmanager
def _quiet_profiler() -> Iterator[None]:
    """Keep what the profiler reports of itself, dates included, off standard error."""
    shown = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(shown, 2)
        os.close(shown)
