"""Take heads out of an attention module for a while, and put them back."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from txlib.attention.multi_head import MultiHeadAttention
from txlib.checks import check_whole, shown


@contextmanager
def silence_heads(attention: MultiHeadAttention, heads: Iterable[int]) -> Iterator[None]:
    """Within the block, the named heads contribute nothing to the output.

    Their contexts are zero before `out_proj`; the other heads, the weights that `capture_weights`
    reads and the parameters stay as they are. Blocks may be nested: what any of them names is
    silent. For ablation, and for pruning by score; chapter 5.

    Source: Michel et al. 2019, section 3.1, whose mask variables are zero for these heads.

    Args:
        attention: the module.
        heads: numbers of heads, each from 0 to num_heads - 1; none of them is allowed.

    Raises:
        ValueError: if a number is no head's.

    Example:
        >>> from txlib.attention import MultiHeadAttention
        >>> attention = MultiHeadAttention(d_model=8, num_heads=2)
        >>> x = torch.randn(1, 3, 8)
        >>> with silence_heads(attention, [0, 1]):  # with no head left, nothing is found
        ...     attention(x).abs().max().item()
        0.0
    """
    if not isinstance(attention, MultiHeadAttention):
        raise ValueError(f"attention must be a MultiHeadAttention, got {shown(attention)}")
    if isinstance(heads, str) or not isinstance(heads, Iterable):
        raise ValueError(f"heads must be numbers of heads, got {shown(heads)}")
    heads = list(heads)
    for head in heads:
        check_whole("heads", head)
        if not 0 <= head < attention.num_heads:
            raise ValueError(
                f"heads must lie from 0 to num_heads - 1 = {attention.num_heads - 1}, got {head}"
            )
    silent = torch.zeros(attention.num_heads, attention.head_dim, dtype=torch.bool)
    silent[heads] = True

    def hide(out_proj: nn.Module, arguments: tuple[Tensor]) -> Tensor:
        (context,) = arguments  # (B, T_q, H * D)
        return context.masked_fill(silent.flatten().to(context.device), 0.0)

    hook = attention.out_proj.register_forward_pre_hook(hide)
    try:
        yield
    finally:
        hook.remove()
