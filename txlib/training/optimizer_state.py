"""An optimizer's state as named tensors and plain facts, and back."""

from typing import Any

import torch
from torch import Tensor

from txlib.checks import shown

State = dict[int, dict[str, Any]]


def flatten_optimizer(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Split the state of any torch optimizer.

    Returns:
        The tensors by `"<parameter>.<name>"`, where parameters are numbered as in the optimizer's
        groups, and all the rest, which JSON can hold: `"groups"` and `"values"`.

    Raises:
        ValueError: if a group's setting is a tensor, such as a learning rate for a compiled step.
    """
    state = optimizer.state_dict()
    tensors, values = {}, {}
    for parameter, entries in state["state"].items():
        for name, value in entries.items():
            kept = tensors if isinstance(value, Tensor) else values
            kept[f"{parameter}.{name}"] = value
    for group in state["param_groups"]:
        for name, value in group.items():
            if isinstance(value, Tensor):
                raise ValueError(f"the optimizer's {name} must be a number, got a tensor")
    return tensors, {"groups": state["param_groups"], "values": values}


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor], facts: dict[str, Any]
) -> None:
    """Put back what `flatten_optimizer` gave, into an optimizer over the same parameters.

    Raises:
        ValueError: if groups, numbers, shapes or kinds differ from the optimizer's, which is then
            unchanged.
    """
    _check_facts(facts)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: State = {}
    for key, value in [*tensors.items(), *facts["values"].items()]:
        number, _, name = key.partition(".")
        if not number.isdigit() or int(number) >= len(parameters):
            raise ValueError(f"its parameters must be {len(parameters)}, got the key {key!r}")
        shape = parameters[int(number)].shape
        if isinstance(value, Tensor) and not _can_spread(value.shape, shape):
            raise ValueError(f"{key!r} must fit the shape {tuple(shape)}, got {tuple(value.shape)}")
        if isinstance(value, Tensor) and value.ndim and not value.is_floating_point():
            raise ValueError(f"{key!r} must be floating point, got {value.dtype}")
        state.setdefault(int(number), {})[name] = value
    current = optimizer.state_dict()["param_groups"]
    if len(facts["groups"]) != len(current):
        raise ValueError(f"its groups must be {len(current)}, got {len(facts['groups'])}")
    groups = [_fit_group(saved, own) for saved, own in zip(facts["groups"], current, strict=True)]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _check_facts(facts: dict[str, Any]) -> None:
    kinds = {"groups": list, "values": dict}
    if any(not isinstance(facts.get(name), kind) for name, kind in kinds.items()):
        raise ValueError(
            f"its facts must be a list 'groups' and a dict 'values', got {shown(facts)}"
        )


def _fit_group(saved: Any, own: dict[str, Any]) -> dict[str, Any]:
    """The saved settings, each of the kind of the optimizer's own; JSON made lists of its tuples.

    Settings that only one of them knows may come of another version of torch.
    """
    if not isinstance(saved, dict) or saved.get("params") != own["params"]:
        raise ValueError(f"its group must be of parameters {own['params']}, got {shown(saved)}")
    group = {}
    for name, value in saved.items():
        mine = own.get(name)
        if isinstance(mine, tuple) and isinstance(value, list) and len(value) == len(mine):
            value = tuple(value)
        members = [
            (value, mine),
            *(zip(value, mine, strict=True) if type(value) is type(mine) is tuple else ()),
        ]
        if name in own and not all(_is_alike(a, b) for a, b in members):
            raise ValueError(f"its {name} must be like {mine!r}, got {shown(value)}")
        group[name] = value
    return group


def _is_alike(value: Any, own: Any) -> bool:
    """Whether a setting may take the place of another: of one kind, or either is None."""
    kinds = [
        "number" if isinstance(v, int | float) and not isinstance(v, bool) else type(v).__name__
        for v in (value, own)
    ]
    return None in (value, own) or kinds[0] == kinds[1]


def _can_spread(shape: torch.Size, target: torch.Size) -> bool:
    """Whether a state of `shape` belongs to a parameter of shape `target`: equal, or by row."""
    if len(shape) > len(target):
        return False
    return all(a in (1, b) for a, b in zip(reversed(shape), reversed(target), strict=False))
