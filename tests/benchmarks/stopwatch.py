"""How every benchmark measures: what is compared runs in turns, and ratios are taken in a turn.

On a CPU the clock counts the process's own time, so that a busy machine matters little.
"""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

RESULTS = Path(__file__).parents[2] / "book" / "results"
Calls = Mapping[str, Callable[[], Any]]
Round = dict[str, float]
HOW_COUNTED = (
    "highest sum of what PyTorch's allocator had handed out during one call and was given back "
    "before it returned: inputs, results and gradients are left out; by torch.profiler on the CPU"
)


def clock_name(device: torch.device) -> str:
    """For a record's setting."""
    return "processor time of the process" if device.type == "cpu" else "wall clock"


def timed(call: Callable[[], Any], device: torch.device, times: int = 1) -> tuple[float, Any]:
    """The seconds that a call takes, and what it returns."""
    clock = process_time if device.type == "cpu" else perf_counter
    _wait_for(device)
    start = clock()
    for _ in range(times):
        result = call()
    _wait_for(device)
    return (clock() - start) / times, result


def _wait_for(device: torch.device) -> None:
    if device.type != "cpu":
        getattr(torch, device.type).synchronize()


def take_turns(
    calls: Calls, device: torch.device, *, repeats: int, at_once: float = 0.0
) -> list[Round]:
    """Seconds of each call in each round. Every other round goes backwards; none is the first.

    Args:
        calls: what is compared, by name.
        device: what they work on.
        repeats: rounds.
        at_once: seconds that one measurement lasts at least; shorter calls are repeated.
    """
    times = {}
    for name, call in calls.items():
        call()  # the first is never counted
        times[name] = max(1, round(at_once / timed(call, device)[0])) if at_once else 1
    rounds = []
    for i in range(repeats):
        order = list(calls)[:: -1 if i % 2 else 1]
        found = {name: timed(calls[name], device, times[name])[0] for name in order}
        rounds.append({name: found[name] for name in calls})
    return rounds


def over(rounds: list[Round], reference: str) -> dict[str, list[float]]:
    """Quartiles of each name's time over the reference's, the ratio taken in each round."""
    return {name: quartiles([row[name] / row[reference] for row in rounds]) for name in rounds[0]}


def medians(rounds: list[Round], unit: float = 1.0) -> Round:
    """The median of each name's seconds, in units of `unit` seconds."""
    return {name: median(row[name] for row in rounds) / unit for name in rounds[0]}


def quartiles(values: list[float]) -> list[float]:
    """First quartile, median, third; one value is all three."""
    return quantiles(values, n=4) if len(values) > 1 else values * 3


def memory_events(call: Callable[[], Any]) -> list[tuple[int, int]]:
    """Address and bytes of what the CPU's allocator gave out (above 0) and took back, in order."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        result = call()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(trace))
        events = json.loads(trace.read_text("utf-8"))["traceEvents"]
    del result
    found = sorted((e for e in events if e["name"] == "[memory]"), key=lambda e: e["ts"])
    return [(event["args"]["Addr"], event["args"]["Bytes"]) for event in found]


def peak_bytes(call: Callable[[], Any], device: torch.device) -> int:
    """The most that was allocated at once during a call, above what stood there before it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return torch.cuda.max_memory_allocated() - before
    return _highest([change for _, change in memory_events(call)])


def extra_bytes(call: Callable[[], Any]) -> int:
    """The most that a call held at once and gave back before it returned, on the CPU.

    What it returns is left out, be it output or gradient, however long it stood there; so is what
    stood there before.
    """
    events = memory_events(call)
    passing, open_at = [0] * len(events), {}
    for i, (address, change) in enumerate(events):
        if change > 0:
            open_at[address] = i
        elif address in open_at:
            passing[open_at.pop(address)], passing[i] = -change, change
    return _highest(passing)


def _highest(changes: list[int]) -> int:
    held = peak = 0
    for change in changes:
        held += change
        peak = max(peak, held)
    return peak
