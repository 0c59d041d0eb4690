"""What positions add to scores, each with a lawful call."""

from targets import ONE_TENSOR, Sizes, Target, constructor, method

from txlib import positions

WIDTH = frozenset({"wider", "narrower"})
FREE = ONE_TENSOR | {"rank + 1", "rank + 2", "meta", "other float", "half"}
HEADS = ONE_TENSOR | WIDTH | {"other float", "half", "transposed"}  # only shape and place count
PLACES = frozenset({"number"})  # the same for all rows
FAR = frozenset({"negative", "huge"})  # not looked at: a GPU would be waited for


def heads(s: Sizes, _=None) -> dict:
    query = s.floats(s.B, s.H, s.T_q, s.D)
    return {"query": query, "num_keys": s.T_k, "offset": s.ids(s.B, below=3)}


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


BIASES = [
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
]
