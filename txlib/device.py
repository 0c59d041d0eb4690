"""Where the numbers live: the device and the number format, chosen once, and the seed."""

import os
import random

import torch

from txlib.checks import check_whole, shown


def pick_device(name: str | None = None) -> torch.device:
    """The device to work on: the one asked for, else the best that this machine has.

    Args:
        name: such as `"cpu"`, `"cuda"`, `"cuda:1"`, `"mps"`. Without it, the environment variable
            `TXLIB_DEVICE` decides; without that, the first of cuda, mps, cpu that is there.

    Raises:
        ValueError: if `name` is no device, or this machine has none of that kind.

    Example:
        >>> pick_device("cpu")
        device(type='cpu')
    """
    if name is not None and not isinstance(name, (str, torch.device)):
        raise ValueError(f"name must be a device such as 'cpu' or 'cuda', got {shown(name)}")
    asked = name or os.environ.get("TXLIB_DEVICE")
    if not asked:
        found = (kind for kind in ("cuda", "mps", "cpu") if _is_available(kind))
        return torch.device(next(found))
    try:
        device = torch.device(asked)
    except (RuntimeError, UnicodeError):
        raise ValueError(f"name must be a device such as 'cpu' or 'cuda', got {asked!r}") from None
    if not _is_available(device.type):
        raise ValueError(f"name must be a device that this machine has, got {asked!r}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"name must be one of {torch.cuda.device_count()} GPUs, got {asked!r}")
    return device


def _is_available(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return kind == "cpu"


def pick_dtype(device: torch.device) -> torch.dtype:
    """The format for matrix products in training: the quickest that `device` is made for.

    On a GPU bfloat16, which reaches as far as float32, or, where it has none (before compute
    capability 8.0, such as a T4), float16: the small gradients then vanish unless the loss is
    scaled up first. float32 elsewhere, and on GPUs without tensor cores (before 7.0).
    """
    _check_device(device)
    if device.type != "cuda":
        return torch.float32
    capability = torch.cuda.get_device_capability(device)
    if capability >= (8, 0):
        return torch.bfloat16
    return torch.float16 if capability >= (7, 0) else torch.float32


def _check_device(device: object) -> None:
    if not isinstance(device, torch.device):
        raise ValueError(f"device must be a torch.device, got {shown(device)}")


def describe_device(device: torch.device) -> str:
    """One line for a reader, such as `"CPU, 2 threads"` or `"NVIDIA H200, 140 GiB"`.

    Raises:
        ValueError: if `device` is no `torch.device`.
    """
    _check_device(device)
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    if device.type == "mps":
        return "Apple GPU (MPS)"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' if threads > 1 else ''}"


def seed_everything(seed: int) -> None:
    """Start the random numbers of Python and of torch, on every device, from `seed`.

    Raises:
        ValueError: if `seed` is negative or does not fit in 63 bits.
    """
    check_whole("seed", seed)
    if not 0 <= seed < 2**63:
        raise ValueError(f"seed must be in 0 ... 2**63 - 1, got {seed}")
    random.seed(int(seed))
    torch.manual_seed(int(seed))
