"""Scaled dot-product attention, readable and fused: Vaswani et al. 2017, section 3.2.1."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from txlib.attention.grouped_heads import grouped_product
from txlib.attention.masked_softmax import check_mask, masked_softmax
from txlib.attention.masks import causal_mask
from txlib.checks import check_number, check_tensor
from txlib.tensor_checks import check_alike, check_beside, check_look


def attention_weights(
    query: Tensor,
    key: Tensor,
    mask: Tensor | None = None,
    *,
    bias: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    r"""How much each query draws from each key: $\mathrm{softmax}(QK^\top / \sqrt{d_k})$.

    Source: Vaswani et al. 2017, equation 1, whose $d_k$ is D here; chapter 3. With fewer heads of
    keys than of queries: Ainslie et al. 2023, section 2.2; chapter 5.

    Args:
        query: (..., T_q, D), or with heads (..., H, T_q, D).
        key: (..., T_k, D), or with heads (..., H_kv, T_k, D). From four dimensions on, H may be a
            multiple of H_kv: neighbouring heads of queries then share one of keys.
        mask: bool, broadcastable to (..., T_q, T_k). True = may attend.
        bias: finite floats, broadcastable to (..., T_q, T_k), added to the scaled scores in the
            dtype of `query`. What a position says goes in here (`txlib.positions`); chapter 4.
        is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.
        scale: what the dot products are multiplied by; $1/\sqrt{D}$ if None.

    Returns:
        (..., T_q, T_k). Each row sums to 1, or is all zero where no key is allowed.

    Raises:
        ValueError: if shapes do not agree, `mask` is not bool, `bias` is not floating, or either
            does not broadcast.

    Example:
        >>> import math
        >>> query = torch.tensor([[2 * math.log(3), 0.0, 0.0, 0.0]])
        >>> key = torch.eye(4)[[1, 0]]  # scores 0 and ln 3, once divided by sqrt(4)
        >>> attention_weights(query, key)
        tensor([[0.2500, 0.7500]])
    """
    check_shapes(query, key)
    check_look(is_causal, scale)
    _check_bias(bias, query, key)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    scores = grouped_product(query * scale, key.mT)  # scaled first: float16 ends at 65504
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    return masked_softmax(scores, _join(mask, is_causal, query, key))


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    *,
    bias: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    r"""The values, averaged for each query: $\mathrm{softmax}(QK^\top / \sqrt{d_k})\,V$.

    The readable path: it forms all T_q * T_k weights. Models run `fused_attention`, which does not.
    Source: Vaswani et al. 2017, equation 1; chapter 3.

    Args:
        query: (..., T_q, D), or with heads (..., H, T_q, D).
        key: (..., T_k, D), or with heads (..., H_kv, T_k, D): see `attention_weights`.
        value: (..., T_k, D_v), or with heads (..., H_kv, T_k, D_v).
        mask: bool, broadcastable to (..., T_q, T_k). True = may attend.
        bias: finite floats, broadcastable to (..., T_q, T_k), added to the scaled scores.
        is_causal: hide the future too: see `causal_mask`, which is joined to `mask`.
        scale: what the dot products are multiplied by; $1/\sqrt{D}$ if None.
        dropout: share of the weights set to zero, 0 to 1; 0 outside training.

    Returns:
        Context (..., T_q, D_v); zero for a query that may attend to nothing.

    Raises:
        ValueError: as `attention_weights`, and if `value` does not fit `key`.

    Example:
        >>> query, key = torch.zeros(1, 4), torch.randn(2, 4)  # a query that prefers nothing
        >>> value = torch.tensor([[1.0, 0.0], [3.0, 2.0]])
        >>> scaled_dot_product_attention(query, key, value)  # the mean of the values
        tensor([[2., 1.]])
    """
    check_shapes(query, key, value)
    _check_dropout(dropout)
    weights = attention_weights(query, key, mask, bias=bias, is_causal=is_causal, scale=scale)
    return grouped_product(F.dropout(weights, dropout), value)


def fused_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None = None,
    *,
    bias: Tensor | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """`scaled_dot_product_attention` by PyTorch's kernels; values and gradients are the same.

    PyTorch picks a kernel. Those that never form the weights want, on a CPU, D_v = D, no dropout
    and no gradient for `bias`. Its own function differs from this one: `is_causal` is aligned
    upper-left there and takes no mask beside it, mask and bias are one argument, and what a fully
    masked row gives depends on the version.

    Arguments, result and errors are those of `scaled_dot_product_attention`.

    Example:
        >>> query, key, value = torch.randn(3, 2, 5, 4).unbind()  # (B, T, D) each
        >>> readable = scaled_dot_product_attention(query, key, value, is_causal=True)
        >>> fused = fused_attention(query, key, value, is_causal=True)
        >>> torch.allclose(readable, fused, atol=1e-6)
        True
    """
    check_shapes(query, key, value)
    check_look(is_causal, scale)
    _check_dropout(dropout)
    _check_bias(bias, query, key)
    T_q, T_k = query.shape[-2], key.shape[-2]
    if bias is not None:
        bias = bias.to(query.dtype)
    square = False
    if is_causal and mask is None and bias is None and T_q == T_k:
        square = True  # not the condition itself: to a compiler of dynamic shapes it is a symbol
    mask = None if square else _join(mask, is_causal, query, key)
    options = {"is_causal": square, "scale": scale, "dropout": dropout}
    if mask is None:
        return _run_kernel(query, key, value, bias, **options)
    blind = ~mask.any(dim=-1, keepdim=True)  # (..., T_q, 1): what they see is undone below
    allowed = mask | blind
    if bias is not None:
        allowed = torch.where(allowed, bias, -torch.inf)  # the kernel's other kind: it adds floats
    context = _run_kernel(query, key, value, allowed, **options)
    return context.masked_fill(blind, 0.0)


def check_shapes(query: Tensor, key: Tensor, *values: Tensor) -> None:
    """Refuse what does not fit together, before a product broadcasts it.

    Raises:
        ValueError: with the rule and what was given.
    """
    named = dict(zip(("query", "key", "value"), (query, key, *values), strict=False))
    check_alike(**named)
    for name, tensor in named.items():
        if tensor.ndim < 2:
            raise ValueError(f"{name} must have shape (..., T, D), got {tuple(tensor.shape)}")
        ours, theirs = query.shape, tensor.shape
        if ours[:-2] == theirs[:-2]:
            continue
        shapes = f"{tuple(ours)} and {tuple(theirs)}"
        if len(theirs) != len(ours) or len(ours) < 4 or ours[:-3] != theirs[:-3]:
            raise ValueError(f"query and {name} must share the dimensions before T, got {shapes}")
        if theirs[-3] == 0 or ours[-3] % theirs[-3]:
            raise ValueError(f"query's heads must be a multiple of {name}'s, got {shapes}")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(f"query and key must share D, got {query.shape[-1]} and {key.shape[-1]}")
    if not values:
        return
    (value,) = values
    if key.shape[:-2] != value.shape[:-2]:
        raise ValueError(
            f"key and value must have as many heads, got {key.shape[-3]} and {value.shape[-3]}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ValueError(f"key and value must share T_k, got {key.shape[-2]} and {value.shape[-2]}")


def _check_bias(bias: Tensor | None, query: Tensor, key: Tensor) -> None:
    if bias is None:
        return
    check_tensor("bias", bias)
    if not bias.is_floating_point():
        raise ValueError(f"bias must be floating point, as it is added, got {bias.dtype}")
    check_beside("bias", bias, "query", query)
    wanted = (*query.shape[:-1], key.shape[-2])
    sizes = zip(bias.shape[::-1], wanted[::-1], strict=False)
    if bias.ndim > len(wanted) or any(size not in (1, full) for size, full in sizes):
        raise ValueError(
            f"bias must broadcast to (..., T_q, T_k) = {wanted}, got {tuple(bias.shape)}"
        )


def _check_dropout(dropout: float) -> None:
    check_number("dropout", dropout)
    if not 0 <= dropout <= 1:
        raise ValueError(f"dropout must be from 0 to 1, got {dropout}")


def _join(mask: Tensor | None, is_causal: bool, query: Tensor, key: Tensor) -> Tensor | None:
    """The mask and the causal one, whichever are asked for, as one."""
    T_q, T_k = query.shape[-2], key.shape[-2]
    if mask is not None:
        check_mask(mask, (*query.shape[:-2], T_q, T_k))
        check_beside("mask", mask, "query", query)
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
    dropout: float,
) -> Tensor:
    """PyTorch's own function on four dimensions, without which it takes no fused kernel."""
    lifted = (x if x is None else x[(None,) * (4 - x.ndim)] for x in (query, key, value, mask))
    context = F.scaled_dot_product_attention(
        *lifted,
        dropout_p=dropout,
        is_causal=is_causal,
        scale=scale,
        enable_gqa=query.shape[:-2] != key.shape[:-2],
    )
    return context.reshape(*query.shape[:-1], value.shape[-1])
