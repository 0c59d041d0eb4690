"""How the Triton kernels reach the tensors: which tile a program works on, and what it may see.

From Hopper on, the chip's copy engine moves whole tiles, told by a descriptor of the (B, H, T, D)
tensor which one; on older GPUs the threads compute the addresses and copy. Either way what lies
outside a tensor is read as zero and never written: no length has to be a multiple of a tile.
"""

import math

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.tools.tensor_descriptor import TensorDescriptor

INTERPRETED = triton.knobs.runtime.interpret  # asked when the kernels below are decorated
LOG2_E = tl.constexpr(math.log2(math.e))  # exp(x) = exp2(x log2(e)): the chip has exp2 alone


@triton.jit
def count_tiles(length, TILE: tl.constexpr):
    """Tiles that it takes to cover `length`, the last one perhaps in part."""
    return (length + TILE - 1) // TILE


@triton.jit
def locate(num_tiles, num_heads, heads_together):
    """The tile and the head, counted through the batch, of this program.

    Programs start roughly in order. Those of `heads_together` heads, whose keys and values fit in
    the L2 cache, come before those of the next heads, and tile 0 of them all comes first.
    """
    first = tl.program_id(0) // (num_tiles * heads_together) * heads_together
    number = tl.program_id(0) % (num_tiles * heads_together)
    together = min(heads_together, num_heads - first)
    return number // together, first + number % together


@triton.jit
def load_tile(tiles, batch, head, start, ROWS: tl.constexpr, HEAD_DIM: tl.constexpr):
    """Positions `start` and on of one head, (ROWS, HEAD_DIM); zero after the last one."""
    if not hasattr(tiles, "load"):
        addresses, inside = _addresses(tiles, batch, head, start, ROWS, HEAD_DIM)
        tile = tl.load(addresses, mask=inside, other=0.0)
    else:
        tile = tiles.load([batch, head, start, 0]).reshape(ROWS, HEAD_DIM)
    return tile


@triton.jit
def store_tile(tiles, batch, head, start, tile):
    """Write (ROWS, HEAD_DIM) in the dtype of the tensor, without what leads over its end."""
    ROWS: tl.constexpr = tile.shape[0]
    HEAD_DIM: tl.constexpr = tile.shape[1]
    if not hasattr(tiles, "load"):
        addresses, inside = _addresses(tiles, batch, head, start, ROWS, HEAD_DIM)
        tl.store(addresses, tile.to(addresses.dtype.element_ty), mask=inside)
    else:
        tile = tile.to(tiles.dtype).reshape(1, 1, ROWS, HEAD_DIM)
        tiles.store([batch, head, start, 0], tile)


@triton.jit
def _addresses(tiles, batch, head, start, ROWS: tl.constexpr, HEAD_DIM: tl.constexpr):
    tensor, batch_step, head_step, step, T = tiles
    first = tensor + batch.to(tl.int64) * batch_step + head.to(tl.int64) * head_step
    positions = start + tl.arange(0, ROWS)[:, None]
    inside = positions < T
    return first + positions.to(tl.int64) * step + tl.arange(0, HEAD_DIM)[None, :], inside


@triton.jit
def load_rows(numbers, start, T_q, outside, TILE_Q: tl.constexpr):
    """One number for each query of a tile."""
    rows = start + tl.arange(0, TILE_Q)
    return tl.load(numbers + rows, mask=rows < T_q, other=outside)


@triton.jit
def count_keys(key_lengths, batch, T_k):
    """How many keys this sentence has."""
    num_keys = T_k
    if key_lengths is not None:
        num_keys = min(max(tl.load(key_lengths + batch).to(tl.int32), 0), T_k)
    return num_keys


@triton.jit
def visible_keys(
    first, num_keys, T_q, T_k,
    IS_CAUSAL: tl.constexpr, TILE_Q: tl.constexpr, TILE_K: tl.constexpr,
):  # fmt: skip
    """What a tile of queries sees: row i the keys before limits[i].

    Every row sees all of the tiles of keys before `unmasked`, and none sees a key from `end` on.
    """
    limits = tl.full([TILE_Q], num_keys, tl.int32)
    everyone, end = num_keys, num_keys
    if IS_CAUSAL:
        after = first + T_k - T_q  # one past the key at which row 0 of the tile stands is after + 1
        limits = tl.minimum(limits, after + 1 + tl.arange(0, TILE_Q))
        everyone = min(num_keys, max(after + 1, 0))
        end = min(num_keys, max(after + TILE_Q, 0))
    return limits, everyone // TILE_K * TILE_K, end


def describe(tensor: Tensor, rows: int) -> TensorDescriptor | tuple[Tensor | int, ...]:
    """A tensor (B, H, T, D) as tiles of `rows` positions of one head, for `load_tile`."""
    if has_copy_engine(tensor.device):
        return TensorDescriptor.from_tensor(tensor, [1, 1, rows, tensor.shape[-1]])
    return (tensor, *tensor.stride()[:3], tensor.shape[2])


def has_copy_engine(device: torch.device) -> bool:
    """Whether tiles are moved by descriptor; the interpreter acts as if they were."""
    return INTERPRETED or torch.cuda.get_device_capability(device) >= (9, 0)


def tileable(tensor: Tensor) -> Tensor:
    """`tensor`, copied only if the copy engine cannot read it as it lies.

    It wants 16-byte steps between positions, heads and sentences, and D in one piece; a projection
    seen as (B, T, H, D) and transposed has them.
    """
    *steps, last = tensor.stride()
    size = tensor.element_size()
    steps_fit = all(step > 0 and step * size % 16 == 0 for step in steps)
    if last == 1 and steps_fit and tensor.data_ptr() % 16 == 0:
        return tensor
    return tensor.clone(memory_format=torch.contiguous_format)
