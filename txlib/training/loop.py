"""The training loop of the whole course."""

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from txlib.checks import check_flag
from txlib.training import distributed
from txlib.training.checkpoint import save_checkpoint
from txlib.training.fit_checks import (
    as_json,
    check_files,
    check_numbers,
    check_parts,
    check_results,
    next_batches,
    rate_of,
)
from txlib.training.gradients import first_not_finite, new_scaler, take_gradients
from txlib.training.history import History
from txlib.training.interrupt import StopRequest
from txlib.training.losses import translation_loss
from txlib.training.resume import is_there, restore_run, save_run
from txlib.training.schedules import constant


class Batches(Protocol):
    """What `fit` reads: an endless stream that can begin at any step."""

    def stream(self, start_step: int = 0) -> Iterator[Any]: ...  # noqa: D102


def fit(
    model: nn.Module,
    batches: Batches,
    *,
    steps: int,
    learning_rate: float = 3e-3,
    schedule: Callable[[int], float] = constant,
    optimizer: torch.optim.Optimizer | None = None,
    loss: Callable[[nn.Module, Any], Tensor] = translation_loss,
    max_gradient_norm: float = 1.0,
    accumulate: int = 1,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    evaluate_every: int | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    best: str | Path | None = None,
    resume: bool = False,
    details: dict[str, Any] | None = None,
    progress: bool = True,
) -> History:
    """Train `model` in place for `steps` steps, and leave it in evaluation mode.

    The batch, the learning rate and what happens beside the update depend on the number of the
    step alone, never on the clock. So a run that was stopped and resumed has, on the same device,
    the very losses of one that was not. On a GPU matrix products run in bfloat16, or, where it has
    none, in float16 with a scaled loss. Under `torchrun` every process calls this with its share of
    the batches, and their gradients are weighed by their tokens: the loss is that of one process
    with the whole batches. So is it with `accumulate`: the update is that of one large batch.

    Args:
        model: on the device to train on.
        batches: `stream(start_step)` yields batches with `.to(device)` and `.num_target_tokens`,
            as `txlib.data.batching.BucketedBatches` does.
        steps: updates in all, those before a resume included.
        learning_rate: the peak rate.
        schedule: from the step (0 first) to a factor of `learning_rate`.
        optimizer: over the model's parameters; Adam if not given. Its rate is set at every step.
        loss: from the model and a batch to the mean loss over the batch's tokens.
        max_gradient_norm: longer gradients are shortened to it; `math.inf` never does.
        accumulate: batches an update. Steps are updates, here and in the history.
        evaluate: from the model in evaluation mode, without gradients, to named numbers.
        evaluate_every: steps between evaluations; one comes at the end in any case.
        checkpoint: the file that the run can be resumed from, written at the end in any case.
        checkpoint_every: steps between checkpoints.
        best: a file for the model of the lowest `"loss"` among the evaluations.
        resume: go on from `checkpoint` if that file is there.
        details: what JSON can hold, saved along; a resumed run must have been saved with the same.
        progress: whether to show a bar.

    Returns:
        The history of the whole run, the part before a resume included.

    Raises:
        ValueError: if an argument is out of range or the checkpoint is of another run.
        FloatingPointError: if the loss or the gradient is not finite; nothing of that step is kept.
        KeyboardInterrupt: after Ctrl-C, once the step is done and the checkpoint written.
    """
    every = {"evaluate_every": evaluate_every, "checkpoint_every": checkpoint_every}
    check_numbers(learning_rate, max_gradient_norm, steps=steps, accumulate=accumulate, **every)
    check_files(checkpoint, best, resume, evaluate, **every)
    check_parts(model, batches, optimizer, schedule=schedule, loss=loss, evaluate=evaluate)
    check_flag("progress", progress)
    device = next(model.parameters()).device
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True)
    details = as_json(details)
    history, main, scaler = History(), distributed.rank() == 0, new_scaler(device)
    if not main:
        torch.manual_seed(torch.initial_seed() + distributed.rank())  # each drops its own units
    if resume and is_there(Path(checkpoint), device):
        history = restore_run(Path(checkpoint), model, optimizer, details, device, steps, scaler)
    replica = distributed.replicate(model, device).train()
    stream = batches.stream(len(history) * accumulate)
    bar = tqdm(total=steps, initial=len(history), disable=not (progress and main))
    with StopRequest() as stop, bar:
        for step in range(len(history) + 1, steps + 1):
            began = time.perf_counter()
            rate = rate_of(step - 1, learning_rate, schedule)
            value, norm, tokens = take_gradients(
                replica,
                next_batches(stream, accumulate),
                optimizer,
                loss,
                scaler,
                max_gradient_norm=max_gradient_norm,
                device=device,
            )
            value, stopping = distributed.total([value, stop.requested], device)
            if not math.isfinite(value + norm):
                culprit = first_not_finite(model)
                raise FloatingPointError(
                    _explain(step, value, rate, norm, history, culprit, checkpoint)
                )
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            history.append(value, rate, norm, tokens / (time.perf_counter() - began))
            bar.update()
            bar.set_postfix(loss=f"{value:.3f}", refresh=False)

            if main and evaluate and _is_due(step, evaluate_every, steps):
                history.evaluations.append({"step": step, **_evaluation(model, evaluate)})
                if best and history.best()["step"] == step:
                    save_checkpoint(best, model, step=step, details={"run": details})
            if checkpoint and (stopping or _is_due(step, checkpoint_every, steps)):
                save_run(Path(checkpoint), model, optimizer, details, history, device, scaler)
            if stopping:
                raise KeyboardInterrupt(_farewell(step, checkpoint))
        if sum(distributed.total([stop.requested], device)):  # Ctrl-C came during the last step
            raise KeyboardInterrupt(_farewell(steps, checkpoint))
    model.eval()
    return history


def _evaluation(
    model: nn.Module, evaluate: Callable[[nn.Module], dict[str, float]]
) -> dict[str, float]:
    model.eval()
    with torch.no_grad():
        results = evaluate(model)
    check_results(results)
    model.train()
    return results


def _is_due(step: int, every: int | None, last: int) -> bool:
    return step == last or (every is not None and step % every == 0)


def _farewell(step: int, path: str | Path | None) -> str:
    return f"stopped after step {step}" + (f"; the checkpoint is {path}" if path else "")


def _explain(
    step: int,
    value: float,
    rate: float,
    norm: float,
    history: History,
    culprit: str | None,
    path: str | Path | None,
) -> str:
    before = ", ".join(f"{value:.3f}" for value in history.losses[-3:]) or "none"
    back = f" The last checkpoint, {path}, is from before." if path and Path(path).is_file() else ""
    return (
        f"step {step} must have a finite loss and gradient, got loss {value} and gradient norm "
        f"{norm} at learning rate {rate:.2e} (losses before: {before}). The first in the model "
        f"that is not finite: {culprit or 'none, the norm alone'}. Look at the learning rate and "
        f"its warm-up first, then at this step's batch.{back}"
    )
