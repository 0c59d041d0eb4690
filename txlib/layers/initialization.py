"""First values for the weights of a stack, and why they depend on its depth and widths."""

import math

import torch
from torch import nn

from txlib.checks import check_number, check_whole, shown
from txlib.layers.normalization import LayerNorm, RMSNorm
from txlib.layers.residual_block import ResidualBlock
from txlib.tensor_checks import check_scale


def initialize_(module: nn.Module, *, num_layers: int | None, std: float = 0.02) -> None:
    r"""GPT-2's first values: small ones, and smaller still where a sub-layer adds to the stream.

    Every sub-layer adds an output that at first has nothing to do with the others', so variances
    add up: after N of them the stream's has grown by N times that of one, and the later the
    sub-layer, the less its own share of what the next one reads. With the last map of each
    sub-layer multiplied by $1/\sqrt{N}$, the growth over the whole stack is that of one sub-layer,
    however deep. N is 2 `num_layers`, or 3 `num_layers` for a stack of `DecoderBlock`s.

    All matrices and embeddings are normal with deviation `std`; biases are 0 and norms the
    identity, and an embedding's row for padding is zero. Other parameters are left as they are.

    Source: Radford et al. 2019 (GPT-2), section 2.3, and `std` from Radford et al. 2018 (GPT),
    section 4.1; chapter 6. Paper and code differ: the paper has no blocks with three sub-layers.

    Args:
        module: changed in place; holds one or more `EncoderBlock` or `DecoderBlock`.
        num_layers: blocks in the stack that each of them belongs to, at least 1. None scales
            nothing down, which shows what the scaling is for.
        std: deviation of the other weights, above 0.

    Raises:
        ValueError: if `num_layers` is below 1, `std` not above 0, or `module` without a block.
    """
    _check_module(module)
    if num_layers is not None:
        check_whole("num_layers", num_layers, least=1)
    check_number("std", std)
    if not std > 0:
        raise ValueError(f"std must be above 0, got {std}")
    check_scale("std", std)
    blocks = [part for part in module.modules() if isinstance(part, ResidualBlock)]
    if not blocks:
        raise ValueError(
            "module must hold an EncoderBlock or a DecoderBlock, whose projections are scaled, "
            f"got {type(module).__name__} without"
        )
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=std)
        _reset(part, embedding_std=std)
    if num_layers is None:
        return
    for block in blocks:
        projections = block.residual_projections()
        for projection in projections:
            nn.init.normal_(projection.weight, std=std / math.sqrt(len(projections) * num_layers))


def xavier_(module: nn.Module) -> None:
    r"""The first values of the 2017 Transformer: each matrix scaled to its own widths.

    A matrix of fan_in columns and fan_out rows multiplies variances by fan_in Var[w] on the way
    forward and by fan_out Var[w] on the way back. Both would have to be 1, which only a square
    matrix can do; $\mathrm{Var}[w] = 2 / (\text{fan\_in} + \text{fan\_out})$ is the compromise, so
    that signals and gradients keep their size through a linear map of any shape. It says nothing
    of how many outputs add up in the stream: there post-norm, for which it was used, steps in.

    Matrices are uniform; embeddings normal with deviation $1/\sqrt{C}$, as that code takes them
    times $\sqrt{C}$; biases are 0 and norms the identity, and an embedding's row for padding is
    zero. Other parameters are left as they are.

    Source: Glorot and Bengio 2010, section 4.2.1, equations 12 and 16; the choice is that of the
    authors' code, tensor2tensor, as the paper does not say; chapter 6. Here q_proj, k_proj and
    v_proj are three matrices; taken for one of 3C rows, as by `nn.MultiheadAttention`, their values
    would be smaller by the square root of 2.

    Args:
        module: changed in place.

    Raises:
        ValueError: if `module` is none.
    """
    _check_module(module)
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
        _reset(part, embedding_std=None)


def _check_module(module: nn.Module) -> None:
    if not isinstance(module, nn.Module):
        raise ValueError(f"module must be a module, got {shown(module)}")


def _reset(part: nn.Module, *, embedding_std: float | None) -> None:
    """First values of whatever is no matrix, if `part` is such a thing."""
    if isinstance(part, nn.Embedding):
        std = part.embedding_dim**-0.5 if embedding_std is None else embedding_std
        nn.init.normal_(part.weight, std=std)
        if part.padding_idx is not None:
            with torch.no_grad():
                part.weight[part.padding_idx].zero_()
    elif isinstance(part, LayerNorm | RMSNorm | nn.LayerNorm | nn.RMSNorm):
        nn.init.ones_(part.weight)
    if isinstance(getattr(part, "bias", None), nn.Parameter):
        nn.init.zeros_(part.bias)
