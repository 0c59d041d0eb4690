"""The state of the random numbers, so that dropout goes on where it stopped."""

import torch
from torch import Tensor


def generator_states(device: torch.device) -> dict[str, Tensor]:
    """The states of the generators that work on `device` may draw from: its own and the CPU's.

    Returns:
        uint8 tensors on the CPU by the kind of device, such as `{"cpu": ..., "cuda": ...}`.
    """
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_generator_states(states: dict[str, Tensor], device: torch.device) -> None:
    """Put back what `generator_states` gave; a state of another kind of device is left aside.

    Raises:
        ValueError: if a state is not one that torch can take.
    """
    setters = {
        "cpu": torch.set_rng_state,
        "cuda": lambda state: torch.cuda.set_rng_state(state, device),
        "mps": torch.mps.set_rng_state,
    }
    for kind, state in states.items():
        if kind not in {"cpu", device.type}:
            continue
        if state.ndim != 1:
            raise ValueError(f"states[{kind!r}] must have one axis, got {tuple(state.shape)}")
        try:
            setters[kind](state)
        except (RuntimeError, TypeError) as error:
            raise ValueError(f"states[{kind!r}] must be a generator's state, got {error}") from None
