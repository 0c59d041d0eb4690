"""A training step of multi-head attention beside PyTorch's module and its bare kernel.

All three start from the same weights; the bare one has the same four projections and nothing else.
`make bench` writes the result to book/results/multi_head_speed.json, which "Speed, measured" reads.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from stopwatch import RESULTS, clock_name, medians, over, take_turns
from torch import Tensor, nn

from txlib.attention import MultiHeadAttention
from txlib.interop import load_multi_head_attention
from txlib.recipes.gpu_models import BareAttention
from txlib.recipes.records import new_record, write_record

RESULT = RESULTS / "multi_head_speed.json"
D_MODEL, NUM_HEADS = 256, 4
SIZES = ((32, 64), (8, 256), (2, 1024), (1, 2048))  # batch, length: about as many tokens
REPEATS, AT_ONCE = 25, 0.05
QUICK = {"D_MODEL": 8, "NUM_HEADS": 2, "SIZES": ((3, 5),), "REPEATS": 2, "AT_ONCE": 0.0}
AIM = 0.95


def new_modules(device: torch.device) -> dict[str, Callable[[Tensor], Tensor]]:
    """The three ways, with the same weights: from (B, T, C) to as much."""
    theirs = nn.MultiheadAttention(D_MODEL, NUM_HEADS, batch_first=True).to(device)
    ours = MultiHeadAttention(D_MODEL, NUM_HEADS, bias=True).to(device)
    load_multi_head_attention(ours, theirs)
    bare = BareAttention(D_MODEL, NUM_HEADS).to(device)
    bare.load_state_dict(ours.state_dict())
    return {"txlib": ours, "nn.MultiheadAttention": theirs, "bare SDPA": bare}


def read(module: nn.Module, x: Tensor) -> Tensor:
    """Causal self-attention, as each wants to be asked for it."""
    if isinstance(module, MultiHeadAttention):
        return module(x, is_causal=True)
    if isinstance(module, BareAttention):
        return module(x)
    hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).triu(1)
    return module(x, x, x, need_weights=False, attn_mask=hidden, is_causal=True)[0]


def step_of(module: nn.Module, x: Tensor, gradient: Tensor) -> Callable[[], None]:
    """Forward, backward and Adam; every module gets the same."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-6, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        read(module, x).backward(gradient)
        optimizer.step()

    return step


def measure(
    device: torch.device, *, sizes: Sequence[tuple[int, int]], repeats: int
) -> list[dict[str, Any]]:
    """One row for each size: how many times as fast ours is as either other."""
    rows = []
    for batch, length in sizes:
        x = torch.randn(batch, length, D_MODEL, device=device, requires_grad=True)
        gradient = torch.randn_like(x)
        modules = new_modules(device)
        ours, *others = (read(module, x) for module in modules.values())
        for other in others:
            torch.testing.assert_close(other, ours, rtol=1e-4, atol=1e-5)
        steps = {name: step_of(module, x, gradient) for name, module in modules.items()}
        rounds = take_turns(steps, device, repeats=repeats, at_once=AT_ONCE)
        speeds = over([{k: 1 / v for k, v in row.items()} for row in rounds], "txlib")
        slower = {name: 1 / middle for name, (_, middle, _) in speeds.items()}
        rows.append(
            {
                "batch": batch,
                "length": length,
                "milliseconds": medians(rounds, unit=1e-3),
                "speed_over": {name: slower[name] for name in modules if name != "txlib"},
            }
        )
    return rows


def test_multi_head_speed(device):
    rows = measure(device, sizes=SIZES, repeats=REPEATS)
    worst = min(row["speed_over"]["bare SDPA"] for row in rows)
    setting = {
        "d_model": D_MODEL,
        "heads": NUM_HEADS,
        "causal": True,
        "step": "forward, backward and Adam (fused)",
        "repeats": REPEATS,
        "threads": torch.get_num_threads(),
        "dtype": "float32",
        "clock": clock_name(device),
    }
    what = "MultiHeadAttention, training step: speed over bare SDPA"
    aims = {what: {"at_least": AIM, "measured": worst, "met": worst >= AIM}}
    outcome = {"setting": setting, "training": rows, "aims": aims}
    write_record(RESULT, new_record("make bench", device, seeds=[0], results=outcome))
