"""When does a draft pay? One trained writer, drafts of several sizes, and every draft length.

    python -m txlib.recipes.speculation --record book/results/speculation.json

All models learn the same running text of the grammar's English sentences. Then the large one
writes: alone with its cache, and with each of the small ones drafting for it (chapter 8).
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from txlib.checks import check_callable, check_ids, check_kind, check_whole, shown
from txlib.data.running_text import RunningText
from txlib.device import pick_device
from txlib.generation.acceptance import acceptance_rate
from txlib.generation.speculative import speculative_generate
from txlib.models import GPT
from txlib.recipes.argument_checks import check_wholes
from txlib.recipes.options import COUNT
from txlib.recipes.records import new_record, portable_command, write_record
from txlib.recipes.writers import english_text, english_vocabulary, train_writer

DRAFTS = ((1, 32), (1, 96), (2, 96))  # layers, features
PROMPT = 8  # tokens to begin from


@torch.no_grad()
def agreement(target: GPT, draft: GPT, tokens: Tensor) -> float:
    """The share of drafted tokens that the target accepts, the mean over a text.

    Args:
        target: p is its distribution over the next token.
        draft: q is its.
        tokens: int64 (B, T), at whose places the two are compared.

    Raises:
        ValueError: if an argument is of another kind.
    """
    check_kind("target", target, GPT)
    check_kind("draft", draft, GPT)
    check_ids("tokens", tokens, "B", "T")
    if not tokens.numel():
        raise ValueError(f"tokens must hold a token, got {shown(tokens)}")
    p, q = (model(tokens).softmax(dim=-1) for model in (target, draft))
    return acceptance_rate(p, q).mean().item()


def seconds(call: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    """Processor time of a call on a CPU, time by the clock elsewhere; and what it gave.

    Raises:
        ValueError: if there is nothing to call, or no device.
    """
    check_callable("call", call)
    check_kind("device", device, torch.device)
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    wait = getattr(torch, device.type).synchronize if device.type != "cpu" else lambda: None
    wait()
    began = clock()
    result = call()
    wait()
    return clock() - began, result


def compare(
    target: GPT, draft: GPT, tokens: Tensor, *, new: int, lengths: Sequence[int]
) -> dict[str, Any]:
    """How much faster the target writes when the draft helps, one row at a time.

    Args:
        target: writes by itself, with a cache; and checks.
        draft: drafts.
        tokens: int64 (N, T), beginnings; at each, the ways of writing take turns.
        new: tokens to write after each.
        lengths: of the drafts, tried one after another.

    Returns:
        `cost`, a token of the draft over a token of the target (the median), and for each length of
        the draft the `tokens_per_call` of the target and `speed`, over the target alone (the
        median).

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_kind("target", target, GPT)
    check_kind("draft", draft, GPT)
    check_ids("tokens", tokens, "N", "T")
    if not tokens.numel():
        raise ValueError(f"tokens must hold a beginning, got {shown(tokens)}")
    check_whole("new", new, least=1)
    check_wholes("lengths", lengths, least=1)
    device = tokens.device
    by_itself, by_draft = (
        partial(model.generate, max_new_tokens=new, temperature=1.0) for model in (target, draft)
    )
    together = partial(speculative_generate, target, draft, max_new_tokens=new)
    costs, speeds, calls = [], {k: [] for k in lengths}, dict.fromkeys(lengths, 0)
    for warming_up in (True, False):
        for row in tokens[:1].split(1) if warming_up else tokens.split(1):
            alone, _ = seconds(partial(by_itself, row), device)
            cheap, _ = seconds(partial(by_draft, row), device)
            for k in lengths:
                took, result = seconds(partial(together, row, num_draft_tokens=k), device)
                if not warming_up:
                    speeds[k].append(alone / took)
                    calls[k] += int(result.target_calls.sum())
            if not warming_up:
                costs.append(cheap / alone)
    return {
        "cost": median(costs),
        "by_length": [
            {
                "num_draft_tokens": k,
                "tokens_per_call": new * len(tokens) / calls[k],
                "speed": median(speeds[k]),
            }
            for k in lengths
        ],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the target and the drafts, let them write, then write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m txlib.recipes.speculation", description=__doc__
    )
    parser.add_argument("--record", type=Path, required=True, help="where the record goes")
    parser.add_argument("--layers", type=COUNT, default=8, help="of the target")
    parser.add_argument("--d-model", type=COUNT, default=192, help="features of the target")
    parser.add_argument("--steps", type=COUNT, default=300, help="updates of the target")
    parser.add_argument("--draft-steps", type=COUNT, default=400, help="updates of each draft")
    parser.add_argument("--sentences", type=COUNT, default=8000, help="to learn from")
    parser.add_argument("--new", type=COUNT, default=200, help="tokens to write")
    parser.add_argument("--repeats", type=COUNT, default=5, help="times that each way writes")
    parser.add_argument("--lengths", type=COUNT, nargs="+", default=[1, 2, 3, 4, 6, 8])
    args = parser.parse_args(arguments)
    device, vocab_size = pick_device(), len(english_vocabulary())
    text = RunningText(ids=english_text("train", args.sentences), length=48, batch_size=16)
    held_out = RunningText(
        ids=english_text("validation", 400), length=PROMPT + 56, batch_size=args.repeats
    )
    tokens = held_out.batch(0).tokens.to(device)
    target, loss = train_writer(
        text,
        vocab_size,
        num_layers=args.layers,
        d_model=args.d_model,
        steps=args.steps,
        learning_rate=3e-3,
    )
    results = {
        "settings": {"steps": args.steps, "draft_steps": args.draft_steps, "new": args.new},
        "target": {"layers": args.layers, "d_model": args.d_model, "loss": loss},
        "drafts": [],
    }
    for layers, width in DRAFTS:
        draft, draft_loss = train_writer(
            text,
            vocab_size,
            num_layers=layers,
            d_model=width,
            steps=args.draft_steps,
            learning_rate=6e-3,
        )
        torch.manual_seed(1)
        found = compare(target, draft, tokens[:, :PROMPT], new=args.new, lengths=args.lengths)
        results["drafts"].append(
            {"layers": layers, "d_model": width, "loss": draft_loss}
            | {"agreement": agreement(target, draft, tokens)}
            | found
        )
    command = portable_command(["python", "-m", "txlib.recipes.speculation", *arguments])
    write_record(args.record, new_record(command, device, seeds=[0], results=results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
