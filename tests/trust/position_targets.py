"""Every public callable of txlib.positions, with a lawful call of it."""

import torch
from targets import ONE_TENSOR, Sizes, Target, constructor, method

from txlib import positions

WIDTH = frozenset({"wider", "narrower"})
FREE = ONE_TENSOR | {"rank + 1", "rank + 2", "meta", "other float", "half"}
STREAM = ONE_TENSOR | {"other float", "half"}  # (B, T, C): its dtype is that of the result
HEADS = ONE_TENSOR | WIDTH | {"other float", "half", "transposed"}  # only shape and place count
PLACES = frozenset({"number"})  # the same for all rows


def heads(s: Sizes, _=None) -> dict:
    query = s.floats(s.B, s.H, s.T_q, s.D)
    return {"query": query, "num_keys": s.T_k, "offset": s.ids(s.B, below=3)}


def stream(s: Sizes, _=None) -> dict:
    return {"x": s.floats(s.B, s.T_q, s.C), "offset": s.ids(s.B, below=5)}


def shaw(s: Sizes) -> dict:
    arguments = {
        "query": s.floats(s.B, s.H, s.T_q, s.D),
        "key": s.floats(s.B, s.H, s.T_k, s.D),
        "value": s.floats(s.B, s.H, s.T_k, s.D),
        "key_table": s.floats(5, s.D),
        "value_table": s.floats(7, s.D),
    }
    mask = s.mask(s.B, s.H, s.T_q, s.T_k)
    return arguments | {"mask": mask, "is_causal": True, "scale": 0.5}


def scheme(s: Sizes):
    arguments = {"d_model": s.C, "head_dim": s.D, "num_heads": s.H, "max_seq_len": 9}
    return positions.position_scheme, {"name": "t5", "is_causal": True} | arguments


def table_function(function):
    return Target(
        name=function.__name__,
        make=lambda s: (
            function,
            {
                "query": s.floats(s.B, s.H, s.T_q, s.D),
                "key_table": s.floats(5, s.D),
                "num_keys": s.T_k,
            },
        ),
        kinds={"query": "floats", "key_table": "floats", "num_keys": "count"},
        allows={"query": ONE_TENSOR | {"rank + 1", "rank + 2", "rank - 1"}}
        | {"key_table": frozenset({"batch of 1"})},
        also=("query", "key_table"),
    )


def bias_forward(kind, new, most: frozenset = HEADS):
    return Target(
        name=f"{kind.__name__}.forward",
        make=method(new, "forward", heads),
        kinds={"query": "floats", "num_keys": "size", "offset": "ids?"},
        allows={"query": most, "offset": PLACES | {"negative", "huge"}}
        | {"num_keys": frozenset({"0"})},
        also=("query", "offset"),
    )


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
        name="alibi_slopes",
        make=lambda s: (positions.alibi_slopes, {"num_heads": s.H}),
        kinds={"num_heads": "size"},
    ),
    Target(
        name="ALiBi",
        make=constructor(positions.ALiBi, lambda s: {"num_heads": s.H}),
        kinds={"num_heads": "size"},
    ),
    bias_forward(positions.ALiBi, lambda s: positions.ALiBi(s.H)),
    Target(
        name="BucketedBias",
        make=constructor(
            positions.BucketedBias,
            lambda s: {"num_heads": s.H, "num_buckets": 8, "max_distance": 20},
            bidirectional=True,
        ),
        kinds={"num_heads": "size", "num_buckets": "size", "max_distance": "size"}
        | {"bidirectional": "flag"},
    ),
    bias_forward(positions.BucketedBias, lambda s: positions.BucketedBias(s.H, bidirectional=True)),
    Target(
        name="relative_buckets",
        make=lambda s: (
            positions.relative_buckets,
            {
                "distance": s.ids(s.T_q, s.T_k),
                "num_buckets": 8,
                "max_distance": 20,
                "bidirectional": True,
            },
        ),
        kinds={"distance": "ids", "num_buckets": "size", "max_distance": "size"}
        | {"bidirectional": "flag"},
        allows={"distance": FREE | WIDTH | FAR | {"rank 0", "rank - 1", "transposed"}},
    ),
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
        name="relative_distances",
        make=lambda s: (
            positions.relative_distances,
            {"T_q": s.T_q, "num_keys": s.T_k, "offset": s.ids(3)},
        ),
        kinds={"T_q": "count", "num_keys": "count", "offset": "ids?"},
        allows={"offset": PLACES | FAR | ONE_TENSOR | WIDTH},
    ),
    table_function(positions.relative_scores_gather),
    table_function(positions.relative_scores_skew),
    Target(
        name="relative_attention",
        make=lambda s: (positions.relative_attention, shaw(s)),
        kinds={"query": "floats", "key": "floats", "value": "floats", "key_table": "floats"}
        | {"value_table": "floats?", "mask": "mask?", "is_causal": "flag", "scale": "number?"},
        allows={"mask": frozenset({"batch of 1", "rank - 1", "rank 0"})}
        | {"key_table": frozenset({"batch of 1"}), "value_table": frozenset({"batch of 1"})},
        also=("query", "key", "value", "mask", "bias", "key_table", "value_table"),
    ),
    Target(
        name="RelativeKeys",
        make=constructor(
            positions.RelativeKeys, lambda s: {"head_dim": s.D, "max_distance": 3}, scale=0.5
        ),
        kinds={"head_dim": "size", "max_distance": "count", "scale": "number?"},
    ),
    bias_forward(
        positions.RelativeKeys,
        lambda s: positions.RelativeKeys(s.D, 3),
        ONE_TENSOR | {"other float", "half"},
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
