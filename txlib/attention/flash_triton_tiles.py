"""The sizes of FlashAttention's tiles on a GPU, and how one of several candidates is chosen.

Larger tiles read slow memory less often (section 3.2 of Dao et al. 2022: traffic falls with the
size of fast memory), until registers and shared memory run out. Smaller ones let two blocks share a
multiprocessor, so that one multiplies while the other takes exponentials. What fits is known
beforehand and stands in tables here, by generation of GPU and head_dim: next to nothing spills in
the loop without a mask. Which is quickest is not known, so that the largest GPUs try two or three
candidates the first time a kind of call is seen. The others have one candidate and never try.
"""

from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass
from functools import partial

import torch
import triton
from torch import Tensor
from triton.runtime.errors import OutOfResources

from txlib.attention.flash_triton_access import INTERPRETED

SHORT = 1024  # queries or keys; below, trying candidates costs more than the best one saves
TRIAL_MS = 20


@dataclass(frozen=True)
class Tiles:
    """How one kernel is cut.

    Args:
        tile_q: queries in a tile, a power of two of at least 16.
        tile_k: keys in a tile, likewise.
        num_warps: groups of 32 threads that share a program.
        num_stages: tiles on their way from slow memory at once, counted with the one in use.
    """

    tile_q: int
    tile_k: int
    num_warps: int
    num_stages: int


TINY = Tiles(32, 16, 4, 1)  # the interpreter: unequal, and several even at 65 positions
# kernel: {head_dim: candidates, of which the first needs no trial}
LARGE = {  # capability 9 and 10: 227 KiB of shared memory
    "forward": {
        32: (Tiles(128, 128, 8, 3), Tiles(128, 64, 8, 3)),
        64: (Tiles(128, 64, 4, 3), Tiles(128, 64, 8, 3), Tiles(128, 128, 8, 3)),
        128: (Tiles(128, 64, 4, 2), Tiles(128, 128, 8, 3), Tiles(128, 64, 8, 4)),
    },
    "key_grad": {
        32: (Tiles(64, 128, 8, 3), Tiles(64, 64, 4, 3)),
        64: (Tiles(64, 64, 4, 3), Tiles(64, 128, 8, 3), Tiles(32, 64, 4, 3)),
        128: (Tiles(64, 128, 8, 3), Tiles(64, 64, 4, 2), Tiles(32, 128, 8, 3)),
    },
    "query_grad": {
        32: (Tiles(128, 64, 8, 3), Tiles(128, 128, 8, 3)),
        64: (Tiles(128, 64, 8, 3), Tiles(128, 64, 4, 3), Tiles(128, 128, 8, 3)),
        128: (Tiles(128, 64, 8, 3), Tiles(128, 128, 8, 2), Tiles(64, 64, 4, 2)),
    },
}
SMALL = {  # capability 8, and 12: 99 KiB at least
    "forward": {
        32: (Tiles(128, 64, 4, 3),),
        64: (Tiles(128, 64, 4, 3),),
        128: (Tiles(128, 64, 8, 2),),
    },
    "key_grad": {
        32: (Tiles(64, 64, 4, 2),),
        64: (Tiles(32, 128, 8, 2),),
        128: (Tiles(32, 64, 8, 2),),
    },
    "query_grad": {
        32: (Tiles(64, 64, 4, 2),),
        64: (Tiles(64, 64, 4, 2),),
        128: (Tiles(64, 64, 8, 2),),
    },
}

_CHOSEN: dict[tuple[Hashable, ...], Tiles] = {}


def candidates(kind: str, head_dim: int, device: torch.device) -> tuple[Tiles, ...]:
    """What is worth trying for a kernel on a device; the first needs no trial."""
    if INTERPRETED:
        return (TINY,)
    major, _ = torch.cuda.get_device_capability(device)
    return (LARGE if major in (9, 10) else SMALL)[kind][head_dim]


def choose(
    kind: str, query: Tensor, key: Tensor, is_causal: bool, launch: Callable[[Tiles], None]
) -> Tiles:
    """The quickest tiles for a kernel, tried once per kind of call, device and process.

    Args:
        kind: the kernel's name in the tables.
        query: (B, H, T_q, D), on the device of the launch.
        key: (B, H_kv, T_k, D).
        is_causal: of the call.
        launch: runs the kernel as often as it is asked to, with the same result.
    """
    *_, T_q, head_dim = query.shape
    offered = candidates(kind, head_dim, query.device)
    longest = min(T_q, key.shape[-2]).bit_length()
    call = (kind, query.device, query.dtype, head_dim, is_causal, longest)
    if len(offered) == 1 or min(T_q, key.shape[-2]) < SHORT:
        return offered[0]
    if call not in _CHOSEN:
        if torch.cuda.is_current_stream_capturing():  # a trial cannot be part of a CUDA graph
            return offered[0]
        _CHOSEN[call] = min(offered, key=lambda tiles: _milliseconds(partial(launch, tiles)))
    return _CHOSEN[call]


def tried() -> list[dict[str, object]]:
    """What `choose` has found by trial in this process: a call's kind, and its tiles."""
    names = ("kernel", "device", "dtype", "head_dim", "is_causal", "length_bits")
    return [
        dict(zip(names, map(_plain, call), strict=True)) | asdict(tiles)
        for call, tiles in _CHOSEN.items()
    ]


def heads_in_cache(key: Tensor, value: Tensor) -> int:
    """How many heads of keys and values fit in half of the L2 cache together, at least 1."""
    if INTERPRETED:
        return 1
    cache = torch.cuda.get_device_properties(key.device).L2_cache_size
    head = sum(x.shape[-2] * x.shape[-1] * x.element_size() for x in (key, value))
    return max(cache // 2 // head, 1)


def _plain(value: object) -> object:
    return value if isinstance(value, str | int) else str(value)


def _milliseconds(run: Callable[[], None]) -> float:
    try:
        return triton.testing.do_bench(run, warmup=TRIAL_MS, rep=TRIAL_MS, return_mode="median")
    except OutOfResources:  # a GPU of this generation with less shared memory
        return float("inf")
