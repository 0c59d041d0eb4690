"""The modules of txlib.attention and what decoding keeps, each with a lawful call."""

import torch
from attention_state_targets import cache_of
from targets import ONE_TENSOR, Sizes, Target, constructor, method

from txlib.attention import (
    AdditiveAttention,
    MultiHeadAttention,
    SingleHeadAttention,
    silence_heads,
)

LENGTHS = frozenset({"longer", "shorter", "no length"})
NAMES = ("query", "memory", "key", "value", "mask")
PROJECTED = {"query": "floats", "keys": "floats", "values": "floats", "mask": "mask?"}
FORWARD = {"query": "floats", "memory": "floats", "mask": "mask?"}
BROADCAST = {"mask": frozenset({"batch of 1", "rank - 1", "rank 0", "rank + 1"})}


def additive(s: Sizes) -> AdditiveAttention:
    return AdditiveAttention(s.C, s.M, s.D + 1)


def single(s: Sizes) -> SingleHeadAttention:
    return SingleHeadAttention(s.C, s.M, s.D, value_size=s.D + 1)


def multi(s: Sizes) -> MultiHeadAttention:
    return MultiHeadAttention(s.C, s.H, num_kv_heads=s.H_kv, memory_size=s.M).eval()


def forward(s: Sizes, module) -> dict:
    return {
        "query": s.floats(s.B, s.T_q, s.C),
        "memory": s.floats(s.B, s.T_k, s.M),
        "mask": s.mask(s.B, s.T_q, s.T_k),
    }


def projected(s: Sizes, module) -> dict:
    lawful = forward(s, module)
    with torch.no_grad():
        keys, values = module.project(lawful.pop("memory"))
    return lawful | {"keys": keys, "values": values}


def memory(s: Sizes, module) -> dict:
    return {"memory": s.floats(s.B, s.T_k, s.M)}


def causal(arguments):
    return lambda s, module: arguments(s, module) | {"is_causal": True}


def cached(s: Sizes, module) -> dict:
    new = s.floats(s.B, s.T_q, s.C)
    return {"query": new, "is_causal": True, "cache": cache_of(s)} | {
        "counts": s.ids(s.B, below=s.T_q + 1)
    }


def silence(s: Sizes):
    def call(attention, heads):
        with silence_heads(attention, heads):
            pass

    return call, {"attention": multi(s), "heads": [0]}


MODULES = [
    Target(
        name="AdditiveAttention",
        make=constructor(
            AdditiveAttention,
            lambda s: {"query_size": s.C, "key_size": s.M, "d_attention": s.D},
            activation=torch.tanh,
        ),
        kinds={"query_size": "size", "key_size": "size", "d_attention": "size"}
        | {"activation": "callable"},
    ),
    Target(
        name="AdditiveAttention.project",
        make=method(additive, "project", memory),
        kinds={"memory": "floats"},
        allows={"memory": ONE_TENSOR},
    ),
    Target(
        name="AdditiveAttention.scores",
        make=method(
            additive,
            "scores",
            lambda s, _: {
                "query": s.floats(s.B, s.T_q, s.C),
                "keys": s.floats(s.B, s.T_k, s.D + 1),
            },
        ),
        kinds={"query": "floats", "keys": "floats"},
        allows={"query": LENGTHS, "keys": LENGTHS},
        also=NAMES,
    ),
    Target(
        name="SingleHeadAttention",
        make=constructor(
            SingleHeadAttention,
            lambda s: {"query_size": s.C, "memory_size": s.M, "head_dim": s.D, "value_size": 3},
            scale=0.5,
        ),
        kinds={"query_size": "size", "memory_size": "size", "head_dim": "size"}
        | {"value_size": "size?", "scale": "number?"},
    ),
    Target(
        name="SingleHeadAttention.project",
        make=method(single, "project", memory),
        kinds={"memory": "floats"},
        allows={"memory": ONE_TENSOR},
    ),
    Target(
        name="MultiHeadAttention",
        make=constructor(
            MultiHeadAttention,
            lambda s: {"d_model": s.C, "num_heads": s.H, "num_kv_heads": s.H_kv, "head_dim": s.D},
            memory_size=5,
            bias=True,
            qk_norm=True,
            dropout=0.1,
            rotary=None,
            score_bias=None,
        ),
        kinds={"d_model": "size", "num_heads": "size", "num_kv_heads": "size?"}
        | {"head_dim": "size?", "memory_size": "size?", "bias": "flag", "qk_norm": "flag"}
        | {"dropout": "share", "rotary": "module?", "score_bias": "module?"},
    ),
    Target(
        name="MultiHeadAttention.project",
        make=method(multi, "project", lambda s, m: memory(s, m) | {"offset": 0}),
        kinds={"memory": "floats"},
        allows={"memory": ONE_TENSOR},
    ),
    Target(
        name="MultiHeadAttention.forward",
        make=method(multi, "forward", causal(forward)),
        kinds=FORWARD | {"memory": "floats", "is_causal": "flag"},
        allows=BROADCAST,
        also=NAMES,
    ),
    Target(
        name="MultiHeadAttention.forward, cached",
        make=method(
            lambda s: MultiHeadAttention(s.C, s.H, num_kv_heads=s.H_kv).eval(), "forward", cached
        ),
        kinds={"query": "floats", "counts": "ids?"},
        allows={"query": LENGTHS},
        changes=("cache",),
        also=(*NAMES, "counts"),
    ),
    Target(
        name="silence_heads",
        make=silence,
        kinds={"attention": "any", "heads": "sequence"},
        allows={"heads": frozenset({"dict"})},  # an empty one names no head
    ),
]
for name, new in (("AdditiveAttention", additive), ("SingleHeadAttention", single)):
    MODULES += [
        Target(
            name=f"{name}.forward",
            make=method(new, "forward", forward),
            kinds=FORWARD,
            allows=BROADCAST,
            also=NAMES,
        )
    ]
for name, new in (
    ("AdditiveAttention", additive),
    ("SingleHeadAttention", single),
    ("MultiHeadAttention", multi),
):
    MODULES += [
        Target(
            name=f"{name}.attend",
            make=method(new, "attend", projected),
            kinds=PROJECTED,
            allows=BROADCAST,
            also=NAMES,
        )
    ]
