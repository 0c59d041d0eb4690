"""Heads that share keys and values: the product that does not copy what is shared."""

from torch import Tensor

from txlib.tensor_checks import check_alike


def grouped_product(left: Tensor, right: Tensor) -> Tensor:
    """`left @ right`, where each head of `right` serves a group of neighbouring heads of `left`.

    The heads of a group stand below one another as more rows of one product. Head h of `left` meets
    head h // (H / H_kv) of `right`.

    Source: Ainslie et al. 2023, section 2.2 (grouped queries); with H_kv = 1 Shazeer 2019, section
    3 (multi-query); chapter 5.

    Args:
        left: (..., H, T, X).
        right: (..., H_kv, X, Y), H a multiple of H_kv. Without a dimension of heads, or with as
            many of them, the plain product.

    Returns:
        (..., H, T, Y).

    Raises:
        ValueError: if the two do not fit, or are not floats of one precision on one device.

    Example:
        >>> weights, values = torch.rand(1, 4, 3, 5), torch.rand(1, 2, 5, 6)  # 4 heads share 2
        >>> grouped_product(weights, values).shape
        torch.Size([1, 4, 3, 6])
    """
    _check(left, right)
    if left.shape[:-2] == right.shape[:-2]:
        return left @ right
    rows = left.shape[-3] // right.shape[-3] * left.shape[-2]
    stacked = left.reshape(*right.shape[:-2], rows, left.shape[-1])  # (..., H_kv, H/H_kv * T, X)
    return (stacked @ right).reshape(*left.shape[:-1], right.shape[-1])


def _check(left: Tensor, right: Tensor) -> None:
    check_alike(left=left, right=right)
    ours, theirs = left.shape, right.shape
    heads_fit = ours[:-2] == theirs[:-2] or (
        len(ours) == len(theirs) >= 3
        and ours[:-3] == theirs[:-3]
        and theirs[-3] > 0
        and ours[-3] % theirs[-3] == 0
    )
    if len(ours) < 2 or len(theirs) < 2 or ours[-1] != theirs[-2] or not heads_fit:
        raise ValueError(
            "left must be (..., H, T, X) and right (..., H_kv, X, Y), H a multiple of H_kv, got "
            f"{tuple(ours)} and {tuple(theirs)}"
        )
