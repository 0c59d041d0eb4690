"""What `fit` must be given, and what it must be given back while it runs."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from txlib.checks import check_callable, check_flag, check_number, check_whole, shown


def check_parts(model: Any, batches: Any, optimizer: Any, **functions: Any) -> None:
    """Refuse a model without parameters, batches without a stream, and what cannot be called.

    Raises:
        ValueError: with the rule, the argument and what was given.
    """
    if not isinstance(model, nn.Module) or next(model.parameters(), None) is None:
        raise ValueError(f"model must be a torch.nn.Module with parameters, got {shown(model)}")
    if not callable(getattr(batches, "stream", None)):
        raise ValueError(f"batches must have stream(start_step), got {shown(batches)}")
    if optimizer is not None and not isinstance(optimizer, torch.optim.Optimizer):
        raise ValueError(f"optimizer must be a torch.optim.Optimizer, got {shown(optimizer)}")
    for name, function in functions.items():
        if function is not None or name != "evaluate":
            check_callable(name, function)


def check_numbers(learning_rate: Any, max_gradient_norm: Any, **counts: Any) -> None:
    """Refuse rates below 0, norms that are not above 0, and counts below 1.

    Raises:
        ValueError: with the rule, the argument and what was given.
    """
    for name, count in counts.items():
        if count is not None or not name.endswith("_every"):
            check_whole(name, count, least=1)
    check_number("learning_rate", learning_rate)
    if not 0 <= learning_rate < math.inf:
        raise ValueError(f"learning_rate must be finite and at least 0, got {learning_rate}")
    check_number("max_gradient_norm", max_gradient_norm)
    if not max_gradient_norm > 0:
        raise ValueError(f"max_gradient_norm must be above 0, got {max_gradient_norm}")


def check_files(checkpoint: Any, best: Any, resume: Any, evaluate: Any, **every: Any) -> None:
    """Refuse what is no path, and settings that lack what they need.

    Raises:
        ValueError: with the rule, the argument and what was given.
    """
    check_flag("resume", resume)
    for name, path in (("checkpoint", checkpoint), ("best", best)):
        if path is not None and (not isinstance(path, str | Path) or not str(path)):
            raise ValueError(f"{name} must be a path or None, got {shown(path)}")
    if evaluate is None and (best or every["evaluate_every"]):
        raise ValueError("evaluate must be given with best and evaluate_every, got None")
    if checkpoint is None and (resume or every["checkpoint_every"]):
        raise ValueError("checkpoint must be given with resume and checkpoint_every, got None")


def as_json(details: Any) -> dict[str, Any]:
    """`details` as they read once they were written down.

    Raises:
        ValueError: if JSON cannot hold them, or they are no dictionary.
    """
    if details is not None and not isinstance(details, dict):
        raise ValueError(f"details must be a dictionary or None, got {shown(details)}")
    try:
        return json.loads(json.dumps(details or {}))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"details must be what JSON can hold, got {shown(details)}: {error}"
        ) from None


def rate_of(step: int, learning_rate: float, schedule: Callable[[int], float]) -> float:
    """The learning rate of a step, 0 first.

    Raises:
        ValueError: if the schedule gives no finite number of at least 0.
    """
    factor = schedule(step)
    check_number("schedule's factor", factor)
    if not 0 <= learning_rate * factor < math.inf:
        raise ValueError(f"schedule must give finite factors from 0 up, got {factor} at {step}")
    return float(learning_rate * factor)


def next_batches(stream: Iterator[Any], count: int) -> list[Any]:
    """The batches of one update.

    Raises:
        ValueError: if the stream has ended.
    """
    try:
        return [next(stream) for _ in range(count)]
    except StopIteration:
        raise ValueError("batches must have a stream without end, got one that has ended") from None


def check_results(results: Any) -> None:
    """Refuse an evaluation that does not name its numbers.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(results, Mapping):
        raise ValueError(f"evaluate must return numbers by name, got {shown(results)}")
