"""The functions of txlib.attention, each with a lawful call."""

import warnings

from targets import ONE_TENSOR, Sizes, Target

from txlib import attention
from txlib.attention.flash_triton import flash_attention

HEADS = {"query": "floats", "key": "floats", "value": "floats"}
LOOK = {"is_causal": "flag", "scale": "number?"}
NAMES = ("query", "key", "value", "mask", "bias", "scores")
MASK = frozenset({"batch of 1", "rank - 1", "rank 0"})
MASKED = frozenset({"rank + 1", "rank + 2", "other float", "half", "no batch", "batch + 1"})
BROADCAST = {"mask": MASK, "bias": MASK | {"other float", "half"}}
WIDTH = frozenset({"wider", "narrower"})
LENGTHS = frozenset({"longer", "shorter", "no length"})
ALONE = ONE_TENSOR | {"rank + 1", "rank + 2", "meta", "other float", "half", "wider", "narrower"}


def heads(s: Sizes) -> dict:
    return {
        "query": s.floats(s.B, s.H, s.T_q, s.D),
        "key": s.floats(s.B, s.H_kv, s.T_k, s.D),
        "value": s.floats(s.B, s.H_kv, s.T_k, s.D),
    }


def masked(s: Sizes) -> dict:
    shape = s.B, s.H, s.T_q, s.T_k
    joined = {"mask": s.mask(*shape), "bias": s.floats(*shape), "is_causal": True, "scale": 0.5}
    return heads(s) | joined


def only(arguments: dict, *names: str) -> dict:
    return {name: arguments[name] for name in names}


def lengths(s: Sizes) -> dict:
    return {"key_lengths": s.ids(s.B, below=s.T_k + 1), "is_causal": True, "scale": 0.5}


def quiet_flash(**arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no GPU here: the fallback says so
        return flash_attention(**arguments)


FUNCTIONS = [
    Target(
        name="attention_weights",
        make=lambda s: (
            attention.attention_weights,
            only(masked(s), "query", "key", "mask", "bias", "is_causal", "scale"),
        ),
        kinds={"query": "floats", "key": "floats", "mask": "mask?", "bias": "floats?"} | LOOK,
        allows=BROADCAST,
        also=NAMES,
    ),
    *(
        Target(
            name=function.__name__,
            make=lambda s, function=function: (function, masked(s) | {"dropout": 0.1}),
            kinds=HEADS | {"mask": "mask?", "bias": "floats?", "dropout": "share"} | LOOK,
            allows=BROADCAST | {"value": WIDTH, "dropout": frozenset({"all"})},
            also=NAMES,
        )
        for function in (attention.scaled_dot_product_attention, attention.fused_attention)
    ),
    Target(
        name="standard_attention",
        make=lambda s: (attention.standard_attention, heads(s) | {"is_causal": True, "scale": 1}),
        kinds=HEADS | LOOK,
        allows={"query": LENGTHS, "value": WIDTH},
        also=NAMES,
    ),
    *(
        Target(
            name=name,
            make=lambda s, call=call: (call, heads(s) | lengths(s)),
            kinds=HEADS | LOOK | {"key_lengths": "ids?"},
            allows={"query": LENGTHS, "value": WIDTH},
            also=NAMES,
        )
        for name, call in (
            ("tiled_attention", attention.tiled_attention),
            ("flash_triton.flash_attention", quiet_flash),
        )
    ),
    Target(
        name="tiled_attention, tiles",
        make=lambda s: (attention.tiled_attention, heads(s) | {"tile_q": 2, "tile_k": 3}),
        kinds={"tile_q": "size", "tile_k": "size"},
    ),
    Target(
        name="masked_softmax",
        make=lambda s: (
            attention.masked_softmax,
            {"scores": s.floats(s.B, s.T_q, s.T_k), "mask": s.mask(s.B, s.T_q, s.T_k)},
        ),
        kinds={"scores": "floats", "mask": "mask?"},
        allows={"scores": MASKED} | {"mask": MASK},
        also=NAMES,
    ),
    Target(
        name="grouped_product",
        make=lambda s: (
            attention.grouped_product,
            {"left": s.floats(s.B, s.H, s.T_q, s.D), "right": s.floats(s.B, s.H_kv, s.D, s.T_k)},
        ),
        kinds={"left": "floats", "right": "floats"},
        allows={"left": LENGTHS, "right": WIDTH},
        also=("left", "right"),
    ),
    Target(
        name="causal_mask",
        make=lambda s: (attention.causal_mask, {"T_q": s.T_q, "T_k": s.T_k}),
        kinds={"T_q": "count", "T_k": "count?"},
    ),
    Target(
        name="sliding_window_mask",
        make=lambda s: (
            attention.sliding_window_mask,
            {"T_q": s.T_q, "T_k": s.T_k, "window": 2},
        ),
        kinds={"T_q": "count", "T_k": "count", "window": "size"},
    ),
    Target(
        name="padding_mask",
        make=lambda s: (
            attention.padding_mask,
            {"lengths": s.ids(s.B, below=s.T_k + 1), "max_length": s.T_k},
        ),
        kinds={"lengths": "ids", "max_length": "count?"},
        allows={"lengths": ONE_TENSOR | WIDTH},
    ),
    Target(
        name="fast_memory_needed",
        make=lambda s: (
            attention.fast_memory_needed,
            {"tile_q": s.T_q, "tile_k": s.T_k, "head_dim": s.D},
        ),
        kinds={"tile_q": "size", "tile_k": "size", "head_dim": "size"},
    ),
    Target(
        name="pick_tiles",
        make=lambda s: (attention.pick_tiles, {"fast_memory": 10_000, "head_dim": s.D}),
        kinds={"fast_memory": "size", "head_dim": "size"},
    ),
]
