"""FlashAttention on a GPU, forward and backward, as Triton kernels: Dao 2023 (FlashAttention-2).

The algorithm of `txlib.attention.tiled` in the language of the chip; chapter 8 reads the forward
kernel line by line. Importing this module needs no Triton; calling it where the kernels cannot run
warns, and computes the same by `fused_attention`.

What limits the kernels on a Hopper GPU, as their machine code tells: a block that has asked for
scores waits for them, then takes exponentials while its tensor cores stand still, and at head_dim
64 a tile's exponentials take as long as its products. Where registers and shared memory admit two
blocks on a multiprocessor, one fills the other's gaps by chance. FlashAttention-3 and cuDNN plan
it: warps of their own load, and two groups of warps take turns. Triton 3.7 does not do that there
(its `warp_specialize` fails on this loop). Backward, there are seven products instead of five, and
two accumulators leave few registers.
"""

import warnings
from functools import cache
from math import sqrt
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from txlib.attention.scaled_dot_product import check_shapes, fused_attention
from txlib.checks import check_tensor
from txlib.tensor_checks import check_look

HEAD_DIMS = (32, 64, 128)


def flash_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    key_lengths: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    r"""`scaled_dot_product_attention` in tiles that never leave the chip.

    Forms no T_q x T_k tensor: beside the context, the forward pass keeps one float per query and
    head, and the backward pass makes the weights anew from it. Values and gradients are those of
    `tiled_attention`, to rounding. The gradients cannot be differentiated once more.

    Source: Dao et al. 2022, algorithm 1; Dao 2023, algorithms 1 and 2; chapter 8.

    Args:
        query: (B, H, T_q, D), float16 or bfloat16, D 32, 64 or 128.
        key: (B, H_kv, T_k, D), H a multiple of H_kv: neighbouring heads of queries share one.
        value: (B, H_kv, T_k, D).
        key_lengths: integers (B,), 0 to T_k: of sentence b, keys from `key_lengths[b]` on may not
            be attended to. All may if None. Checked where they lie on the CPU; on a GPU reading
            them would wait, and what is out of range counts as the nearest that is not.
        is_causal: hide the future too, aligned lower-right: see `causal_mask`.
        scale: what the dot products are multiplied by; $1/\sqrt{D}$ if None.

    Returns:
        Context (B, H, T_q, D); zero for a query that may attend to nothing.

    Raises:
        ValueError: if shapes do not agree, or `key_lengths` is not (B,) of integers from 0 to T_k.

    Warns:
        UserWarning: if the kernels cannot take this call, with the reason; see `why_not`.
    """
    _check(query, key, value, key_lengths)
    check_look(is_causal, scale)
    if key_lengths is not None:
        key_lengths = key_lengths.to(query.device).contiguous()
    scale = 1 / sqrt(query.shape[-1]) if scale is None else float(scale)
    reason = why_not(query, key, value, scale=scale)
    if reason is None:
        return _FlashAttention.apply(query, key, value, key_lengths, is_causal, scale)
    warnings.warn(f"fused_attention runs in place of the Triton kernels: {reason}", stacklevel=2)
    mask = None
    if key_lengths is not None:
        mask = torch.arange(key.shape[-2], device=key.device) < key_lengths[:, None, None, None]
    return fused_attention(query, key, value, mask, is_causal=is_causal, scale=scale)


def why_not(query: Tensor, key: Tensor, value: Tensor, *, scale: float = 1.0) -> str | None:
    """Why the kernels cannot take this call, in words; None if they can."""
    interpreted = _interpreted()
    if interpreted is None:
        return "Triton 3.4 or newer is not installed"
    tensors = (query, key, value)
    devices, dtypes = ({str(getattr(x, of)) for x in tensors} for of in ("device", "dtype"))
    head_dims = {x.shape[-1] for x in (query, key, value)}
    if len(devices | dtypes) > 2:
        return f"the tensors must share device and dtype, got {sorted(devices | dtypes)}"
    reason = _why_not_here(query.device, query.dtype, interpreted)
    if reason is not None:
        return reason
    if len(head_dims) > 1 or not head_dims <= set(HEAD_DIMS):
        return f"head_dim must be one of {HEAD_DIMS}, got {sorted(head_dims)}"
    if not (query.numel() and key.numel()):
        return f"there must be something to do, got {tuple(query.shape)} and {tuple(key.shape)}"
    return None if scale > 0 else f"scale must be above 0, got {scale}"


def _why_not_here(device: torch.device, dtype: torch.dtype, interpreted: bool) -> str | None:
    if interpreted:
        fits = dtype in (torch.float16, torch.float32)  # it computes bfloat16 products wrongly
        return None if fits else f"the interpreter takes float16 and float32, got {dtype}"
    if device.type != "cuda" or torch.version.cuda is None:
        return f"they run on an NVIDIA GPU, and the tensors are on {device}"
    capability = torch.cuda.get_device_capability(device)
    if capability < (8, 0):  # there Triton multiplies without tensor cores
        return f"the GPU must have compute capability 8.0 or more, got {capability}"
    fits = dtype in (torch.float16, torch.bfloat16)
    return None if fits else f"dtype must be float16 or bfloat16, got {dtype}"


class _FlashAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_lengths: Tensor | None,
        is_causal: bool,
        scale: float,
    ) -> Tensor:
        from txlib.attention.flash_triton_access import tileable
        from txlib.attention.flash_triton_forward import forward

        query, key, value = map(tileable, (query, key, value))
        ctx.options = {"is_causal": is_causal, "scale": scale}
        with torch.cuda.device_of(query):
            context, logsumexps = forward(query, key, value, key_lengths, **ctx.options)
        ctx.save_for_backward(query, key, value, key_lengths, context, logsumexps)
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, context_grad: Tensor) -> tuple[Tensor | None, ...]:
        from txlib.attention.flash_triton_access import tileable
        from txlib.attention.flash_triton_key_grad import key_grads
        from txlib.attention.flash_triton_query_grad import query_grads, row_deltas

        query, key, value, key_lengths, context, logsumexps = ctx.saved_tensors
        context_grad = tileable(context_grad)
        with torch.cuda.device_of(query):
            deltas = row_deltas(context, context_grad)
            known = (query, key, value, context_grad, logsumexps, deltas, key_lengths)
            query_grad = query_grads(*known, **ctx.options)
            key_grad, value_grad = key_grads(*known, **ctx.options)
        return query_grad, key_grad, value_grad, None, None, None


@cache
def _interpreted() -> bool | None:
    """Whether the kernels run in Triton's interpreter; None if there is no Triton."""
    try:
        from txlib.attention.flash_triton_access import INTERPRETED
    except ImportError:
        return None
    return INTERPRETED


def _check(query: Tensor, key: Tensor, value: Tensor, key_lengths: Tensor | None) -> None:
    for name, tensor in {"query": query, "key": key, "value": value}.items():
        check_tensor(name, tensor)
        if tensor.ndim != 4:
            raise ValueError(f"{name} must have shape (B, H, T, D), got {tuple(tensor.shape)}")
    check_shapes(query, key, value)
    if key_lengths is None:
        return
    check_tensor("key_lengths", key_lengths)
    if key_lengths.is_meta:
        raise ValueError(f"key_lengths must hold numbers, got a tensor on {key_lengths.device}")
    B, T_k = query.shape[0], key.shape[2]
    if key_lengths.shape != (B,):
        raise ValueError(
            f"key_lengths must have shape (B,) = ({B},), got {tuple(key_lengths.shape)}"
        )
    if key_lengths.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"key_lengths must be integers, got {key_lengths.dtype}")
    if key_lengths.device.type == "cpu" and not all(0 <= n <= T_k for n in key_lengths.tolist()):
        raise ValueError(f"key_lengths must be from 0 to T_k = {T_k}, got {key_lengths.tolist()}")
