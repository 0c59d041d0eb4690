"""PyTorch's `nn.MultiheadAttention` into `txlib.attention.MultiHeadAttention`."""

import torch
from torch import Tensor, nn

from txlib.attention import MultiHeadAttention
from txlib.checks import check_kind


def load_multi_head_attention(ours: MultiHeadAttention, reference: nn.MultiheadAttention) -> None:
    """Copy the reference's weights into ours, which then computes the same.

    Where `ours` is called with `mask`, True = may attend, the reference wants `~mask`. Dropout is
    left as it is in both, and so are the reference's `batch_first` and our parameters' dtype.

    Args:
        ours: as many heads and features as the reference, with `bias` where it has one, and with
            none of what it lacks: grouped heads, qk_norm, rotary, score_bias.
        reference: without `add_bias_kv` and `add_zero_attn`; `kdim` equal to `vdim`.

    Raises:
        ValueError: if the two do not compute the same. Nothing is copied then.

    Example:
        >>> from torch import nn
        >>> from txlib.attention import MultiHeadAttention
        >>> theirs = nn.MultiheadAttention(8, 2, bias=False, batch_first=True)
        >>> ours = MultiHeadAttention(d_model=8, num_heads=2)
        >>> load_multi_head_attention(ours, theirs)
        >>> x = torch.randn(1, 3, 8)
        >>> torch.allclose(ours(x), theirs(x, x, x)[0], atol=1e-6)
        True
    """
    _check_kind(ours, reference)
    copies = _pairs(ours, reference)
    with torch.no_grad():
        for parameter, source in copies:
            parameter.copy_(source)


def _check_kind(ours: MultiHeadAttention, reference: nn.MultiheadAttention) -> None:
    """Refuse whatever one of the two computes and the other does not."""
    check_kind("ours", ours, MultiHeadAttention)
    check_kind("reference", reference, nn.MultiheadAttention)
    if reference.bias_k is not None or reference.add_zero_attn:
        raise ValueError(
            "reference must have neither add_bias_kv nor add_zero_attn, which add keys of their own"
            f", got {reference.bias_k is not None} and {reference.add_zero_attn}"
        )
    if reference.kdim != reference.vdim:
        raise ValueError(
            "reference must have kdim equal to vdim, as keys and values come from one memory, "
            f"got {reference.kdim} and {reference.vdim}"
        )
    extra = {
        "qk_norm": ours.q_norm is not None,
        "rotary": ours.rotary is not None,
        "score_bias": ours.score_bias is not None,
    }
    for name, present in extra.items():
        if present:
            raise ValueError(f"ours must have no {name}, as the reference has none, got one")
    biased = reference.in_proj_bias is not None
    sizes = {
        "d_model": (ours.q_proj.in_features, reference.embed_dim),
        "num_heads": (ours.num_heads, reference.num_heads),
        "num_kv_heads": (ours.num_kv_heads, reference.num_heads),
        "head_dim": (ours.head_dim, reference.head_dim),
        "memory_size": (ours.k_proj.in_features, reference.kdim),
        "bias": (ours.q_proj.bias is not None, biased),
    }
    for name, (mine, theirs) in sizes.items():
        if mine != theirs:
            raise ValueError(f"ours must have {name}={theirs} as the reference, got {mine}")


def _pairs(
    ours: MultiHeadAttention, reference: nn.MultiheadAttention
) -> list[tuple[nn.Parameter, Tensor]]:
    """Our parameters, each beside what goes into it."""
    projections = [ours.q_proj, ours.k_proj, ours.v_proj]
    if reference.in_proj_weight is None:  # kdim differs from embed_dim: three matrices, not one
        weights = [reference.q_proj_weight, reference.k_proj_weight, reference.v_proj_weight]
    else:
        weights = reference.in_proj_weight.chunk(3)
    pairs = [(proj.weight, weight) for proj, weight in zip(projections, weights, strict=True)]
    pairs.append((ours.out_proj.weight, reference.out_proj.weight))
    if reference.in_proj_bias is not None:
        biases = reference.in_proj_bias.chunk(3)
        pairs += [(proj.bias, bias) for proj, bias in zip(projections, biases, strict=True)]
        pairs.append((ours.out_proj.bias, reference.out_proj.bias))
    return pairs
