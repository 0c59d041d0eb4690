"""What a score costs: additive against dot product, in time and in memory, as ratios in one run.

A round runs every layer in turn; the ratios are taken within a round, and their median is kept.
On a CPU the clock counts the process's own time, so that a busy machine matters little. `make
bench` writes the result to book/results/attention_scores_speed.json, which chapter 3 reads.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from txlib.attention import AdditiveAttention, SingleHeadAttention, masked_softmax
from txlib.device import pick_device
from txlib.recipes.records import new_record, write_record

RESULT = Path(__file__).parents[2] / "book" / "results" / "attention_scores_speed.json"
D_MODEL, BATCH, REPEATS = 64, 1, 21
LENGTHS = (16, 32, 64, 128, 256, 512, 1024)
AT_ONCE = 0.02  # seconds that one measurement lasts at least: short calls are repeated
REFERENCE = "dot product, fused"
DIRECTIONS = {"forward": False, "forward and backward": True}


def new_layers(device: torch.device) -> dict[str, nn.Module]:
    sizes = D_MODEL, D_MODEL, D_MODEL
    layers = {
        "additive": AdditiveAttention(*sizes),
        "additive without tanh": AdditiveAttention(*sizes, activation=nn.Identity()),
        "dot product, readable": SingleHeadAttention(*sizes),
        REFERENCE: SingleHeadAttention(*sizes),
    }
    layers["dot product, readable"].tap.register_forward_hook(lambda *_: None)
    return {name: layer.to(device) for name, layer in layers.items()}


def new_inputs(length: int, device: torch.device) -> list[Tensor]:
    shape = BATCH, length, D_MODEL
    return [torch.randn(shape, device=device, requires_grad=True) for _ in range(2)]


def run(layer: nn.Module, inputs: list[Tensor], backward: bool) -> tuple[Tensor, ...]:
    with torch.set_grad_enabled(backward):
        context = layer(*inputs)
    if not backward:
        return (context,)
    return torch.autograd.grad(context.sum(), [*inputs, *layer.parameters()])


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


def time_ratios(
    layers: dict[str, nn.Module], inputs: list[Tensor], backward: bool
) -> dict[str, list[float]]:
    """The quartiles of each layer's time over the reference's."""
    device = inputs[0].device
    calls = {name: partial(run, layer, inputs, backward) for name, layer in layers.items()}
    times = {}
    for name, call in calls.items():
        call()
        times[name] = max(1, round(AT_ONCE / timed(call, device)[0]))
    rounds = [
        {name: timed(call, device, times[name])[0] for name, call in calls.items()}
        for _ in range(REPEATS)
    ]
    ratios = {name: [row[name] / row[REFERENCE] for row in rounds] for name in layers}
    return {name: quantiles(found, n=4) for name, found in ratios.items()}


def peak_bytes(call: Callable[[], Any], device: torch.device, trace: Path) -> int:
    """The most that was allocated at once during a call, above what stood there before it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return torch.cuda.max_memory_allocated() - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        call()
    profiler.export_chrome_trace(str(trace))
    events = json.loads(trace.read_text("utf-8"))["traceEvents"]
    changes = sorted((e["ts"], e["args"]["Bytes"]) for e in events if e["name"] == "[memory]")
    held = peak = 0
    for _, change in changes:
        held += change
        peak = max(peak, held)
    return peak


def time_stages(layer: AdditiveAttention, inputs: list[Tensor]) -> dict[str, float]:
    """The share of each stage in the additive score's forward pass; the shares sum to 1."""
    query, memory = inputs
    stages = {
        "projections": lambda: (layer.query_proj(query), layer.key_proj(memory)),
        "broadcast add": lambda queries, keys: queries[:, :, None] + keys[:, None],
        "tanh": layer.activation,
        "product with v": lambda summed: layer.score_proj(summed).squeeze(-1),
        "softmax": masked_softmax,
        "weighted average": lambda weights: weights @ memory,
    }
    rounds = []
    for _ in range(REPEATS + 1):
        value, row = (), {}
        for name, stage in stages.items():
            arguments = value if isinstance(value, tuple) else (value,)
            row[name], value = timed(partial(stage, *arguments), query.device)
        rounds.append({name: part / sum(row.values()) for name, part in row.items()})
    torch.testing.assert_close(value, layer(query, memory))
    medians = {name: median(row[name] for row in rounds[1:]) for name in stages}
    return {name: part / sum(medians.values()) for name, part in medians.items()}


@pytest.mark.parametrize("num_threads", [1])
def test_attention_scores_speed(num_threads, tmp_path):
    torch.set_num_threads(num_threads)
    torch.manual_seed(0)
    device = pick_device()
    counted_on = device if device.type == "cuda" else torch.device("cpu")
    trace = tmp_path / "trace.json"
    times, memory, stages = [], [], []
    for length in LENGTHS:
        layers, inputs = new_layers(device), new_inputs(length, device)
        for direction, backward in DIRECTIONS.items():
            here = {"length": length, "direction": direction}
            quartiles = time_ratios(layers, inputs, backward)
            ratios = {name: middle for name, (_, middle, _) in quartiles.items()}
            times.append({**here, "ratios": ratios, "quartiles": quartiles})
            counted_layers, counted = new_layers(counted_on), new_inputs(length, counted_on)
            peaks = {
                name: peak_bytes(partial(run, layer, counted, backward), counted_on, trace)
                for name, layer in counted_layers.items()
            }
            memory.append({**here, "bytes": peaks})
        with torch.no_grad():
            stages.append({"length": length, "shares": time_stages(layers["additive"], inputs)})
    setting = {
        "d_model": D_MODEL,
        "batch": BATCH,
        "repeats": REPEATS,
        "threads": num_threads,
        "dtype": "float32",
        "clock": "processor time of the process" if device.type == "cpu" else "wall clock",
        "memory": "highest sum of what PyTorch's allocator had handed out during one call, results "
        "and gradients included, inputs and parameters not; by "
        + ("torch.cuda's counters" if counted_on.type == "cuda" else "torch.profiler on the CPU"),
    }
    outcome = {
        "setting": setting,
        "time_over_fused_dot_product": times,
        "peak_memory": memory,
        "additive_time_shares": stages,
    }
    pairs = BATCH * LENGTHS[-1] ** 2 * 4  # bytes of one number for each query and key
    last = memory[-1]["bytes"]
    assert last["additive"] > D_MODEL * pairs
    assert D_MODEL * pairs > last["dot product, readable"] > pairs > last[REFERENCE]
    write_record(RESULT, new_record("make bench", device, seeds=[0], results=outcome))
