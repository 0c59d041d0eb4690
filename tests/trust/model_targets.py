"""The models and translators, their configurations, loaders and the capture of weights."""

import dataclasses
from functools import cache

import torch
from targets import WORDS, Sizes, Target, method
from torch import nn

from txlib import models, recurrent

VOCABULARIES = {"source_vocab_size": WORDS, "target_vocab_size": WORDS + 2}
SMALL = {"d_embedding": 6, "hidden_size": 4}
TINY = {"d_model": 8, "num_heads": 2}
STACK = {"num_layers": 1, "d_ff": 12}
TRANSLATORS = {
    "LSTMTranslator": (recurrent.LSTMTranslator, recurrent.Seq2SeqConfig, SMALL),
    "AttentionTranslator": (
        recurrent.AttentionTranslator,
        recurrent.AttentionTranslatorConfig,
        SMALL | {"d_attention": 5},
    ),
    "AttentionOnlyTranslator": (models.AttentionOnlyTranslator, models.AttentionOnlyConfig, TINY),
    "Transformer": (models.Transformer, models.TransformerConfig, TINY | STACK),
}
KINDS = {"int": "size", "int | None": "size?", "float": "share", "bool": "flag"}
SPECIAL = {"pad_id": "count", "bos_id": "count", "eos_id": "count", "max_distance": "count?"}


@cache
def translator(name: str) -> nn.Module:
    kind, config, sizes = TRANSLATORS[name]
    return kind(config(**VOCABULARIES, **sizes)).eval()


@cache
def gpt() -> models.GPT:
    config = models.GPTConfig(vocab_size=WORDS, num_kv_heads=1, max_seq_len=9, **TINY, **STACK)
    return models.GPT(config).eval()


def config_target(kind: type, required: dict) -> Target:
    """Every field spoiled in turn."""
    fields = {field.name: field for field in dataclasses.fields(kind)}
    types = {name: getattr(f.type, "__name__", str(f.type)) for name, f in fields.items()}
    kinds = {name: KINDS.get(type_, "choice") for name, type_ in types.items()}
    kinds |= {name: known for name, known in SPECIAL.items() if name in kinds}
    lawful = {name: field.default for name, field in fields.items()} | required
    return Target(
        name=kind.__name__, make=lambda s: (kind, lawful), kinds=kinds, also=("pad_id", "num_heads")
    )


def model_target(name: str, kind: type, config: object) -> Target:
    def make(s: Sizes):
        return kind, {"config": config}

    return Target(name=name, make=make, kinds={"config": "any"})


def sentences(s: Sizes, _=None) -> dict:
    mask = torch.arange(s.T_k) < s.ids(s.B, below=s.T_k)[:, None] + 1
    return {"source": s.ids(s.B, s.T_k), "source_mask": mask}


def state_of(s: Sizes, model):
    with torch.no_grad():
        return model.encode(**sentences(s))


FAR = frozenset({"negative", "huge"})  # seen where the vectors are looked up
NEW = {"max_new_tokens": 3}
SOURCE = {"source": "ids", "source_mask": "mask"}
BEAM = {"beam_size": 2, "length_penalty": 0.5}
SAMPLE = {"temperature": 0.7, "top_k": 3, "top_p": 0.9}
LENGTHS = frozenset({"wider", "narrower"})
OTHER_ROWS = frozenset({"wider", "narrower"})
INT32 = frozenset({"int32"})


def translator_targets(name: str) -> list[Target]:
    kind, config, sizes = TRANSLATORS[name]

    def of(what: str, arguments, kinds: dict, **options) -> Target:
        return Target(
            name=f"{name}.{what}",
            make=method(lambda s: translator(name), what, arguments),
            kinds=kinds,
            also=("source", "source_mask", "target_in", "rows", "mask", "input"),
            **options,
        )

    def going_on(s: Sizes, model) -> dict:
        return {"state": state_of(s, model), "target_in": s.ids(s.B, s.T_q)}

    decoding = {"max_new_tokens": "size"}
    return [
        model_target(name, kind, config(**VOCABULARIES, **sizes)),
        of("check_source", sentences, SOURCE, allows={"source": FAR}),
        of("encode", sentences, SOURCE),
        *(
            of(what, going_on, {"state": "any", "target_in": "ids"}, allows={"target_in": LENGTHS})
            for what in ("advance", "decode")
        ),
        of(
            "forward",
            lambda s, m: sentences(s) | {"target_in": s.ids(s.B, s.T_q)},
            SOURCE | {"target_in": "ids"},
            allows={"target_in": LENGTHS},
        ),
        of(
            "select",
            lambda s, m: {"state": state_of(s, m), "rows": s.ids(4, below=s.B)},
            {"state": "any", "rows": "ids"},
            allows={
                "rows": OTHER_ROWS | {"batch of 1", "batch - 1", "batch + 1"},
            },
        ),
        of("greedy_decode", lambda s, m: sentences(s) | NEW, SOURCE | decoding),
        of(
            "beam_decode",
            lambda s, m: sentences(s) | NEW | BEAM,
            SOURCE | decoding | {"beam_size": "size", "length_penalty": "number"},
        ),
        of(
            "sample_decode",
            lambda s, m: sentences(s) | NEW | SAMPLE,
            SOURCE | decoding | {"temperature": "positive", "top_k": "size?", "top_p": "positive?"},
            allows={"temperature": frozenset({"0", "-0.0"})},
        ),
    ]


def tokens(s: Sizes, _=None) -> dict:
    return {"tokens": s.ids(s.B, s.T_q)}


def cached(s: Sizes, model) -> dict:
    cache = model.new_cache(s.B, max_len=9)
    return tokens(s) | {"cache": cache, "counts": torch.full((s.B,), 2)}


def gpt_target(what: str, arguments, kinds: dict, **options) -> Target:
    return Target(
        name=f"GPT.{what.split(',')[0]}" if "," not in what else f"GPT.{what}",
        make=method(lambda s: gpt(), what.split(",")[0], arguments),
        kinds=kinds,
        also=("tokens", "mask", "counts", "cache", "keys"),
        **options,
    )


MANY = frozenset({"batch of 1", "batch - 1", "batch + 1", "no batch", "wider", "narrower"})
GPT_TARGETS = [
    model_target("GPT", models.GPT, gpt().config),
    gpt_target("forward", tokens, {"tokens": "ids"}, allows={"tokens": MANY | {"transposed"}}),
    gpt_target("read", tokens, {"tokens": "ids"}, allows={"tokens": MANY | {"transposed"}}),
    gpt_target(
        "forward, cached",
        cached,
        {"tokens": "ids", "cache": "any", "counts": "ids?"},
        allows={"tokens": LENGTHS},
        changes=("cache",),
    ),
    gpt_target("forward, no cache", lambda s, m: tokens(s) | {"counts": None}, {"counts": "any?"}),
    gpt_target(
        "new_cache",
        lambda s, m: {"batch_size": s.B, "max_len": 9},
        {"batch_size": "size", "max_len": "size"},
    ),
    gpt_target("stepper", lambda s, m: {"cache": m.new_cache(1, max_len=3)}, {"cache": "any"}),
    gpt_target(
        "check_reach",
        lambda s, m: {"length": 3, "max_new_tokens": 2},
        {"length": "count", "max_new_tokens": "count"},
    ),
    gpt_target(
        "generate",
        lambda s, m: (
            tokens(s)
            | {"mask": torch.ones(s.B, s.T_q, dtype=torch.bool), "eos_id": 2, "pad_id": 0}
            | {"use_cache": True}
            | NEW
            | SAMPLE
        ),
        {"tokens": "ids", "mask": "mask?", "max_new_tokens": "size", "eos_id": "count?"}
        | {"temperature": "positive", "top_k": "size?", "top_p": "positive?", "use_cache": "flag"},
        allows={"temperature": frozenset({"0", "-0.0"})},
    ),
]


CONFIGS = [
    config_target(config, VOCABULARIES | sizes) for _, config, sizes in TRANSLATORS.values()
] + [config_target(models.GPTConfig, {"vocab_size": WORDS} | TINY | STACK)]
TRANSLATOR_TARGETS = [target for name in TRANSLATORS for target in translator_targets(name)]
