"""The Triton kernels beside PyTorch's own, each pinned by name: time, TFLOP/s, ratio and error.

Products alone are counted: 4 B H T^2 D floating-point operations forward, of which a causal mask
leaves half, and 2.5 times as many backward (five products against two). That the Triton backward
multiplies seven times is its own affair: it gets no credit for work that the others do not need.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from txlib.attention import scaled_dot_product_attention
from txlib.attention.flash_triton import flash_attention, why_not
from txlib.recipes.gpu_stopwatch import take_turns

OURS, FLASH, CUDNN = "Triton", "SDPA flash", "SDPA cuDNN"
BACKWARD = 2.5  # operations over those of the forward pass
Attend = Callable[..., Tensor]


def triton_attention(query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool) -> Tensor:
    """`flash_attention`, which fails here where it would warn and compute otherwise.

    Raises:
        RuntimeError: with the reason.
    """
    reason = why_not(query, key, value)
    if reason is not None:
        raise RuntimeError(reason)
    return flash_attention(query, key, value, is_causal=is_causal)


def pinned_attention(
    backend: SDPBackend, query: Tensor, key: Tensor, value: Tensor, *, is_causal: bool
) -> Tensor:
    """PyTorch's function by one kernel; it raises a RuntimeError where that cannot run."""
    with sdpa_kernel(backend):
        return F.scaled_dot_product_attention(query, key, value, is_causal=is_causal)


WAYS: dict[str, Attend] = {
    OURS: triton_attention,
    FLASH: partial(pinned_attention, SDPBackend.FLASH_ATTENTION),
    CUDNN: partial(pinned_attention, SDPBackend.CUDNN_ATTENTION),
}


def measure_kernels(
    device: torch.device,
    dtype: torch.dtype,
    *,
    tokens: int,
    width: int,
    lengths: Sequence[int],
    head_dims: Sequence[int],
    repeats: int,
    at_once: float,
    ways: Mapping[str, Attend] = WAYS,
) -> list[dict[str, Any]]:
    """A row for each head_dim, mask, length and pass.

    Args:
        device: where.
        dtype: of query, key and value.
        tokens: B * T of every row.
        width: H * D of every row.
        lengths: T, divisors of `tokens`.
        head_dims: D, divisors of `width`.
        repeats: rounds of each comparison.
        at_once: milliseconds that one measurement lasts at least.
        ways: what is compared, by name.
    """
    rows = []
    for head_dim in head_dims:
        for is_causal in (False, True):
            for length in lengths:
                size = tokens // length, width // head_dim, length, head_dim
                rows += _measure(size, is_causal, device, dtype, repeats, at_once, ways)
    return rows


def flop(size: tuple[int, int, int, int], is_causal: bool) -> float:
    """Floating-point operations of the products of a forward pass on (B, H, T, D)."""
    B, H, T, D = size
    return 4 * B * H * T**2 * D * (0.5 if is_causal else 1)


def _measure(
    size: tuple[int, int, int, int],
    is_causal: bool,
    device: torch.device,
    dtype: torch.dtype,
    repeats: int,
    at_once: float,
    ways: Mapping[str, Attend],
) -> list[dict[str, Any]]:
    generator = torch.Generator(device).manual_seed(0)
    *leaves, direction = (
        torch.randn(size, device=device, generator=generator).to(dtype) for _ in range(4)
    )
    leaves = [leaf.requires_grad_() for leaf in leaves]
    forward = {way: partial(attend, *leaves, is_causal=is_causal) for way, attend in ways.items()}
    passes = {
        "forward": (1.0, forward),
        "backward": (BACKWARD, {n: _backward(f, leaves, direction) for n, f in forward.items()}),
        "forward + backward": (
            1 + BACKWARD,
            {n: partial(_both_passes, f, leaves, direction) for n, f in forward.items()},
        ),
    }
    exact = _one_head(scaled_dot_product_attention, leaves, direction, is_causal, torch.float32)
    rows = []
    for name, (share, calls) in passes.items():
        turns = take_turns(calls, device, repeats=repeats, at_once=at_once)
        operations = flop(size, is_causal) * share
        rows.append(
            {
                "pass": name,
                **dict(zip(("batch", "heads", "length", "head_dim"), size, strict=True)),
                "is_causal": is_causal,
                "flop": operations,
                **turns.beside(OURS),
            }
        )
        times = rows[-1]["milliseconds"]
        rows[-1]["tflops"] = {way: operations / time / 1e9 for way, time in times.items()}
    for way in rows[-1]["milliseconds"]:
        mine = _one_head(ways[way], leaves, direction, is_causal, dtype)
        errors = [(a - b).abs().max().item() for a, b in zip(mine, exact, strict=True)]
        for row, error in zip(rows, (errors[0], max(errors[1:]), max(errors)), strict=True):
            row.setdefault("largest_error", {})[way] = error
    return rows


def _both_passes(
    forward: Callable[[], Tensor], leaves: list[Tensor], direction: Tensor
) -> tuple[Tensor, ...]:
    return torch.autograd.grad(forward(), leaves, direction)


def _backward(
    forward: Callable[[], Tensor], leaves: list[Tensor], direction: Tensor
) -> Callable[[], tuple[Tensor, ...]]:
    """The backward pass alone: the forward one runs in the first call, which is not counted."""
    context = []

    def call() -> tuple[Tensor, ...]:
        if not context:
            context.append(forward())
        return torch.autograd.grad(context[0], leaves, direction, retain_graph=True)

    return call


def _one_head(
    attend: Attend, leaves: list[Tensor], direction: Tensor, is_causal: bool, dtype: torch.dtype
) -> list[Tensor]:
    """Context and gradients of the first head of the first sentence, as float32."""
    first = [leaf[:1, :1].detach().to(dtype).requires_grad_() for leaf in leaves]
    context = attend(*first, is_causal=is_causal)
    grads = torch.autograd.grad(context, first, direction[:1, :1].to(dtype))
    return [x.detach().float() for x in (context, *grads)]
