"""PyTorch's Transformer layers into `txlib.layers.EncoderBlock` and `DecoderBlock`."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from txlib.checks import check_kind
from txlib.interop.torch_attention import load_multi_head_attention
from txlib.layers import DecoderBlock, EncoderBlock, FeedForward, LayerNorm


def load_encoder_block(ours: EncoderBlock, reference: nn.TransformerEncoderLayer) -> None:
    """Copy the reference's weights into ours, which then computes the same.

    Where `ours` is called with `mask`, True = may attend, the reference wants `~mask`, and padding
    apart from it. Dropout is left as it is in both, and so are the reference's `batch_first` and
    our parameters' dtype.

    Args:
        ours: with the reference's sizes, `bias`, `activation` and norm order ("pre" for
            `norm_first=True`), `norm="layer"`, and none of what the reference lacks.
        reference: with relu or gelu, and `layer_norm_eps` at its default.

    Raises:
        ValueError: if the two do not compute the same. Nothing is copied then.
    """
    check_kind("ours", ours, EncoderBlock)
    check_kind("reference", reference, nn.TransformerEncoderLayer)
    attentions = [("attention", "self_attn")]
    norms = [("attention_norm", "norm1"), ("feed_forward_norm", "norm2")]
    _load(ours, reference, attentions, norms)


def load_decoder_block(ours: DecoderBlock, reference: nn.TransformerDecoderLayer) -> None:
    """Copy the reference's weights into ours, which then computes the same.

    `ours` hides the future unless it is called with `is_causal=False`; the reference wants a mask.
    For the rest see `load_encoder_block`.

    Args:
        ours: with the reference's sizes, `bias`, `activation` and norm order ("pre" for
            `norm_first=True`), `norm="layer"`, and none of what the reference lacks.
        reference: with relu or gelu, and `layer_norm_eps` at its default.

    Raises:
        ValueError: if the two do not compute the same. Nothing is copied then.
    """
    check_kind("ours", ours, DecoderBlock)
    check_kind("reference", reference, nn.TransformerDecoderLayer)
    attentions = [("attention", "self_attn"), ("cross_attention", "multihead_attn")]
    norms = [
        ("attention_norm", "norm1"),
        ("cross_attention_norm", "norm2"),
        ("feed_forward_norm", "norm3"),
    ]
    _load(ours, reference, attentions, norms)


def _load(
    ours: EncoderBlock | DecoderBlock,
    reference: nn.TransformerEncoderLayer | nn.TransformerDecoderLayer,
    attentions: list[tuple[str, str]],
    norms: list[tuple[str, str]],
) -> None:
    """Into a copy of ours first, so that a refusal half-way leaves ours as it was."""
    loaded = copy.deepcopy(ours)
    _check_same("norm_order", ours.norm_order, "pre" if reference.norm_first else "post")
    pairs = [(getattr(loaded, mine), getattr(reference, theirs)) for mine, theirs in norms]
    for mine, theirs in pairs:
        _check_same("norm", type(mine).__name__, LayerNorm.__name__)
        _check_same("eps in its norms", mine.eps, theirs.eps)
    activation = _activation_name(reference.activation)
    if activation is None:
        raise ValueError(
            f"reference must have relu or gelu for its activation, got {reference.activation!r}"
        )
    gated = not isinstance(loaded.feed_forward, FeedForward)
    mine = "swiglu" if gated else _activation_name(loaded.feed_forward.activation)
    _check_same("activation", mine, activation)
    _check_same("d_ff", loaded.feed_forward.up_proj.out_features, reference.linear1.out_features)
    for mine, theirs in attentions:
        load_multi_head_attention(getattr(loaded, mine), getattr(reference, theirs))
    pairs.append((loaded.feed_forward.up_proj, reference.linear1))
    pairs.append((loaded.feed_forward.down_proj, reference.linear2))
    with torch.no_grad():
        for mine, theirs in pairs:
            _check_same("bias", mine.bias is not None, theirs.bias is not None)
            mine.weight.copy_(theirs.weight)
            if mine.bias is not None:
                mine.bias.copy_(theirs.bias)
    ours.load_state_dict(loaded.state_dict())


def _activation_name(activation: object) -> str | None:
    """What `FeedForward` calls it, or None: PyTorch's layers take functions and modules."""
    if isinstance(activation, nn.ReLU) or activation in (F.relu, torch.relu):
        return "relu"
    if isinstance(activation, nn.GELU):
        return "gelu" if activation.approximate == "none" else "gelu_tanh"
    return "gelu" if activation is F.gelu else None


def _check_same(name: str, mine: object, theirs: object) -> None:
    if mine != theirs:
        raise ValueError(f"ours must have {name}={theirs!r} as the reference, got {mine!r}")
