"""How many heads there are, and how wide: what the sizes of an attention module must fulfil."""

from txlib.checks import check_whole


def head_sizes(
    d_model: int,
    num_heads: int,
    num_kv_heads: int | None = None,
    head_dim: int | None = None,
    memory_size: int | None = None,
) -> tuple[int, int, int]:
    """Fill in what is not given, and refuse what does not fit.

    Args:
        d_model: C, at least 1.
        num_heads: H, at least 1.
        num_kv_heads: H_kv, a divisor of H; H if None.
        head_dim: D, at least 1; C / H if None, which H must then divide.
        memory_size: M, at least 1; C if None.

    Returns:
        H_kv, D and M.

    Raises:
        ValueError: if a size is below 1 or the numbers of heads do not divide.
    """
    sizes = {"d_model": d_model, "num_heads": num_heads, "num_kv_heads": num_kv_heads}
    for name, size in (sizes | {"head_dim": head_dim, "memory_size": memory_size}).items():
        if size is not None or name in ("d_model", "num_heads"):
            check_whole(name, size, least=1)
    if num_kv_heads is None:
        num_kv_heads = num_heads
    if num_heads % num_kv_heads:
        raise ValueError(f"num_kv_heads must divide num_heads, got {num_kv_heads} and {num_heads}")
    if head_dim is None and d_model % num_heads:
        raise ValueError(
            f"num_heads must divide d_model where head_dim is not given, "
            f"got {num_heads} and {d_model}"
        )
    return num_kv_heads, head_dim or d_model // num_heads, memory_size or d_model
