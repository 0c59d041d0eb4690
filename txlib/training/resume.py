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
        ValueError: if the file is damaged, of another run, or past `steps`.
    """
    saved = load_checkpoint(path)
    if "history" not in saved.details:
        raise ValueError(f"{path} must be what a run goes on from, got a model without its history")
    changed = differences(saved.details.get("run"), details)
    if changed:
        raise ValueError(f"{path} must be of the same run; (saved, asked for) differ in {changed}")
    if saved.step > steps:
        raise ValueError(f"steps must be at least the {saved.step} of {path}, got {steps}")
    prefix = f"{distributed.rank()}."
    own = {k.removeprefix(prefix): v for k, v in saved.generators.items() if k.startswith(prefix)}
    try:
        history = History.from_dict(saved.details["history"])
        if len(history) != saved.step:
            raise ValueError(f"step must be that of its history, {len(history)}, got {saved.step}")
        set_generator_states(own, device)
        if scaler.is_enabled() and saved.details.get("scaler"):
            scaler.load_state_dict(saved.details["scaler"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not whole: {error}") from error
    saved.restore(model, optimizer)
    return history


def differences(saved: Any, asked: Any, name: str = "") -> dict[str, tuple[Any, Any]]:
    """Where two trees of settings differ: both values, by the names on the way, joined by dots.

    Args:
        saved: dicts of dicts, as deep as may be; any other value is compared as a whole.
        asked: likewise.
        name: of the tree itself.
    """
    if isinstance(saved, dict) and isinstance(asked, dict):
        begin = f"{name}." if name else ""
        return {
            path: pair
            for key in sorted(saved.keys() | asked.keys())
            for path, pair in differences(saved.get(key), asked.get(key), f"{begin}{key}").items()
        }
    return {} if saved == asked else {name: (saved, asked)}
