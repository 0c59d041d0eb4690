"""PyTorch's `nn.Transformer` into the stacks of `txlib.models.Transformer`."""

import copy

import torch
from torch import nn

from txlib.checks import check_kind
from txlib.interop.torch_blocks import load_decoder_block, load_encoder_block
from txlib.layers import LayerNorm
from txlib.models import Transformer


def load_transformer(ours: Transformer, reference: nn.Transformer) -> None:
    """Copy the reference's weights into our stacks, which then compute the same.

    What differs: `nn.Transformer` is the stacks alone, from embeddings to the features that logits
    are made of, so that our embeddings, positions and `out_proj` are left as they are. It ends each
    stack with a norm even where `norm_first` is False; the paper's has none there, nor has ours.
    Such a reference is made of `nn.TransformerEncoder(layer, num_layers, norm=None)` and
    `nn.TransformerDecoder` alike, given as `custom_encoder` and `custom_decoder`. Its masks mean
    the opposite, True = hidden, and the future is hidden only where `tgt_mask` says so. Dropout is
    left as it is in both; at the embeddings only ours has it.

    Args:
        ours: with the reference's sizes, `activation` and `norm_order` ("pre" for
            `norm_first=True`), and with positions at the embeddings or none.
        reference: with relu or gelu, biases, and `layer_norm_eps` at its default.

    Raises:
        ValueError: if the two do not compute the same. Nothing is copied then.
    """
    check_kind("ours", ours, Transformer)
    check_kind("reference", reference, nn.Transformer)
    loaded = copy.deepcopy(ours)  # so that a refusal half-way leaves ours as it was
    sides = {
        "encoder": (loaded.encoder, reference.encoder, load_encoder_block, loaded.encoder_norm),
        "decoder": (loaded.decoder, reference.decoder, load_decoder_block, loaded.decoder_norm),
    }
    for name, (blocks, stack, load_block, norm) in sides.items():
        if len(blocks) != len(stack.layers):
            raise ValueError(
                f"ours must have num_layers={len(stack.layers)} as the reference's {name}, "
                f"got {len(blocks)}"
            )
        for block, layer in zip(blocks, stack.layers, strict=True):
            load_block(block, layer)
        _load_last_norm(name, norm, stack.norm)
    ours.load_state_dict(loaded.state_dict())


def _load_last_norm(name: str, ours: nn.Module, reference: nn.LayerNorm | None) -> None:
    mine, theirs = isinstance(ours, LayerNorm), reference is not None
    if mine != theirs:
        rule = "have a norm after its last layer" if mine else "be made with norm=None"
        raise ValueError(f"reference's {name} must {rule}, as ours, got {reference}")
    if not theirs:
        return
    if ours.eps != reference.eps:
        raise ValueError(
            f"ours must have eps={reference.eps} as the reference's last norm, got {ours.eps}"
        )
    if reference.bias is None:
        raise ValueError(f"reference's {name} must have a norm with bias, as ours, got {reference}")
    with torch.no_grad():
        ours.weight.copy_(reference.weight)
        ours.bias.copy_(reference.bias)
