"""What a score costs: additive against dot product, in time and in memory, as ratios in one run.

`make bench` writes the result to book/results/attention_scores_speed.json, which chapter 3 reads.
"""

from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

import torch
from stopwatch import RESULTS, clock_name, over, peak_bytes, take_turns, timed
from torch import Tensor, nn

from txlib.attention import AdditiveAttention, SingleHeadAttention, masked_softmax
from txlib.recipes.records import new_record, write_record

RESULT = RESULTS / "attention_scores_speed.json"
D_MODEL, BATCH, REPEATS = 64, 1, 21
LENGTHS = (16, 32, 64, 128, 256, 512, 1024)
AT_ONCE = 0.02  # seconds that one measurement lasts at least: short calls are repeated
QUICK = {"D_MODEL": 16, "LENGTHS": (7, 512), "REPEATS": 1, "AT_ONCE": 0.0}
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


def time_stages(layer: AdditiveAttention, inputs: list[Tensor], repeats: int) -> dict[str, float]:
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
    for _ in range(repeats + 1):
        value, row = (), {}
        for name, stage in stages.items():
            arguments = value if isinstance(value, tuple) else (value,)
            row[name], value = timed(partial(stage, *arguments), query.device)
        rounds.append({name: part / sum(row.values()) for name, part in row.items()})
    torch.testing.assert_close(value, layer(query, memory))
    medians = {name: median(row[name] for row in rounds[1:]) for name in stages}
    return {name: part / sum(medians.values()) for name, part in medians.items()}


def measure(device: torch.device, *, lengths: Sequence[int], repeats: int) -> dict[str, Any]:
    counted_on = device if device.type == "cuda" else torch.device("cpu")
    times, memory, stages = [], [], []
    for length in lengths:
        layers, inputs = new_layers(device), new_inputs(length, device)
        for direction, backward in DIRECTIONS.items():
            here = {"length": length, "direction": direction}
            calls = {name: partial(run, layer, inputs, backward) for name, layer in layers.items()}
            quartiles = over(take_turns(calls, device, repeats=repeats, at_once=AT_ONCE), REFERENCE)
            ratios = {name: middle for name, (_, middle, _) in quartiles.items()}
            times.append({**here, "ratios": ratios, "quartiles": quartiles})
            counted_layers, counted = new_layers(counted_on), new_inputs(length, counted_on)
            peaks = {
                name: peak_bytes(partial(run, layer, counted, backward), counted_on)
                for name, layer in counted_layers.items()
            }
            memory.append({**here, "bytes": peaks})
        with torch.no_grad():
            shares = time_stages(layers["additive"], inputs, repeats)
        stages.append({"length": length, "shares": shares})
    return {
        "time_over_fused_dot_product": times,
        "peak_memory": memory,
        "additive_time_shares": stages,
    }


def test_attention_scores_speed(device):
    outcome = measure(device, lengths=LENGTHS, repeats=REPEATS)
    setting = {
        "d_model": D_MODEL,
        "batch": BATCH,
        "repeats": REPEATS,
        "threads": torch.get_num_threads(),
        "dtype": "float32",
        "clock": clock_name(device),
        "memory": "highest sum of what PyTorch's allocator had handed out during one call, results "
        "and gradients included, inputs and parameters not; by "
        + ("torch.cuda's counters" if device.type == "cuda" else "torch.profiler on the CPU"),
    }
    pairs = BATCH * LENGTHS[-1] ** 2 * 4  # bytes of one number for each query and key
    last = outcome["peak_memory"][-1]["bytes"]
    assert last["additive"] > D_MODEL * pairs
    assert D_MODEL * pairs > last["dot product, readable"] > pairs > last[REFERENCE]
    write_record(
        RESULT, new_record("make bench", device, seeds=[0], results={"setting": setting, **outcome})
    )
