"""Stopping a run and going on with it, in one process or in several."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from txlib.training import distributed
from txlib.training.checkpoint import load_checkpoint, save_checkpoint
from txlib.training.history import History
from txlib.training.randomness import generator_states, set_generator_states


def save_run(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    details: dict[str, Any],
    history: History,
    device: torch.device,
    scaler: torch.amp.GradScaler,
) -> None:
    """Write the checkpoint that `restore_run` reads; rank 0 writes, with every rank's noise."""
    states = {
        f"{rank}.{kind}": copy
        for kind, state in generator_states(device).items()
        for rank, copy in enumerate(distributed.gather(state, device))
    }
    if distributed.rank() == 0:
        facts = {"run": details, "history": history.to_dict(), "scaler": scaler.state_dict()}
        save_checkpoint(path, model, optimizer, step=len(history), generators=states, details=facts)
    distributed.wait_for_all()  # nobody may look for the file before it is there


def is_there(path: Path, device: torch.device) -> bool:
    """Whether the file exists, for all processes alike.

    Raises:
        ValueError: if only some of them see it.
    """
    (seen,) = distributed.total([path.is_file()], device)
    if seen not in (0, distributed.world_size()):
        raise ValueError(f"checkpoint must be seen by all processes, {seen:.0f} see {path}")
    return seen > 0


def restore_run(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    details: dict[str, Any],
    device: torch.device,
    steps: int,
    scaler: torch.amp.GradScaler,
) -> History:
    """Load model, optimizer and random numbers as they stood after the file's last step.

    Args:
        path: written by `save_run`.
        model: gets the parameters.
        optimizer: over them, of the kind that was saved.
        details: what the run was saved with.
        device: where the model is.
        steps: how long the run shall be in all.
        scaler: gets the saved scale, unless either run has none: the formats may differ.

    Returns:
        The history up to that step.

    Raises:
        ValueError: if the file is of another run, or past `steps`.
    """
    saved = load_checkpoint(path)
    run = saved.details.get("run", {})
    changed = sorted(k for k in run.keys() | details if run.get(k) != details.get(k))
    if "history" not in saved.details:
        raise ValueError(f"{path} must be what a run goes on from, got a model without its history")
    if changed:
        pairs = {key: (run.get(key), details.get(key)) for key in changed}
        raise ValueError(f"{path} must be of the same run; (saved, asked for) differ in {pairs}")
    if saved.step > steps:
        raise ValueError(f"steps must be at least the {saved.step} of {path}, got {steps}")
    saved.restore(model, optimizer)
    if scaler.is_enabled() and saved.details.get("scaler"):
        scaler.load_state_dict(saved.details["scaler"])
    prefix = f"{distributed.rank()}."
    own = {k.removeprefix(prefix): v for k, v in saved.generators.items() if k.startswith(prefix)}
    set_generator_states(own, device)
    return History.from_dict(saved.details["history"])
