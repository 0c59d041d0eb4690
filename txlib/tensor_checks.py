"""What tensors must be to meet each other: of one precision, on one device, real numbers.

Nothing here looks at a tensor's values, so that no GPU is waited for.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from txlib.checks import check_flag, check_number, check_tensor, shown


def check_features(name: str, x: Tensor, proj: nn.Linear) -> None:
    """Refuse what is not (B, T, features) for `proj`, in its precision and on its device.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(x, Tensor) or x.ndim != 3 or x.shape[-1] != proj.in_features:
        check_tensor(name, x)
        raise ValueError(f"{name} must have shape (B, T, {proj.in_features}), got {tuple(x.shape)}")
    check_like(name, x, proj.weight)


def check_like(name: str, x: Tensor, weight: Tensor, *, any_floats: bool = False) -> None:
    """Refuse a tensor that cannot meet `weight`; autocast takes `any_floats` in any case.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(weight, Tensor):  # a quantized layer keeps them in a form of its own
        return
    if x.device != weight.device:
        raise ValueError(f"{name} must be on {weight.device} as the weights, got {x.device}")
    if x.dtype is weight.dtype:
        return
    if any_floats:
        check_floats(name, x)
    elif not (x.is_floating_point() and torch.is_autocast_enabled(x.device.type)):
        raise ValueError(f"{name} must be {weight.dtype} as the weights, got {x.dtype}")


def check_heads(
    name: str, x: Tensor, num_heads: int | None = None, *, table: Tensor | None = None
) -> None:
    """Refuse what are no floats (B, H, T_q, D), on the device of `table` if there is one.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_floats(name, x)
    if x.ndim != 4 or (num_heads is not None and x.shape[1] != num_heads):
        heads = "H" if num_heads is None else num_heads
        raise ValueError(f"{name} must have shape (B, {heads}, T_q, D), got {tuple(x.shape)}")
    if table is not None and x.device != table.device:
        raise ValueError(f"{name} must be on {table.device} as the table, got {x.device}")


def check_floats(name: str, x: Tensor) -> None:
    """Refuse what is no tensor of real floating-point numbers.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise ValueError(f"{name} must be a tensor of floats, got {shown(x)}")


def check_integers(name: str, x: Tensor) -> None:
    """Refuse what is no tensor of int64 or int32.

    Raises:
        ValueError: with the rule and what was given.
    """
    if not isinstance(x, Tensor) or x.dtype not in (torch.int64, torch.int32):
        found = x.dtype if isinstance(x, Tensor) else shown(x)
        raise ValueError(f"{name} must be of integers, got {found}")


def check_alike(**named: Tensor) -> None:
    """Refuse tensors that differ in dtype or device from the first, or are not floats.

    Autocast brings floats of several precisions into one by itself.

    Raises:
        ValueError: with the rule and what was given.
    """
    (first_name, first), *others = named.items()
    check_floats(first_name, first)
    for name, x in others:
        check_floats(name, x)
        check_beside(name, x, first_name, first)
        if x.dtype is not first.dtype and not torch.is_autocast_enabled(x.device.type):
            raise ValueError(f"{name} must be {first.dtype} as {first_name}, got {x.dtype}")


def check_beside(name: str, x: Tensor, other_name: str, other: Tensor) -> None:
    """Refuse a tensor on another device than `other`.

    Raises:
        ValueError: with the rule and what was given.
    """
    if x.device != other.device:
        raise ValueError(f"{name} must be on {other.device} as {other_name}, got {x.device}")


def check_scale(name: str, scale: Any) -> None:
    """Refuse what is no finite number.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_number(name, scale)
    if not math.isfinite(scale):
        raise ValueError(f"{name} must be finite, got {scale}")


def check_look(is_causal: Any, scale: Any) -> None:
    """Refuse what cannot be `is_causal`, or the `scale` of dot products.

    Raises:
        ValueError: with the rule and what was given.
    """
    if is_causal is not True and is_causal is not False:
        check_flag("is_causal", is_causal)
    if scale is not None:
        check_scale("scale", scale)


def check_share(name: str, share: Any) -> None:
    """Refuse what is no number in [0, 1): "dropout", as a rule.

    Raises:
        ValueError: with the rule and what was given.
    """
    check_number(name, share)
    if not 0 <= share < 1:
        raise ValueError(f"{name} must be in [0, 1), got {share}")


def check_part(name: str, part: Any) -> None:
    """Refuse what is neither None nor a module.

    Raises:
        ValueError: with the rule and what was given.
    """
    if part is not None and not isinstance(part, nn.Module):
        raise ValueError(f"{name} must be a module or None, got {shown(part)}")
