"""How `txlib.recipes.gpu_speed` measures: ways take turns, and a ratio is of one turn."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import torch

from txlib.checks import check_callable, check_kind, check_whole
from txlib.recipes.argument_checks import check_fields, check_rate
from txlib.recipes.records import MACHINE_PATH


@dataclass(frozen=True)
class Turns:
    """What came out of `take_turns`.

    Args:
        milliseconds: one number a round, by name.
        unavailable: why a way could not run at all, by name.
    """

    milliseconds: dict[str, list[float]]
    unavailable: dict[str, str]

    def median(self, name: str) -> float:
        """Milliseconds of the middle round."""
        return median(self.milliseconds[name])

    def speed_over(self, name: str, other: str) -> float | None:
        """How many times as fast as `other`, the median over rounds; None if either cannot run."""
        if not {name, other} <= set(self.milliseconds):
            return None
        pairs = zip(self.milliseconds[other], self.milliseconds[name], strict=True)
        return median(theirs / ours for theirs, ours in pairs)

    def beside(self, ours: str) -> dict[str, Any]:
        """Medians, how many times as fast `ours` is as each other, and who could not run."""
        others = [name for name in self.milliseconds if name != ours]
        speeds = {name: self.speed_over(ours, name) for name in others}
        return {
            "milliseconds": {name: self.median(name) for name in self.milliseconds},
            "speed_over": {name: speed for name, speed in speeds.items() if speed is not None},
            "unavailable": self.unavailable,
        }


def take_turns(
    calls: Mapping[str, Callable[[], Any]],
    device: torch.device,
    *,
    repeats: int,
    at_once: float = 0.0,
) -> Turns:
    """Time each call in each round, every other round in the opposite order.

    A call that fails is left out, with the reason: a kernel that this GPU or this PyTorch does not
    have, or more memory than there is.

    Args:
        calls: what is compared, by name.
        device: what they work on; on a GPU its own clock is read.
        repeats: rounds, after a first one that is not counted.
        at_once: milliseconds that one measurement lasts at least; shorter calls are repeated.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_fields("calls", calls)
    for call in calls.values():
        check_callable("calls", call)
    check_kind("device", device, torch.device)
    check_whole("repeats", repeats, least=1)
    check_rate("at_once", at_once)
    times, unavailable = {}, {}
    for name, call in calls.items():
        reason = why_not_run(call)
        if reason is None:
            once = max(milliseconds(call, device, 1), 1e-3)
            times[name] = max(1, round(at_once / once))
        else:
            unavailable[name] = reason
    found = {name: [] for name in times}
    for i in range(repeats):
        for name in list(times)[:: -1 if i % 2 else 1]:
            found[name].append(milliseconds(calls[name], device, times[name]))
    return Turns(found, unavailable)


def milliseconds(call: Callable[[], Any], device: torch.device, times: int) -> float:
    """Of one call, when it is made `times` in a row.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_callable("call", call)
    check_kind("device", device, torch.device)
    check_whole("times", times, least=1)
    if device.type != "cuda":
        start = perf_counter()
        for _ in range(times):
            call()
        return 1000 * (perf_counter() - start) / times
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    first.record()
    for _ in range(times):
        call()
    last.record()
    last.synchronize()
    return first.elapsed_time(last) / times


def why_not_run(call: Callable[[], Any]) -> str | None:
    """Make a call; if it fails, say why in one line that a record may hold.

    Raises:
        RuntimeError: if the GPU itself is left in error, after which nothing else would run.
        ValueError: if it cannot be called.
    """
    check_callable("call", call)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            call()
        except Exception as error:
            if "CUDA error" in str(error):
                raise
            said = [str(error), *(str(warning.message) for warning in told)]
            reason = type(error).__name__
        else:
            return None
    lines = (f"{text} ".splitlines()[0].strip() for text in said)
    kept = [line for line in dict.fromkeys(lines) if line and not MACHINE_PATH.search(line)]
    return ": ".join((reason, " ".join(kept)))[:300]


def highest_memory(call: Callable[[], Any], device: torch.device) -> int | None:
    """Bytes that a call held at once above what stood there before it; None without a GPU."""
    if device.type != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    call()
    return torch.cuda.max_memory_allocated(device) - before
