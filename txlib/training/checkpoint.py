"""Checkpoints: one safetensors file, tensors by name and all else as JSON in its header.

One file means one rename: parameters, optimizer and step cannot be of different ages. Nothing in
such a file can run code when it is read.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from txlib.atomic import write_atomically
from txlib.checks import shown
from txlib.json_text import parse_object
from txlib.training.optimizer_state import flatten_optimizer, restore_optimizer

KEY = "txlib.checkpoint"
GROUPS = ("model", "optimizer", "generators")


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """What a file held, on the CPU.

    Args:
        path: where it was read.
        step: training steps done.
        model: parameters and buffers by name.
        optimizer: the optimizer's tensors by `"<parameter>.<name>"`; empty if none was saved.
        optimizer_facts: the rest of the optimizer's state; None if none was saved.
        generators: states of random numbers, uint8, by the names they were saved under.
        details: what the caller saved along, such as settings and history.
    """

    path: Path
    step: int
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    optimizer_facts: dict[str, Any] | None
    generators: dict[str, Tensor]
    details: dict[str, Any]

    def restore(self, model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
        """Load the parameters into `model`, and the state into `optimizer` if one is given.

        Raises:
            ValueError: if a key is missing or left over, or a shape or number format differs; the
                model and the optimizer are then unchanged.
        """
        _check_fit(self.path, self.model, model.state_dict())
        if optimizer is not None:
            if self.optimizer_facts is None:
                raise ValueError(f"{self.path} must hold an optimizer's state, got a model alone")
            try:
                restore_optimizer(optimizer, self.optimizer, self.optimizer_facts)
            except ValueError as error:
                raise ValueError(f"{self.path}: the optimizer does not fit: {error}") from error
        model.load_state_dict(self.model)


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    step: int = 0,
    generators: dict[str, Tensor] | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write a checkpoint; whatever happens meanwhile, `path` holds the old one or the new one.

    Args:
        path: the file, by custom `*.safetensors`; its folder is made if need be.
        model: parameters and buffers are saved.
        optimizer: saved if given.
        step: training steps done, at least 0.
        generators: states of random numbers, by name.
        details: anything JSON can hold.

    Raises:
        ValueError: if `details` or the optimizer's settings are not what JSON can hold.
        OSError: if the file cannot be written; the old one stays.
    """
    tensors, facts = ({}, None) if optimizer is None else flatten_optimizer(optimizer)
    named = zip(GROUPS, (model.state_dict(), tensors, generators or {}), strict=True)
    flat = {
        f"{group}.{name}": tensor.detach().cpu().contiguous().clone()  # tied weights: one copy each
        for group, members in named
        for name, tensor in members.items()
    }
    header = {
        "step": step,
        "optimizer": facts,
        "details": details or {},
        "versions": {"torch": torch.__version__},
    }
    try:
        text = json.dumps(header)
    except TypeError as error:
        raise ValueError(f"details must be what JSON can hold, got {error}") from error
    write_atomically(path, save(flat, metadata={KEY: text}))


def load_checkpoint(path: str | Path) -> Checkpoint:
    """Read a checkpoint onto the CPU.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is truncated or not a checkpoint of `save_checkpoint`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no checkpoint at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            flat = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, RuntimeError, OverflowError, TypeError) as error:
        raise ValueError(
            f"{path} must be a whole safetensors file, got one that is truncated or something "
            f"else ({error}). What to do: delete it, or put a good copy in its place"
        ) from error
    header = _read_header(path, metadata)
    groups: dict[str, dict[str, Tensor]] = {group: {} for group in GROUPS}
    for name, tensor in flat.items():
        group, _, rest = name.partition(".")
        if group not in groups or not rest:
            raise ValueError(f"{path}: every key must begin with one of {GROUPS}, got {name!r}")
        groups[group][rest] = tensor
    return Checkpoint(
        path=path,
        step=header["step"],
        model=groups["model"],
        optimizer=groups["optimizer"],
        optimizer_facts=header["optimizer"],
        generators=groups["generators"],
        details=header["details"],
    )


def _read_header(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    if KEY not in metadata:
        raise ValueError(f"{path} must be a checkpoint of this library, got no {KEY!r} in it")
    header = parse_object(metadata[KEY], f"{path}: the header")
    kinds = {"step": int, "optimizer": dict | None, "details": dict}
    wrong = sorted(
        key for key, kind in kinds.items() if key not in header or not isinstance(header[key], kind)
    )
    if wrong or isinstance(header["step"], bool) or header["step"] < 0:
        raise ValueError(
            f"{path}: the header must hold {sorted(kinds)}, each of its kind, got {shown(header)}"
        )
    return header


def _check_fit(path: Path, saved: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    for word, keys in (("lacks", wanted.keys() - saved), ("has, unasked,", saved.keys() - wanted)):
        if keys:
            raise ValueError(f"{path} must hold the model's own keys, but {word} {sorted(keys)}")
    for key, tensor in wanted.items():
        if saved[key].shape != tensor.shape:
            raise ValueError(
                f"{path}: {key!r} must have the model's shape {tuple(tensor.shape)}, "
                f"got {tuple(saved[key].shape)}"
            )
        if saved[key].dtype != tensor.dtype:
            raise ValueError(
                f"{path}: {key!r} must be {tensor.dtype} as in the model, got {saved[key].dtype}"
            )
