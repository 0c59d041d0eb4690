"""Several processes, one training run: what `torchrun` starts, and what one process does alone.

Every function also works in a single process, where it costs nothing, so a recipe is written once.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
import torch.distributed as dist
from torch import Tensor, nn


@contextmanager
def process_group(device: torch.device) -> Iterator[torch.device]:
    """Join the other processes of `torchrun` while the block lasts; without torchrun, do nothing.

    Args:
        device: what the run works on. Processes on GPUs talk by nccl, others by gloo.

    Yields:
        This process's own device: with GPUs, the one of its local rank.
    """
    if "LOCAL_RANK" not in os.environ:  # torchrun's mark
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """This process's number, from 0; 0 when it is alone. Rank 0 alone writes files."""
    return dist.get_rank() if _joined() else 0


def world_size() -> int:
    """How many processes share the run."""
    return dist.get_world_size() if _joined() else 1


def wait_for_all() -> None:
    """Go on only when every process has come this far."""
    if _joined():
        dist.barrier()


def total(values: list[float], device: torch.device) -> list[float]:
    """Each number summed over the processes, the same on all of them.

    Args:
        values: as many on every process.
        device: the run's device, through which the processes talk.
    """
    if not _joined():
        return values
    summed = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(summed)
    return summed.tolist()


def gather(values: Tensor, device: torch.device) -> list[Tensor]:
    """Every process's `values`, by rank, on the CPU.

    Args:
        values: of one shape and dtype on all processes, on the CPU.
        device: the run's device, through which the processes talk.
    """
    if not _joined():
        return [values]
    local = values.to(device)
    copies = [torch.empty_like(local) for _ in range(world_size())]
    dist.all_gather(copies, local)
    return [copy.cpu() for copy in copies]


def replicate(model: nn.Module, device: torch.device) -> nn.Module:
    """The model to call in training: one whose gradients are averaged over the processes.

    All start from rank 0's parameters. Alone, it is `model` itself.
    """
    if not _joined():
        return model
    return nn.parallel.DistributedDataParallel(
        model, device_ids=[device.index] if device.type == "cuda" else None
    )


def exchanging(replica: nn.Module, exchange: bool) -> AbstractContextManager[None]:
    """A block whose backward passes average the gradients over the processes, or only collect them.

    Args:
        replica: of `replicate`.
        exchange: False in all but the last of several backward passes for one update: the last
            then averages what all of them collected.
    """
    if exchange or not isinstance(replica, nn.parallel.DistributedDataParallel):
        return nullcontext()
    return replica.no_sync()


def _joined() -> bool:
    return dist.is_available() and dist.is_initialized()
