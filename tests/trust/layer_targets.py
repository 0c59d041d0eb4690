"""Every public callable of txlib.layers, with a lawful call of it."""

import torch
from targets import ONE_TENSOR, Sizes, Target, constructor, method

from txlib import layers

ANY = ONE_TENSOR | {"rank + 1", "rank + 2"}  # (..., C)
BROADCAST = frozenset({"batch of 1", "rank - 1", "rank 0", "rank + 1"})
LENGTHS = frozenset({"longer", "shorter", "no length"})
BLOCK = {"d_model": "size", "num_heads": "size", "d_ff": "size", "num_kv_heads": "size?"} | {
    "norm_order": "choice",
    "norm": "choice",
    "activation": "choice",
    "dropout": "share",
    "bias": "flag",
    "qk_norm": "flag",
    "rotary": "module?",
    "score_bias": "module?",
}
NAMES = ("x", "memory", "mask", "query", "keys", "values", "key", "value")


def block_arguments(s: Sizes) -> dict:
    sizes = {"d_model": s.C, "num_heads": s.H, "d_ff": 5, "num_kv_heads": s.H_kv}
    choices = {"norm_order": "pre", "norm": "rms", "activation": "swiglu", "dropout": 0.1}
    return sizes | choices | {"bias": True, "qk_norm": True, "rotary": None, "score_bias": None}


def encoder(s: Sizes) -> layers.EncoderBlock:
    return layers.EncoderBlock(s.C, s.H, 5, num_kv_heads=s.H_kv).eval()


def decoder(s: Sizes) -> layers.DecoderBlock:
    return layers.DecoderBlock(s.C, s.H, 5, num_kv_heads=s.H_kv).eval()


def x(s: Sizes, _=None) -> dict:
    return {"x": s.floats(s.B, s.T_q, s.C)}


def looking(s: Sizes, _=None) -> dict:
    masks = {"mask": s.mask(s.B, s.T_q, s.T_q), "memory_mask": s.mask(s.B, s.T_q, s.T_k)}
    return x(s) | {"memory": s.floats(s.B, s.T_k, s.C), "is_causal": True} | masks


def projected(s: Sizes, block) -> dict:
    arguments = looking(s)
    with torch.no_grad():
        keys, values = block.project_memory(arguments.pop("memory"))
    return arguments | {"memory_keys": keys, "memory_values": values}


def feed_forward(kind):
    kinds = {"d_model": "size", "d_ff": "size", "dropout": "share", "bias": "flag"}
    return [
        Target(
            name=kind.__name__,
            make=constructor(
                kind, lambda s: {"d_model": s.C, "d_ff": 5, "dropout": 0.1, "bias": True}
            ),
            kinds=kinds,
        ),
        Target(
            name=f"{kind.__name__}.forward",
            make=method(lambda s: kind(s.C, 5).eval(), "forward", x),
            kinds={"x": "floats"},
            allows={"x": ANY | {"rank - 1"}},
        ),
    ]


def norm(kind):
    return [
        Target(
            name=kind.__name__,
            make=constructor(kind, lambda s: {"d_model": s.C, "eps": 1e-5}),
            kinds={"d_model": "size", "eps": "positive"},
        ),
        Target(
            name=f"{kind.__name__}.forward",
            make=method(lambda s: kind(s.C), "forward", x),
            kinds={"x": "floats"},
            allows={"x": ANY | {"rank - 1", "other float", "half"}},
        ),
    ]


FLOATS = frozenset({"other float", "half"})
TARGETS = [
    *feed_forward(layers.FeedForward),
    *feed_forward(layers.GatedFeedForward),
    *norm(layers.LayerNorm),
    *norm(layers.RMSNorm),
    Target(
        name="LayerNorm, bias",
        make=constructor(layers.LayerNorm, lambda s: {"d_model": s.C, "bias": True}),
        kinds={"bias": "flag"},
    ),
    Target(
        name="FeedForward, activation",
        make=constructor(
            layers.FeedForward, lambda s: {"d_model": s.C, "d_ff": 5, "activation": "gelu"}
        ),
        kinds={"activation": "choice"},
    ),
    Target(
        name="layer_norm",
        make=lambda s: (
            layers.layer_norm,
            x(s) | {"weight": s.floats(s.C), "bias": s.floats(s.C), "eps": 1e-5},
        ),
        kinds={"x": "floats", "weight": "floats?", "bias": "floats?", "eps": "positive"},
        allows={"x": ANY | FLOATS | {"rank - 1"}, "weight": FLOATS, "bias": FLOATS},
        also=("x", "weight", "bias"),
    ),
    Target(
        name="rms_norm",
        make=lambda s: (layers.rms_norm, x(s) | {"weight": s.floats(s.C), "eps": 1e-5}),
        kinds={"x": "floats", "weight": "floats?", "eps": "positive"},
        allows={"x": ANY | FLOATS | {"rank - 1"}, "weight": FLOATS},
        also=("x", "weight"),
    ),
    Target(
        name="initialize_",
        make=lambda s: (
            layers.initialize_,
            {"module": encoder(s), "num_layers": 2, "std": 0.02},
        ),
        kinds={"module": "module", "num_layers": "size?", "std": "positive"},
        changes=("module",),
    ),
    Target(
        name="xavier_",
        make=lambda s: (layers.xavier_, {"module": encoder(s)}),
        kinds={"module": "module"},
        changes=("module",),
    ),
    *(
        Target(
            name=kind.__name__,
            make=constructor(kind, block_arguments),
            kinds=BLOCK,
            also=("heads",),
        )
        for kind in (layers.EncoderBlock, layers.DecoderBlock)
    ),
    *(
        Target(
            name=f"{new.__name__.title()}Block.check_stream",
            make=method(new, "check_stream", x),
            kinds={"x": "floats"},
            allows={"x": ONE_TENSOR | FLOATS | {"meta", "int64", "uint8", "bool", "complex64"}},
        )
        for new in (encoder, decoder)
    ),
    Target(
        name="EncoderBlock.forward",
        make=method(
            encoder,
            "forward",
            lambda s, _: x(s) | {"mask": s.mask(s.B, s.T_q, s.T_q), "is_causal": True},
        ),
        kinds={"x": "floats", "mask": "mask?", "is_causal": "flag"},
        allows={"mask": BROADCAST, "x": frozenset({"no batch", "batch + 1"})},
        also=NAMES,
    ),
    Target(
        name="EncoderBlock.forward, cache",
        make=method(encoder, "forward", lambda s, _: x(s) | {"is_causal": True, "cache": None}),
        kinds={"cache": "any?"},
        also=NAMES,
    ),
    Target(
        name="DecoderBlock.forward",
        make=method(decoder, "forward", looking),
        kinds={"x": "floats", "memory": "floats", "mask": "mask?", "memory_mask": "mask?"}
        | {"is_causal": "flag"},
        allows={"mask": BROADCAST, "memory_mask": BROADCAST},
        also=NAMES,
    ),
    Target(
        name="DecoderBlock.project_memory",
        make=method(decoder, "project_memory", lambda s, _: {"memory": s.floats(s.B, 2, s.C)}),
        kinds={"memory": "floats"},
        allows={"memory": ONE_TENSOR},
    ),
    Target(
        name="DecoderBlock.forward_projected",
        make=method(decoder, "forward_projected", projected),
        kinds={"x": "floats", "memory_keys": "floats", "memory_values": "floats"}
        | {"mask": "mask?", "memory_mask": "mask?", "is_causal": "flag"},
        allows={"mask": BROADCAST, "memory_mask": BROADCAST},
        also=NAMES,
    ),
]
