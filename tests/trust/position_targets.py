"""What positions add to embeddings and turn by, each with a lawful call."""

import torch
from targets import ONE_TENSOR, Sizes, Target, constructor, method

from txlib import positions

WIDTH = frozenset({"wider", "narrower"})
FREE = ONE_TENSOR | {"rank + 1", "rank + 2", "meta", "other float", "half"}
STREAM = ONE_TENSOR | {"other float", "half"}  # (B, T, C): its dtype is that of the result
PLACES = frozenset({"number"})  # the same for all rows


def stream(s: Sizes, _=None) -> dict:
    return {"x": s.floats(s.B, s.T_q, s.C), "offset": s.ids(s.B, below=5)}


def scheme(s: Sizes):
    arguments = {"d_model": s.C, "head_dim": s.D, "num_heads": s.H, "max_seq_len": 9}
    return positions.position_scheme, {"name": "t5", "is_causal": True} | arguments


def encoding_forward(kind, new, farthest: frozenset):
    return Target(
        name=f"{kind.__name__}.forward",
        make=method(new, "forward", stream),
        kinds={"x": "floats", "offset": "ids"},
        allows={"x": STREAM, "offset": PLACES | farthest},
        also=("x", "offset"),
    )


FAR = frozenset({"negative", "huge"})  # not looked at: a GPU would be waited for
SIZE_AND_BASE = {"d_model": "size", "base": "positive"}

TARGETS = [
    Target(
        name="LearnedEncoding",
        make=constructor(
            positions.LearnedEncoding, lambda s: {"max_seq_len": 9, "d_model": s.C}, std=0.1
        ),
        kinds={"max_seq_len": "size", "d_model": "size", "std": "positive"},
        allows={"std": frozenset({"0", "-0.0"})},
    ),
    encoding_forward(
        positions.LearnedEncoding, lambda s: positions.LearnedEncoding(12, s.C), frozenset()
    ),
    Target(
        name="SinusoidalEncoding",
        make=constructor(positions.SinusoidalEncoding, lambda s: {"d_model": s.C}, base=100.0),
        kinds=SIZE_AND_BASE,
    ),
    encoding_forward(
        positions.SinusoidalEncoding, lambda s: positions.SinusoidalEncoding(s.C), FAR
    ),
    Target(
        name="sinusoidal_encoding",
        make=lambda s: (
            positions.sinusoidal_encoding,
            {"num_positions": s.T_q, "d_model": s.C, "base": 100.0, "offset": s.ids(3)},
        ),
        kinds=SIZE_AND_BASE | {"num_positions": "count", "offset": "ids"},
        allows={"offset": PLACES | FAR | ONE_TENSOR | WIDTH},
    ),
    Target(
        name="shift_matrix",
        make=lambda s: (
            positions.shift_matrix,
            {"distance": 2.5, "d_model": s.C, "base": 100.0},
        ),
        kinds=SIZE_AND_BASE | {"distance": "number"},
    ),
    Target(
        name="wavelengths",
        make=lambda s: (positions.wavelengths, {"d_model": s.C, "base": 100.0}),
        kinds=SIZE_AND_BASE,
    ),
    Target(
        name="positions_from",
        make=lambda s: (positions.positions_from, {"offset": s.ids(3), "length": s.T_q}),
        kinds={"offset": "ids", "length": "count"},
        allows={"offset": PLACES | FAR | ONE_TENSOR | WIDTH},
    ),
    Target(
        name="RotaryEmbedding",
        make=constructor(
            positions.RotaryEmbedding,
            lambda s: {"head_dim": 4, "base": 100.0, "pairing": "half"},
            interpolation=2.0,
            ntk_factor=1.5,
        ),
        kinds={"head_dim": "size", "base": "positive", "pairing": "choice"}
        | {"interpolation": "positive", "ntk_factor": "positive"},
    ),
    Target(
        name="RotaryEmbedding.forward",
        make=method(
            lambda s: positions.RotaryEmbedding(s.D),
            "forward",
            lambda s, _: {
                "x": s.floats(s.B, s.H, s.T_q, s.D),
                "offset": s.ids(s.B, below=5),
            },
        ),
        kinds={"x": "floats", "offset": "ids"},
        allows={"x": STREAM | {"rank - 1", "rank + 1", "rank + 2"}, "offset": PLACES | FAR},
        also=("x", "offset"),
    ),
    Target(
        name="RotaryEmbedding.forward, one place",
        make=method(
            lambda s: positions.RotaryEmbedding(s.D),
            "forward",
            lambda s, _: {"x": s.floats(s.B, s.T_q, s.D), "offset": 10**12},
        ),
        kinds={"offset": "count"},
    ),
    Target(
        name="rotary_frequencies",
        make=lambda s: (
            positions.rotary_frequencies,
            {"head_dim": 4, "base": 100.0, "ntk_factor": 2.0},
        ),
        kinds={"head_dim": "size", "base": "positive", "ntk_factor": "positive"},
    ),
    *(
        Target(
            name=function.__name__,
            make=lambda s, function=function: (
                function,
                {"weight": torch.randn(s.H * s.D, 3), "num_heads": s.H},
            ),
            kinds={"weight": "floats", "num_heads": "size"},
            allows={"weight": FREE | WIDTH | {"int64", "uint8", "bool", "complex64", "rank - 1"}},
        )
        for function in (positions.interleaved_to_half, positions.half_to_interleaved)
    ),
    Target(
        name="position_scheme",
        make=scheme,
        kinds={"name": "choice", "d_model": "size", "head_dim": "size", "num_heads": "size"}
        | {"max_seq_len": "size", "is_causal": "flag"},
        allows={"name": frozenset()},
    ),
]
