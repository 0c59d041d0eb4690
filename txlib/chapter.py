"""How a chapter begins: the device and the seed of all that follows."""

import torch

from txlib.device import describe_device, pick_device, seed_everything


def start_chapter(seed: int = 0) -> torch.device:
    """Pick the device, start the random numbers, and tell the reader what was found.

    It prints one line, such as `Device: NVIDIA H200, 140 GiB`: a chapter does more on a GPU than
    on a CPU where that is worth it, and its first lines say what.

    Args:
        seed: where the random numbers of Python and of torch start.

    Returns:
        The best device that there is, or the one that the environment variable `TXLIB_DEVICE` asks
        for; see `pick_device`.

    Raises:
        ValueError: if `seed` is negative or does not fit in 63 bits, or this machine has no device
            of the kind asked for.
    """
    device = pick_device()
    seed_everything(seed)
    print(f"Device: {describe_device(device)}")
    return device
