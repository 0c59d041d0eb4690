"""What decoding and tiles keep: caches and running softmaxes, each with a lawful call."""

import torch
from targets import ONE_TENSOR, Sizes, Target, method

from txlib.attention import KVCache, OnlineSoftmax


def cache_of(s: Sizes) -> KVCache:
    cache = KVCache(s.B, s.H_kv, s.D, max_len=20)
    with torch.no_grad():
        cache.append(*(s.floats(s.B, s.H_kv, 3, s.D) for _ in range(2)))
    return cache


def append(s: Sizes):
    def call(cache, keys, values, counts):
        with torch.no_grad():
            return cache.append(keys, values, counts)

    new = s.floats(s.B, s.H_kv, s.T_q, s.D)
    counts = s.ids(s.B, below=s.T_q + 1)
    return call, {"cache": cache_of(s), "keys": new, "values": new + 1, "counts": counts}


def update(s: Sizes):
    state = OnlineSoftmax.empty((s.B, s.T_q, s.D))
    values = s.floats(s.B, s.T_k, s.D)
    return state.update, {"scores": s.floats(s.B, s.T_q, s.T_k), "values": values, "out": None}


def online_state(s: Sizes):
    one, context = torch.ones(s.B, s.T_q, 1), s.floats(s.B, s.T_q, s.D)
    return OnlineSoftmax, {"maximum": one, "total": one + 1, "context": context, "base": 2}


def kv_cache(s: Sizes):
    return KVCache, {
        "batch_size": s.B,
        "num_kv_heads": s.H_kv,
        "head_dim": s.D,
        "max_len": 9,
        "window": 4,
    }


STATES = [
    Target(
        name="KVCache",
        make=kv_cache,
        kinds={"batch_size": "size", "num_kv_heads": "size", "head_dim": "size"}
        | {"max_len": "size?", "window": "size?"},
    ),
    Target(
        name="KVCache.append",
        make=append,
        kinds={"keys": "floats", "values": "floats", "counts": "ids?"},
        changes=("cache",),
        also=("keys", "values", "counts"),
    ),
    Target(
        name="KVCache.rollback",
        make=method(cache_of, "rollback", lambda s, _: {"lengths": torch.full((s.B,), 2)}),
        kinds={"lengths": "ids"},
        allows={"lengths": frozenset({"number"})},  # of all rows
    ),
    Target(
        name="KVCache.select",
        make=method(cache_of, "select", lambda s, _: {"rows": s.ids(4, below=s.B)}),
        kinds={"rows": "ids"},
        allows={"rows": ONE_TENSOR | {"wider", "narrower"}},
    ),
    Target(
        name="OnlineSoftmax",
        make=online_state,
        kinds={"maximum": "floats", "total": "floats", "context": "floats", "base": "number"},
        also=("maximum", "total", "context"),
        allows={"context": frozenset({"wider", "narrower"})},
    ),
    Target(
        name="OnlineSoftmax.empty",
        make=lambda s: (OnlineSoftmax.empty, {"shape": (s.B, s.T_q, s.D), "base": 2}),
        kinds={"shape": "sequence", "base": "number"},
    ),
    Target(
        name="OnlineSoftmax.update",
        make=update,
        kinds={"scores": "floats", "values": "floats"},
        also=("scores", "values"),
    ),
    Target(
        name="OnlineSoftmax.merge",
        make=lambda s: (
            OnlineSoftmax.empty((s.B, s.T_q, s.D)).merge,
            {"other": OnlineSoftmax.empty((s.B, s.T_q, s.D))},
        ),
        kinds={"other": "any"},
    ),
]
