"""Scaled dot-product attention, readable and fused: Vaswani et al. 2017, section 3.2.1."""

import math

from torch import Tensor
from torch.nn import functional as F

from txlib.attention.masked_softmax import check_mask, masked_softmax
from txlib.attention.masks import causal_mask


def attention_weights(
    query: Tensor,
    key: Tensor,
    mask: Tensor | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    r"""How much each query draws from each key: $\mathrm{softmax}(QK^\top / \sqrt{d_k})$.

    Source: Vaswani et al. 2017, equation 1, whose $d_k$ is D here; chapter 3.

    Args:
        query: (..., T_q, D).
        key: (..., T_k, D).
        mask: bool, broadcastable to (..., T_q, T_k). True = may attend.
        is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.
        scale: what the dot products are multiplied by; $1/\sqrt{D}$ if None.

    Returns:
        (..., T_q, T_k). Each row sums to 1, or is all zero where no key is allowed.

    Raises:
        ValueError: if shapes do not agree, or `mask` is not bool or does not broadcast.
    """
    check_shapes(query, key)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    scores = (query * scale) @ key.mT  # (..., T_q, T_k); scaled first: float16 ends at 65504
    return masked_softmax(scores, _join(mask, is_causal, query, key))


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    r"""The values, averaged for each query: $\mathrm{softmax}(QK^\top / \sqrt{d_k})\,V$.

    The readable path: it forms all T_q * T_k weights. Models run `fused_attention`, which does not.
    Source: Vaswani et al. 2017, equation 1; chapter 3.

    Args:
        query: (..., T_q, D).
        key: (..., T_k, D).
        value: (..., T_k, D_v).
        mask: bool, broadcastable to (..., T_q, T_k). True = may attend.
        is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.
        scale: what the dot products are multiplied by; $1/\sqrt{D}$ if None.

    Returns:
        Context (..., T_q, D_v); zero for a query that may attend to nothing.

    Raises:
        ValueError: if shapes do not agree, or `mask` is not bool or does not broadcast.
    """
    check_shapes(query, key, value)
    return attention_weights(query, key, mask, is_causal=is_causal, scale=scale) @ value


def fused_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    *,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """`scaled_dot_product_attention` by PyTorch's kernels; values and gradients are the same.

    PyTorch picks a kernel. Those that never form the weights want, on a CPU, D_v = D. Its own
    function differs from this one: `is_causal` is aligned upper-left there and takes no mask
    beside it, and what a fully masked row gives depends on the version.

    Arguments, result and errors are those of `scaled_dot_product_attention`.
    """
    check_shapes(query, key, value)
    square = is_causal and mask is None and query.shape[-2] == key.shape[-2]
    mask = None if square else _join(mask, is_causal, query, key)
    if mask is None:
        return _run_kernel(query, key, value, None, is_causal=square, scale=scale)
    blind = ~mask.any(dim=-1, keepdim=True)  # (..., T_q, 1): what they see is undone below
    context = _run_kernel(query, key, value, mask | blind, is_causal=False, scale=scale)
    return context.masked_fill(blind, 0.0)


def check_shapes(query: Tensor, key: Tensor, value: Tensor | None = None) -> None:
    """Refuse what does not fit together, before a product broadcasts it.

    Raises:
        ValueError: with the rule and what was given.
    """
    named = {"query": query, "key": key} | ({} if value is None else {"value": value})
    for name, tensor in named.items():
        if tensor.ndim < 2:
            raise ValueError(f"{name} must have shape (..., T, D), got {tuple(tensor.shape)}")
        if tensor.shape[:-2] != query.shape[:-2]:
            raise ValueError(
                f"query and {name} must share the dimensions before T, "
                f"got {tuple(query.shape)} and {tuple(tensor.shape)}"
            )
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"query and key must share D, got {query.shape[-1]} and {key.shape[-1]}")
    if value is not None and key.shape[-2] != value.shape[-2]:
        raise ValueError(f"key and value must share T_k, got {key.shape[-2]} and {value.shape[-2]}")


def _join(mask: Tensor | None, is_causal: bool, query: Tensor, key: Tensor) -> Tensor | None:
    """The mask and the causal one, whichever are asked for, as one."""
    T_q, T_k = query.shape[-2], key.shape[-2]
    if mask is not None:
        check_mask(mask, (*query.shape[:-2], T_q, T_k))
    if not is_causal or T_q == 1:  # a single query stands at the last key: nothing lies ahead
        return mask
    causal = causal_mask(T_q, T_k, device=query.device)
    return causal if mask is None else mask & causal


def _run_kernel(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    *,
    is_causal: bool,
    scale: float | None,
) -> Tensor:
    """PyTorch's own function on four dimensions, without which it takes no fused kernel."""
    lifted = (x if x is None else x[(None,) * (4 - x.ndim)] for x in (query, key, value, mask))
    context = F.scaled_dot_product_attention(*lifted, is_causal=is_causal, scale=scale)
    return context.reshape(*query.shape[:-1], value.shape[-1])
