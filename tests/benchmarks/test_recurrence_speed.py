"""How long a layer takes to read a sentence: recurrence against attention, as ratios in one run.

Each size runs the layers in turn, several times over, and keeps the medians. `make bench` writes
the result to book/results/recurrence_speed.json, which chapter 1 reads.
"""

from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
import torch
from torch import Tensor, nn

from txlib.device import pick_device
from txlib.recipes.records import new_record, write_record
from txlib.recurrent import LSTM

RESULT = Path(__file__).parents[2] / "book" / "results" / "recurrence_speed.json"
D_MODEL, BATCH, REPEATS = 64, 1, 9
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)


class SelfAttention(nn.Module):
    """One head over the whole sentence, by PyTorch's fused kernel."""

    def __init__(self, d_model: int):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(d_model, d_model) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        return nn.functional.scaled_dot_product_attention(query, key, value)


def seconds(layer: nn.Module, x: Tensor, backward: bool) -> float:
    start = perf_counter()
    with torch.set_grad_enabled(backward):
        output = layer(x)
        output = output[0] if isinstance(output, tuple) else output
        if backward:
            output.sum().backward()
    if x.is_cuda:
        torch.cuda.synchronize()
    return perf_counter() - start


@pytest.mark.parametrize("num_threads", [1])
def test_recurrence_speed(num_threads):
    torch.set_num_threads(num_threads)
    torch.manual_seed(0)
    device = pick_device()
    layers = {
        "LSTM cell by cell": LSTM(D_MODEL, D_MODEL),
        "LSTM fused": nn.LSTM(D_MODEL, D_MODEL, batch_first=True),
        "attention": SelfAttention(D_MODEL),
    }
    results = []
    for length in LENGTHS:
        x = torch.randn(BATCH, length, D_MODEL, device=device)
        for direction, backward in (("forward", False), ("forward and backward", True)):
            times = {name: [] for name in layers}
            for _ in range(REPEATS + 1):
                for name, layer in layers.items():
                    times[name].append(seconds(layer.to(device), x, backward))
            medians = {name: median(row[1:]) for name, row in times.items()}
            ratios = {name: value / medians["attention"] for name, value in medians.items()}
            results.append({"length": length, "direction": direction, "ratios": ratios})
    setting = {
        "d_model": D_MODEL,
        "batch": BATCH,
        "repeats": REPEATS,
        "threads": num_threads,
    }
    outcome = {"setting": setting, "time_over_attention": results}
    write_record(RESULT, new_record("make bench", device, seeds=[0], results=outcome))
    assert len(results) == 2 * len(LENGTHS)
