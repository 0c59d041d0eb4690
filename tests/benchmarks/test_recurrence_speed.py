"""How long a layer takes to read a sentence: recurrence against attention, as ratios in one run.

`make bench` writes the result to book/results/recurrence_speed.json, which chapter 1 reads.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from stopwatch import RESULTS, clock_name, over, take_turns
from torch import Tensor, nn

from txlib.recipes.records import new_record, write_record
from txlib.recurrent import LSTM

RESULT = RESULTS / "recurrence_speed.json"
D_MODEL, BATCH, REPEATS = 64, 1, 9
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
QUICK = {"LENGTHS": (3, 5), "REPEATS": 1}


class SelfAttention(nn.Module):
    """One head over the whole sentence, by PyTorch's fused kernel."""

    def __init__(self, d_model: int):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(d_model, d_model) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        return nn.functional.scaled_dot_product_attention(query, key, value)


def read(layer: nn.Module, x: Tensor, backward: bool) -> None:
    with torch.set_grad_enabled(backward):
        output = layer(x)
        output = output[0] if isinstance(output, tuple) else output
        if backward:
            output.sum().backward()


def measure(device: torch.device, *, lengths: Sequence[int], repeats: int) -> list[dict[str, Any]]:
    layers = {
        "LSTM cell by cell": LSTM(D_MODEL, D_MODEL),
        "LSTM fused": nn.LSTM(D_MODEL, D_MODEL, batch_first=True),
        "attention": SelfAttention(D_MODEL),
    }
    results = []
    for length in lengths:
        x = torch.randn(BATCH, length, D_MODEL, device=device)
        for direction, backward in (("forward", False), ("forward and backward", True)):
            calls = {n: partial(read, layer.to(device), x, backward) for n, layer in layers.items()}
            found = over(take_turns(calls, device, repeats=repeats), "attention")
            ratios = {name: middle for name, (_, middle, _) in found.items()}
            results.append({"length": length, "direction": direction, "ratios": ratios})
    return results


def test_recurrence_speed(device):
    results = measure(device, lengths=LENGTHS, repeats=REPEATS)
    setting = {
        "d_model": D_MODEL,
        "batch": BATCH,
        "repeats": REPEATS,
        "threads": torch.get_num_threads(),
        "clock": clock_name(device),
    }
    outcome = {"setting": setting, "time_over_attention": results}
    write_record(RESULT, new_record("make bench", device, seeds=[0], results=outcome))
