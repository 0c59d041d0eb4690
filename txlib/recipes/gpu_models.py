"""What the kernels come to in a module, on a GPU: memory, and the time of a training step."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from txlib.attention import (
    MultiHeadAttention,
    fused_attention,
    scaled_dot_product_attention,
)
from txlib.attention.tiled import tiled_attention
from txlib.interop import load_multi_head_attention
from txlib.recipes.gpu_kernels import triton_attention
from txlib.recipes.gpu_stopwatch import highest_memory, take_turns

VERSIONS = {
    "materialised": scaled_dot_product_attention,
    "tiled, plain PyTorch": tiled_attention,
    "SDPA": fused_attention,
    "Triton": triton_attention,
}


class BareAttention(nn.Module):
    """Four projections around PyTorch's function, causal: nothing that could be left out.

    Args:
        d_model: C, a multiple of `num_heads`.
        num_heads: H.
    """

    def __init__(self, d_model: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(d_model, d_model) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, T, C)."""
        query, key, value = (
            proj(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        context = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out_proj(context.transpose(1, 2).flatten(2))


def measure_versions(
    device: torch.device,
    dtype: torch.dtype,
    *,
    heads: int,
    head_dim: int,
    lengths: Sequence[int],
    repeats: int,
) -> list[dict[str, Any]]:
    """The book's versions of causal attention, forward and backward: milliseconds and memory."""
    rows = []
    for length in lengths:
        size = 1, heads, length, head_dim
        leaves = [torch.randn(size, device=device, dtype=dtype).requires_grad_() for _ in range(3)]

        def both_passes(attend: Callable[..., Tensor], leaves: list[Tensor] = leaves) -> None:
            torch.autograd.grad(attend(*leaves, is_causal=True).sum(), leaves)

        calls = {name: partial(both_passes, attend) for name, attend in VERSIONS.items()}
        turns = take_turns(calls, device, repeats=repeats)
        rows.append(
            {
                "length": length,
                "heads": heads,
                "head_dim": head_dim,
                "milliseconds": {name: turns.median(name) for name in turns.milliseconds},
                "bytes": {n: highest_memory(calls[n], device) for n in turns.milliseconds},
                "unavailable": turns.unavailable,
            }
        )
    return rows


def measure_training_step(
    device: torch.device,
    dtype: torch.dtype,
    *,
    d_model: int,
    num_heads: int,
    sizes: Sequence[tuple[int, int]],
    repeats: int,
    at_once: float,
) -> list[dict[str, Any]]:
    """A training step of `MultiHeadAttention` beside PyTorch's module and the bare function.

    Args:
        device: where.
        dtype: of weights and features.
        d_model: C.
        num_heads: H.
        sizes: batch and length of each row.
        repeats: rounds.
        at_once: milliseconds that one measurement lasts at least.
    """
    rows = []
    for batch, length in sizes:
        theirs = nn.MultiheadAttention(d_model, num_heads, batch_first=True)
        ours = MultiHeadAttention(d_model, num_heads, bias=True)
        load_multi_head_attention(ours, theirs)
        bare = BareAttention(d_model, num_heads)
        bare.load_state_dict(ours.state_dict())
        for module in (ours, theirs, bare):
            module.to(device, dtype)
        x = torch.randn(batch, length, d_model, device=device, dtype=dtype)
        hidden = torch.ones(length, length, dtype=torch.bool, device=device).triu(1)
        options = {"need_weights": False, "attn_mask": hidden, "is_causal": True}
        reads = {
            "txlib": (ours, partial(ours, x, is_causal=True)),
            "nn.MultiheadAttention": (theirs, lambda x=x, m=theirs, o=options: m(x, x, x, **o)[0]),
            "bare SDPA": (bare, partial(bare, x)),
        }
        calls = {name: _step(*read) for name, read in reads.items()}
        turns = take_turns(calls, device, repeats=repeats, at_once=at_once)
        rows.append({"batch": batch, "length": length, **turns.beside("txlib")})
    return rows


def _step(module: nn.Module, read: Callable[[], Tensor]) -> Callable[[], None]:
    """Forward, backward and Adam."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-6, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        read().sum().backward()
        optimizer.step()

    return step
