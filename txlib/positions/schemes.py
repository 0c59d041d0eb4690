"""The chapter's position schemes by name, each as what a model has to put in which place."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from txlib.checks import check_flag, check_whole
from txlib.positions.alibi import ALiBi
from txlib.positions.bucketed import BucketedBias
from txlib.positions.learned import LearnedEncoding
from txlib.positions.relative import RelativeKeys
from txlib.positions.rotary import RotaryEmbedding
from txlib.positions.sinusoidal import SinusoidalEncoding

SCHEMES = ("none", "sinusoidal", "learned", "shaw", "t5", "alibi", "rope", "rope_interpolated")


def _no_bias() -> None:
    """For schemes that leave the scores alone."""


@dataclass(frozen=True, kw_only=True)
class PositionScheme:
    """Where positions enter a model; what a scheme does not use is None.

    Attributes:
        encoding: called on the embeddings (B, T, C), before the first layer.
        rotary: turns queries and keys, in every layer. It has no weights: one serves all.
        make_score_bias: called once a layer, gives what adds to that layer's scores, or None.
    """

    encoding: nn.Module | None = None
    rotary: RotaryEmbedding | None = None
    make_score_bias: Callable[[], nn.Module | None] = _no_bias


def position_scheme(
    name: str,
    *,
    d_model: int,
    head_dim: int,
    num_heads: int,
    max_seq_len: int,
    is_causal: bool = True,
    max_distance: int | None = None,
    num_buckets: int = 32,
    base: float = 10_000.0,
    interpolation: float = 4.0,
) -> PositionScheme:
    """Make the modules of a position scheme; a scheme ignores the arguments it has no use for.

    | name | where | per layer |
    |---|---|---|
    | none | | |
    | sinusoidal | added to embeddings (Vaswani et al. 2017) | |
    | learned | added to embeddings, `max_seq_len` of them | |
    | shaw | added to scores, clipped distances (Shaw et al. 2018, keys only) | a table each |
    | t5 | added to scores, buckets of distances (Raffel et al. 2020) | one table for all |
    | alibi | added to scores, proportional to distance (Press et al. 2022) | no weights |
    | rope | queries and keys turned (Su et al. 2021) | no weights |
    | rope_interpolated | the same, positions divided (Chen et al. 2023) | no weights |

    As in T5, "t5" shares its table among the layers: `make_score_bias` returns the same module each
    time, and its weights count once. A model with two stacks makes a scheme for each.

    Args:
        name: one of `SCHEMES`.
        d_model: C, features of an embedding.
        head_dim: D, features of a head.
        num_heads: H, query heads.
        max_seq_len: positions of "learned"; no other scheme has a limit.
        is_causal: whether queries see no future. "t5" then spends every bucket on the past.
        max_distance: where "shaw" clips and "t5" stops telling distances apart; None takes 16 for
            "shaw", at which its paper settles, and T5's 128.
        num_buckets: rows of the table of "t5".
        base: of the frequencies of "sinusoidal" and both "rope"s.
        interpolation: what "rope_interpolated" divides positions by.

    Returns:
        New modules, nothing shared with another call.

    Raises:
        ValueError: if `name` is unknown, or a module refuses an argument: "shaw" and "alibi" do
            when their layer is made.

    Example:
        >>> scheme = position_scheme("rope", d_model=16, head_dim=8, num_heads=2, max_seq_len=32)
        >>> scheme.encoding is None, scheme.rotary is None  # they turn, nothing is added
        (True, False)
    """
    sizes = {"d_model": d_model, "head_dim": head_dim, "num_heads": num_heads}
    for size_name, size in (sizes | {"max_seq_len": max_seq_len}).items():
        check_whole(size_name, size, least=1)
    check_flag("is_causal", is_causal)
    match name:
        case "none":
            return PositionScheme()
        case "sinusoidal":
            return PositionScheme(encoding=SinusoidalEncoding(d_model, base=base))
        case "learned":
            return PositionScheme(encoding=LearnedEncoding(max_seq_len, d_model))
        case "shaw":
            clip = 16 if max_distance is None else max_distance
            return PositionScheme(make_score_bias=lambda: RelativeKeys(head_dim, clip))
        case "t5":
            shared = BucketedBias(
                num_heads,
                num_buckets=num_buckets,
                max_distance=128 if max_distance is None else max_distance,
                bidirectional=not is_causal,
            )
            return PositionScheme(make_score_bias=lambda: shared)
        case "alibi":
            return PositionScheme(make_score_bias=lambda: ALiBi(num_heads))
        case "rope":
            return PositionScheme(rotary=RotaryEmbedding(head_dim, base=base))
        case "rope_interpolated":
            rotary = RotaryEmbedding(head_dim, base=base, interpolation=interpolation)
            return PositionScheme(rotary=rotary)
    raise ValueError(f"name must be one of {SCHEMES}, got {name!r}")
