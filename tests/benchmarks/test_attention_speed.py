"""Attention in tiles beside attention materialised and PyTorch's kernel: time and extra memory.

`make bench` writes the result to book/results/attention_speed.json, which chapter 8 and the page
"Speed, measured" read.
"""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from typing import Any

import torch
from stopwatch import HOW_COUNTED, RESULTS, clock_name, extra_bytes, medians, over, take_turns
from torch import Tensor

from txlib.attention import fused_attention, scaled_dot_product_attention
from txlib.attention.tiled import tiled_attention
from txlib.recipes.records import new_record, write_record

RESULT = RESULTS / "attention_speed.json"
BATCH, NUM_HEADS, HEAD_DIM = 1, 4, 64
LENGTHS = (512, 1024, 2048, 4096, 8192)
REPEATS, AT_ONCE = 7, 0.05
QUICK = {"LENGTHS": (9, 300), "REPEATS": 1, "AT_ONCE": 0.0}
WAYS: dict[str, Callable[..., Tensor]] = {
    "materialised": scaled_dot_product_attention,
    "tiled": tiled_attention,
    "SDPA": fused_attention,
}
DIRECTIONS = {"forward": False, "forward and backward": True}


def run(way: Callable[..., Tensor], inputs: list[Tensor], gradient: Tensor | None) -> Any:
    """The context, or with its gradient given, those of query, key and value too."""
    with torch.set_grad_enabled(gradient is not None):
        context = way(*inputs, is_causal=True)
    if gradient is None:
        return context
    return context, torch.autograd.grad(context, inputs, gradient)


def compare(calls: dict[str, Callable[[], Any]]) -> None:
    """Before anything is timed: all ways give the same."""
    ours, *others = (call() for call in calls.values())
    for other in others:
        torch.testing.assert_close(other, ours, rtol=1e-4, atol=1e-4)


def measure(device: torch.device, *, lengths: Sequence[int], repeats: int) -> list[dict[str, Any]]:
    """One row for each length and direction; memory on a CPU alone."""
    rows = []
    for length in lengths:
        shape = BATCH, NUM_HEADS, length, HEAD_DIM
        inputs = [torch.randn(shape, device=device, requires_grad=True) for _ in range(3)]
        for direction, backward in DIRECTIONS.items():
            gradient = torch.randn(shape, device=device) if backward else None
            calls = {name: partial(run, way, inputs, gradient) for name, way in WAYS.items()}
            compare(calls)
            rounds = take_turns(calls, device, repeats=repeats, at_once=AT_ONCE)
            ratios = over(rounds, "SDPA")
            row = {
                "length": length,
                "direction": direction,
                "milliseconds": medians(rounds, unit=1e-3),
                "time_over_sdpa": {name: middle for name, (_, middle, _) in ratios.items()},
                "quartiles": ratios,
                "tiled_over_materialised": over(rounds, "materialised")["tiled"],
            }
            if device.type == "cpu":
                row["extra_bytes"] = {name: extra_bytes(call) for name, call in calls.items()}
            rows.append(row)
    return rows


def against_aims(rows: list[dict[str, Any]]) -> dict[str, dict[str, float | bool]]:
    """What was aimed at, at the greatest length, beside what was measured; each is "at most"."""
    longest = max(row["length"] for row in rows)
    forward, both = (
        next(row for row in rows if (row["length"], row["direction"]) == (longest, direction))
        for direction in DIRECTIONS
    )
    found = {"tiles, forward: time over SDPA": (1.5, forward["time_over_sdpa"]["tiled"])}
    for direction, row in zip(DIRECTIONS, (forward, both), strict=True):
        found[f"tiles, {direction}: time over materialised"] = (
            0.25,
            row["tiled_over_materialised"][1],
        )
        if "extra_bytes" in row:
            extra = row["extra_bytes"]["tiled"] / row["extra_bytes"]["materialised"]
            found[f"tiles, {direction}: extra memory over materialised"] = (0.01, extra)
    return {
        name: {"at_most": aim, "measured": value, "met": value <= aim}
        for name, (aim, value) in found.items()
    }


def test_attention_speed(device):
    rows = measure(device, lengths=LENGTHS, repeats=REPEATS)
    defaults = signature(tiled_attention).parameters
    setting = {
        "batch": BATCH,
        "heads": NUM_HEADS,
        "head_dim": HEAD_DIM,
        "causal": True,
        "tile_q": defaults["tile_q"].default,
        "tile_k": defaults["tile_k"].default,
        "repeats": REPEATS,
        "threads": torch.get_num_threads(),
        "dtype": "float32",
        "clock": clock_name(device),
        "memory": HOW_COUNTED,
    }
    outcome = {"setting": setting, "attention": rows, "aims": against_aims(rows)}
    write_record(RESULT, new_record("make bench", device, seeds=[0], results=outcome))
