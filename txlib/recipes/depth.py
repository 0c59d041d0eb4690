"""What trains when it is deep: stacks with and without residuals and norms, and a record of each.

    python -m txlib.recipes.depth --record book/results/depth.json
    python -m txlib.recipes.depth --arms post-norm pre-norm --depths 6 --warmups 0 100 --steps 400 \
        --learning-rates 1e-3 2e-3 4e-3 8e-3 1.6e-2 --record book/results/warmup.json

One small task that two layers learn quickly (chapter 3's puzzle), one stack whose residuals and
norms can be taken out (chapter 6), and every combination of what is asked for.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.attention import MultiHeadAttention
from txlib.checks import check_kind, check_one_of, check_whole
from txlib.device import pick_device, seed_everything
from txlib.layers import FeedForward, LayerNorm, xavier_
from txlib.recipes.argument_checks import check_device, check_rate
from txlib.recipes.options import COUNT, FROM_ZERO, RATE, SEED
from txlib.recipes.records import new_record, portable_command, write_record
from txlib.training import linear_warmup

ARMS: dict[str, Callable[[Tensor, nn.Module, nn.Module], Tensor]] = {
    "neither": lambda x, sublayer, norm: sublayer(x),
    "norm only": lambda x, sublayer, norm: norm(sublayer(x)),
    "residual only": lambda x, sublayer, norm: x + sublayer(x),
    "residual, small start": lambda x, sublayer, norm: x + sublayer(x),
    "post-norm": lambda x, sublayer, norm: norm(x + sublayer(x)),
    "pre-norm": lambda x, sublayer, norm: x + sublayer(norm(x)),
}
NAMES, TOKENS, CONTENTS = 16, 8, 8
FEATURES = 2 * NAMES + CONTENTS
SOLVED_LOSS, WINDOW = 0.02, 20  # a run ends early once the mean of its last losses is so low


class Stack(nn.Module):
    """Attention and feed-forward in turn, with residuals and norms where `arm` puts them.

    First values are those of 2017 (`xavier_`). Under "pre-norm" one more norm follows the last
    layer, as in GPT-2; under "residual, small start" the last map of each sub-layer starts as much
    smaller as GPT-2's (`initialize_`), so that the sum does not grow with depth.

    Args:
        arm: a name in `ARMS`.
        depth: layers, at least 1, each of one attention and one feed-forward sub-layer.
        d_model: C, features of a token.
        num_heads: H, a divisor of C.

    Raises:
        ValueError: if there is no such arm, or `depth` is below 1.
    """

    def __init__(self, arm: str, depth: int, *, d_model: int = 32, num_heads: int = 2):
        super().__init__()
        check_one_of("arm", arm, ARMS)
        check_whole("depth", depth, least=1)
        check_whole("d_model", d_model, least=1)
        self.combine = ARMS[arm]
        self.read = nn.Linear(FEATURES, d_model)
        self.sublayers = nn.ModuleList(
            part
            for _ in range(depth)
            for part in (
                MultiHeadAttention(d_model, num_heads),
                FeedForward(d_model, 4 * d_model),
            )
        )
        normed = arm in ("norm only", "post-norm", "pre-norm")
        self.norms = nn.ModuleList(
            LayerNorm(d_model) if normed else nn.Identity() for _ in self.sublayers
        )
        self.last_norm = LayerNorm(d_model) if arm == "pre-norm" else nn.Identity()
        self.answer = nn.Linear(d_model, CONTENTS)
        xavier_(self)
        if arm == "residual, small start":
            for sublayer in self.sublayers:
                last = getattr(sublayer, "out_proj", None) or sublayer.down_proj
                nn.init.xavier_uniform_(last.weight, gain=len(self.sublayers) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, FEATURES) to logits (B, T, CONTENTS)."""
        x = self.read(x)
        for sublayer, norm in zip(self.sublayers, self.norms, strict=True):
            x = self.combine(x, sublayer, norm)
        return self.answer(self.last_norm(x))


def puzzle(batch_size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Eight tokens, each with a name, the name that it seeks, and a content: see chapter 3.

    Args:
        batch_size: B, at least 1.
        generator: on the CPU; what it draws decides everything.

    Returns:
        (B, T, FEATURES), three one-hot vectors side by side; and int64 (B, T), the content of the
        token that each one seeks, which is never itself.

    Raises:
        ValueError: if `batch_size` is below 1, or there is no generator.
    """
    check_whole("batch_size", batch_size, least=1)
    check_kind("generator", generator, torch.Generator)
    name = torch.rand(batch_size, NAMES, generator=generator).argsort(dim=1)[:, :TOKENS]
    steps = torch.randint(1, TOKENS, (batch_size, TOKENS), generator=generator)
    sought = (torch.arange(TOKENS) + steps) % TOKENS
    content = torch.randint(CONTENTS, (batch_size, TOKENS), generator=generator)
    wish = F.one_hot(name.gather(1, sought), NAMES)
    x = torch.cat((F.one_hot(name, NAMES), wish, F.one_hot(content, CONTENTS)), dim=-1)
    return x.float(), content.gather(1, sought)


def train(
    arm: str,
    depth: int,
    *,
    learning_rate: float,
    warmup: int,
    seed: int,
    steps: int = 300,
    batch_size: int = 16,
    d_model: int = 32,
    device: torch.device | None = None,
) -> dict[str, Any]:
    """One stack from one seed: Adam, gradients clipped to norm 1, a straight warm-up, then level.

    Returns:
        The settings; `steps`, fewer than allowed where it was solved or diverged before; `losses`,
        each the mean of `WINDOW` steps; `solved`, the share of right answers on fresh puzzles.

    Raises:
        ValueError: if there is no such arm, or a number is out of range.
    """
    check_rate("learning_rate", learning_rate)
    check_whole("warmup", warmup, least=0)
    check_whole("steps", steps, least=1)
    check_whole("batch_size", batch_size, least=1)
    check_device("device", device)
    device = device or torch.device("cpu")
    seed_everything(seed)
    generator = torch.Generator().manual_seed(seed)
    model = Stack(arm, depth, d_model=d_model).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    losses: list[float] = []
    for step in range(steps):
        x, content = (part.to(device) for part in puzzle(batch_size, generator))
        loss = F.cross_entropy(model(x).mT, content)
        optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        losses.append(loss.item())
        if not math.isfinite(losses[-1] + norm.item()):
            losses.pop()
            break
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * linear_warmup(step, warmup_steps=warmup)
        optimizer.step()
        if len(losses) >= WINDOW and mean(losses[-WINDOW:]) < SOLVED_LOSS:
            break
    with torch.no_grad():
        x, content = (part.to(device) for part in puzzle(1000, torch.Generator().manual_seed(999)))
        solved = (model(x).argmax(dim=-1) == content).float().mean().item()
    return {
        "arm": arm,
        "depth": depth,
        "learning_rate": learning_rate,
        "warmup": warmup,
        "seed": seed,
        "steps": len(losses),
        "solved": round(solved, 4),
        "losses": [round(mean(losses[i : i + WINDOW]), 3) for i in range(0, len(losses), WINDOW)],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Train every combination of what is asked for, then write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="python -m txlib.recipes.depth", description=__doc__)
    parser.add_argument("--record", type=Path, required=True, help="where the record goes")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--depths", type=COUNT, nargs="+", default=[2, 6, 16, 48])
    parser.add_argument("--learning-rates", type=RATE, nargs="+", default=[3e-3])
    parser.add_argument("--warmups", type=FROM_ZERO, nargs="+", default=[50], help="steps of climb")
    parser.add_argument("--seeds", type=SEED, nargs="+", default=[0, 1, 2], help="one run each")
    parser.add_argument("--steps", type=COUNT, default=300, help="updates of each run at most")
    parser.add_argument("--d-model", type=COUNT, default=32, help="features of a token")
    args = parser.parse_args(arguments)
    device = pick_device()
    sizes = {"steps": args.steps, "d_model": args.d_model}
    runs = [
        train(
            arm,
            depth,
            learning_rate=rate,
            warmup=warmup,
            seed=seed,
            device=device,
            **sizes,
        )
        for seed in args.seeds
        for depth in args.depths
        for arm in args.arms
        for warmup in args.warmups
        for rate in args.learning_rates
    ]
    command = portable_command(["python", "-m", "txlib.recipes.depth", *arguments])
    results = {"settings": sizes | {"batch_size": 16}, "runs": runs}
    write_record(args.record, new_record(command, device, seeds=args.seeds, results=results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
