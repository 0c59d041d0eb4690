"""Which position scheme reads on where its training stopped? All of them, one budget.

    python -m txlib.recipes.position_extrapolation --record book/results/position_extrapolation.json

Every arm is the same small `GPT` with another scheme, trained for the same steps on the same
sequences of n tokens, and tested at every position up to 4 n (chapter 4). A finished run leaves a
file in --out; the same command goes on after the last one.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from txlib.atomic import write_atomically
from txlib.checks import check_kind, check_one_of, check_whole
from txlib.data.order_questions import OrderBatch, OrderQuestions
from txlib.device import pick_device, seed_everything
from txlib.models import GPT, GPTConfig
from txlib.positions import SCHEMES
from txlib.recipes.argument_checks import check_rate
from txlib.recipes.options import COUNT, SEED, whole_option
from txlib.recipes.records import new_record, portable_command, write_record
from txlib.training import fit, masked_cross_entropy, warmup_cosine

TASKS = {
    "place": "which token stood at position k, counted from the start?",
    "distance": "which token stood k positions before this one?",
    "latest": "which token of kind k came last?",
}
KINDS, PER_KIND = 8, 8  # of tokens, for "latest"
LONGER = 4  # tests reach to so many times the trained length
TEST_SEED = 1_000


def new_questions(task: str, n: int, *, batch_size: int, seed: int) -> OrderQuestions:
    """What a model of the study is trained on: n tokens, and every question that they can hold.

    Raises:
        ValueError: if there is no such task, or a number is out of range.
    """
    check_one_of("task", task, TASKS)
    check_whole("n", n, least=2)
    sizes = {"reach": n - 1}  # no text of n tokens has a place n - 1 or a distance n to ask for
    if task == "latest":
        sizes = {"reach": KINDS, "num_tokens": KINDS * PER_KIND}
    return OrderQuestions(task=task, length=n, batch_size=batch_size, seed=seed, **sizes)


def answer_loss(model: nn.Module, batch: OrderBatch) -> Tensor:
    """The mean loss over the batch's questions, for `txlib.training.fit`."""
    return masked_cross_entropy(model(batch.tokens), batch.answers, batch.is_question)


def new_model(scheme: str, questions: OrderQuestions, *, d_model: int = 64) -> GPT:
    """The small stack of the study: 2 layers, 4 heads, every table of distances ends at n.

    Args:
        scheme: a name in `txlib.positions.SCHEMES`. "rope_interpolated" begins as "rope".
        questions: of the training; their `length` is n. A learned table has rows up to 4 n.
        d_model: C.

    Raises:
        ValueError: if an argument is of another kind, or there is no such scheme.
    """
    check_one_of("scheme", scheme, SCHEMES)
    check_kind("questions", questions, OrderQuestions)
    return GPT(
        GPTConfig(
            vocab_size=questions.vocab_size,
            d_model=d_model,
            num_layers=2,
            num_heads=4,
            max_seq_len=LONGER * questions.length,
            positions="rope" if scheme == "rope_interpolated" else scheme,
            max_distance=questions.length,
            tie_embeddings=False,
        )
    )


def train(
    model: GPT, questions: OrderQuestions, *, scheme: str, steps: int, learning_rate: float = 3e-3
) -> float:
    """Train a model in place; the mean loss of its last 50 steps, in nats.

    "rope_interpolated" is position interpolation (Chen et al. 2023) within the same budget: half
    of the steps as they are, half with positions divided by 4, each with a schedule of its own.

    Args:
        model: from `new_model`.
        questions: what it trains on.
        scheme: as given to `new_model`.
        steps: updates in all.
        learning_rate: the peak rate.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_kind("model", model, GPT)
    check_kind("questions", questions, OrderQuestions)
    check_one_of("scheme", scheme, SCHEMES)
    check_whole("steps", steps, least=2 if scheme == "rope_interpolated" else 1)
    check_rate("learning_rate", learning_rate)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, fused=True)
    divided = steps // 2 if scheme == "rope_interpolated" else 0
    losses = _fit(model, questions, steps - divided, learning_rate, optimizer)
    if divided:
        model.rotary.interpolation = float(LONGER)
        later = replace(questions, seed=questions.seed + TEST_SEED // 2)
        losses += _fit(model, later, divided, learning_rate, optimizer)
    return sum(losses[-50:]) / len(losses[-50:])


@torch.no_grad()
def answers_by_position(
    model: GPT, questions: OrderQuestions, *, width: int, batches: int = 4
) -> list[dict[str, float]]:
    """How well questions are answered, by where in a long sequence they stand.

    Args:
        model: in evaluation mode.
        questions: of the test, as long as it reaches.
        width: positions put together in one bin.
        batches: how many batches of `questions` are read.

    Returns:
        For each bin its first position `low`, `length` = one past its last, `accuracy` (0 to 1)
        and `loss` (nats), over all its questions.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_kind("model", model, nn.Module)
    check_kind("questions", questions, OrderQuestions)
    check_whole("width", width, least=1)
    check_whole("batches", batches, least=1)
    device = next(model.parameters()).device
    losses, rights = [], []  # NaN where nothing was asked
    for step in range(batches):
        batch = questions.batch(step).to(device)
        logits = model(batch.tokens)
        loss = nn.functional.cross_entropy(logits.mT, batch.answers, reduction="none")  # (B, T)
        losses.append(loss.masked_fill(~batch.is_question, torch.nan))
        right = (logits.argmax(dim=-1) == batch.answers).float()
        rights.append(right.masked_fill(~batch.is_question, torch.nan))
    loss, right = torch.cat(losses), torch.cat(rights)
    return [
        {
            "low": low,
            "length": low + width,
            "accuracy": right[:, low : low + width].nanmean().item(),
            "loss": loss[:, low : low + width].nanmean().item(),
        }
        for low in range(0, questions.length, width)
    ]


def _fit(
    model: GPT,
    questions: OrderQuestions,
    steps: int,
    learning_rate: float,
    optimizer: torch.optim.Optimizer,
) -> list[float]:
    """One stage of the training; its losses."""
    warmup = min(50, steps // 2)
    plan = partial(warmup_cosine, warmup_steps=warmup, total_steps=steps, floor=1 / 20)
    history = fit(
        model,
        questions,
        steps=steps,
        learning_rate=learning_rate,
        schedule=plan,
        loss=answer_loss,
        optimizer=optimizer,
        progress=False,
    )
    return history.losses


def run(
    task: str, scheme: str, seed: int, *, n: int, steps: int, batch_size: int
) -> dict[str, Any]:
    """One model from one seed, trained to n, tested to 4 n.

    Raises:
        ValueError: if there is no such task or scheme, or a number is out of range.
    """
    seed_everything(seed)
    questions = new_questions(task, n, batch_size=batch_size, seed=seed)
    model = new_model(scheme, questions).to(pick_device())
    train_loss = train(model, questions, scheme=scheme, steps=steps)
    longer = replace(questions, length=LONGER * n, batch_size=256, seed=TEST_SEED)
    return {
        "task": task,
        "scheme": scheme,
        "seed": seed,
        "parameters": sum(p.numel() for p in model.parameters()),
        "train_loss": train_loss,
        "by_length": answers_by_position(model, longer, width=n // 2),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not there yet, then write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m txlib.recipes.position_extrapolation", description=__doc__
    )
    parser.add_argument("--record", type=Path, required=True, help="where the record goes")
    parser.add_argument("--out", type=Path, default=Path("runs/position_extrapolation"))
    parser.add_argument(
        "--n", type=whole_option(2), default=24, help="the trained length, even; for t5 above 16"
    )
    parser.add_argument("--steps", type=COUNT, default=900, help="updates of each run")
    parser.add_argument("--batch-size", type=COUNT, default=32, help="sequences an update")
    parser.add_argument("--seeds", type=SEED, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, default=SCHEMES)
    args = parser.parse_args(arguments)
    settings = {"n": args.n, "steps": args.steps, "batch_size": args.batch_size}
    runs = []
    for seed, task, scheme in tqdm(list(product(args.seeds, TASKS, args.schemes)), unit="run"):
        finished = args.out / f"{task}-{scheme}-{seed}.json"
        if not finished.exists() or json.loads(finished.read_text())["settings"] != settings:
            result = run(task, scheme, seed, **settings)
            finished.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(finished, json.dumps({"settings": settings, "run": result}).encode())
        runs.append(json.loads(finished.read_text())["run"])
    results = {"settings": settings | {"longest": LONGER * args.n}, "tasks": TASKS, "runs": runs}
    command = portable_command(["python", "-m", "txlib.recipes.position_extrapolation", *arguments])
    write_record(args.record, new_record(command, pick_device(), seeds=args.seeds, results=results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
