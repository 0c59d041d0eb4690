"""What the recipes' studies may be given."""

import torch
from kinds import Kind, flag, junk, made, not_callable, nothing, number, one_of, whole
from recipes_parts import (
    CORPUS,
    CPU,
    PAIRS,
    TRANSLATOR,
    maybe_device,
    only,
    size,
    text_pairs,
    wholes,
)
from sheets import Sheet
from torch import nn

from txlib.attention import MultiHeadAttention
from txlib.data.running_text import RunningText
from txlib.models import GPT, GPTConfig
from txlib.recipes import (
    cached_decoding,
    depth,
    gpu_stopwatch,
    position_extrapolation,
    speculation,
    tied_roles,
    transformer_ablation,
    writers,
)

SIZES = {"vocab_size": 9, "d_model": 8, "num_layers": 1, "num_heads": 2, "positions": "rope"}
WRITER = GPT(GPTConfig(**SIZES)).eval()
TEXT = RunningText(ids=[0, 1, 2, 3] * 5, length=4, batch_size=2)
QUESTIONS = position_extrapolation.new_questions("place", 4, batch_size=2, seed=0)
READER = position_extrapolation.new_model("rope", QUESTIONS, d_model=8).eval()
START = torch.tensor([[1, 2]])
RATE = number(lambda v: v >= 0, upto=0.1)
STEPS, SEED = whole(1, upto=1), whole(0, 2**63 - 1)
NOBODY = Kind(junk(), lambda v: False)
TOKENS = made(
    lambda v: v is START, lambda: START, lambda: START.float(), lambda: START[0],
    lambda: START + 7, lambda: -START, lambda: START[:, :0],
)  # fmt: skip


def attention():
    return MultiHeadAttention(8, 2)


SHEETS = {
    "depth.Stack": Sheet(
        call=depth.Stack,
        good=lambda: {"arm": "pre-norm", "depth": 1, "d_model": 8, "num_heads": 2},
        kinds={"arm": one_of(*depth.ARMS), "depth": whole(1, upto=2), "d_model": size(8, 7, 0),
               "num_heads": size(2, 3, 0, -1)},
    ),
    "depth.puzzle": Sheet(
        call=depth.puzzle,
        good=lambda: {"batch_size": 1, "generator": torch.Generator()},
        kinds={"batch_size": whole(1),
               "generator": made(lambda v: isinstance(v, torch.Generator), torch.Generator)},
    ),
    "depth.train": Sheet(
        call=depth.train,
        good=lambda: {"arm": "pre-norm", "depth": 1, "learning_rate": 0.01, "warmup": 0, "seed": 0,
                      "steps": 1, "batch_size": 2, "d_model": 8, "device": CPU},
        kinds={"arm": one_of("pre-norm", "neither"), "depth": whole(1, upto=1),
               "learning_rate": RATE, "warmup": whole(0), "seed": SEED, "steps": STEPS,
               "batch_size": whole(1), "d_model": size(8, 7, 0), "device": maybe_device()},
    ),
    "position_extrapolation.new_questions": Sheet(
        call=position_extrapolation.new_questions,
        good=lambda: {"task": "place", "n": 4, "batch_size": 2, "seed": 0},
        kinds={"task": one_of("place", "distance"), "n": whole(2), "batch_size": whole(1),
               "seed": whole()},
    ),
    "position_extrapolation.new_model": Sheet(
        call=position_extrapolation.new_model,
        good=lambda: {"scheme": "rope", "questions": QUESTIONS, "d_model": 8},
        kinds={"scheme": one_of("rope", "alibi"), "questions": only(QUESTIONS),
               "d_model": size(8, 7, 0)},
    ),
    "position_extrapolation.train": Sheet(
        call=position_extrapolation.train,
        good=lambda: {"model": position_extrapolation.new_model("rope", QUESTIONS, d_model=8),
                      "questions": QUESTIONS, "scheme": "rope", "steps": 2, "learning_rate": 0.01},
        kinds={"model": NOBODY, "questions": only(QUESTIONS),
               "scheme": one_of("rope", "rope_interpolated"), "steps": STEPS,
               "learning_rate": RATE},
        changes=("model",),
    ),
    "position_extrapolation.answers_by_position": Sheet(
        call=position_extrapolation.answers_by_position,
        good=lambda: {"model": READER, "questions": QUESTIONS, "width": 4, "batches": 1},
        kinds={"model": only(READER), "questions": only(QUESTIONS), "width": whole(1),
               "batches": whole(1)},
    ),
    "position_extrapolation.run": Sheet(
        call=position_extrapolation.run,
        good=lambda: {"task": "place", "scheme": "rope", "seed": 0, "n": 4, "steps": 1,
                      "batch_size": 2},
        kinds={"task": NOBODY,
               "scheme": NOBODY, "seed": Kind(junk().filter(lambda v: not isinstance(v, int)),
                                              lambda v: None),
               "n": size(4, 1, 0, -4), "steps": size(1, 0, -1), "batch_size": size(2, 0, -1)},
    ),
    "cached_decoding.Rereading": Sheet(
        call=cached_decoding.Rereading,
        good=lambda: {"model": TRANSLATOR.model},
        kinds={"model": only(TRANSLATOR.model, nn.Linear(1, 1))},
    ),
    "cached_decoding.without_cache": Sheet(
        call=cached_decoding.without_cache,
        good=lambda: {"translator": TRANSLATOR},
        kinds={"translator": only(TRANSLATOR)},
    ),
    "cached_decoding.compare": Sheet(
        call=cached_decoding.compare,
        good=lambda: {"translator": TRANSLATOR, "pairs": PAIRS, "rounds": 1},
        kinds={"translator": only(TRANSLATOR), "pairs": text_pairs(1), "rounds": whole(1, upto=1)},
    ),
    "speculation.agreement": Sheet(
        call=speculation.agreement,
        good=lambda: {"target": WRITER, "draft": WRITER, "tokens": START},
        kinds={"target": only(WRITER), "draft": only(WRITER), "tokens": TOKENS},
    ),
    "speculation.seconds": Sheet(
        call=speculation.seconds,
        good=lambda: {"call": dict, "device": CPU},
        kinds={"call": not_callable(), "device": only(CPU)},
    ),
    "speculation.compare": Sheet(
        call=speculation.compare,
        good=lambda: {"target": WRITER, "draft": WRITER, "tokens": START, "new": 2,
                      "lengths": [1]},
        kinds={"target": only(WRITER), "draft": only(WRITER), "tokens": TOKENS,
               "new": whole(1, upto=2), "lengths": wholes(1, [1, 2])},
    ),
    "writers.english_text": Sheet(
        call=writers.english_text,
        good=lambda: {"split": "test", "sentences": 1, "max_length": 8},
        kinds={"split": one_of("test", "train"), "sentences": whole(0),
               "max_length": size(8, 0, -1, 99) | nothing()},
        says={"sentences": ("size",)},
    ),
    "writers.train_writer": Sheet(
        call=writers.train_writer,
        good=lambda: {"text": TEXT, "vocab_size": 4, "num_layers": 1, "d_model": 32, "steps": 1,
                      "learning_rate": 0.01, "seed": 0},
        kinds={"text": only(TEXT), "vocab_size": whole(4), "num_layers": whole(1, upto=1),
               "d_model": size(32, 0, 31, 33, -32), "steps": STEPS, "learning_rate": RATE,
               "seed": SEED},
    ),
    "tied_roles.tie": Sheet(
        call=tied_roles.tie,
        good=lambda: {"attention": attention(), "variant": "K = V"},
        kinds={"attention": made(lambda v: isinstance(v, MultiHeadAttention), attention),
               "variant": one_of(*tied_roles.SHARED)},
        changes=("attention",),
    ),
    "tied_roles.train": Sheet(
        call=tied_roles.train,
        good=lambda: {"corpus": CORPUS, "variant": "K = V", "seed": 0, "steps": 1, "d_model": 8,
                      "device": CPU},
        kinds={"corpus": only(CORPUS), "variant": one_of("K = V", "separate"), "seed": SEED,
               "steps": STEPS, "d_model": size(8, 0, -8), "device": maybe_device()},
    ),
    "transformer_ablation.corpus_of": Sheet(
        call=transformer_ablation.corpus_of,
        good=lambda: {"train_size": 1, "held_out": 1},
        kinds={"train_size": whole(1), "held_out": whole(1)},
    ),
    "transformer_ablation.rate_factor": Sheet(
        call=transformer_ablation.rate_factor,
        good=lambda: {"step": 1, "schedule": "cosine", "warm_up": True, "warmup_steps": 2,
                      "total_steps": 9},
        kinds={"step": whole(0), "schedule": one_of("cosine", "inverse_sqrt"), "warm_up": flag(),
               "warmup_steps": whole(1, 8), "total_steps": Kind(
                   whole(1).values, lambda v: None if whole(1).lawful(v) else False)},
        says={"warmup_steps": ("total_steps",), "total_steps": ("warmup_steps",)},
    ),
    "transformer_ablation.train": Sheet(
        call=transformer_ablation.train,
        good=lambda: {"arm": "as in 2017", "seed": 0, "corpus": CORPUS, "steps": 1,
                      "learning_rate": 0.01, "warmup_steps": 1,
                      "sizes": {"d_model": 8, "num_heads": 2, "num_layers": 1}, "device": CPU},
        kinds={"arm": one_of("as in 2017", "pre-norm"), "seed": SEED, "corpus": only(CORPUS),
               "steps": STEPS, "learning_rate": RATE, "warmup_steps": whole(1),
               "sizes": made(lambda v: None if isinstance(v, dict) and len(v) == 0 else False,
                             lambda: {"d_model": 7, "num_heads": 2},
                             lambda: {"no such": 1}),
               "device": maybe_device()},
        says={"sizes": ("d_model", "no such", "TransformerConfig", "options")},
        right=lambda found, a: found is not None,
    ),
    "transformer_ablation.measure": Sheet(
        call=transformer_ablation.measure,
        good=lambda: {"translator": TRANSLATOR, "corpus": CORPUS},
        kinds={"translator": only(TRANSLATOR), "corpus": only(CORPUS)},
    ),
    "gpu_stopwatch.take_turns": Sheet(
        call=gpu_stopwatch.take_turns,
        good=lambda: {"calls": {"a": dict}, "device": CPU, "repeats": 1, "at_once": 0.0},
        kinds={"calls": Kind(junk(), lambda v: isinstance(v, dict) and not v),
               "device": only(CPU), "repeats": whole(1), "at_once": RATE},
    ),
    "gpu_stopwatch.milliseconds": Sheet(
        call=gpu_stopwatch.milliseconds,
        good=lambda: {"call": dict, "device": CPU, "times": 1},
        kinds={"call": not_callable(), "device": only(CPU), "times": whole(1)},
    ),
    "gpu_stopwatch.why_not_run": Sheet(
        call=gpu_stopwatch.why_not_run,
        good=lambda: {"call": dict},
        kinds={"call": not_callable()},
    ),
}  # fmt: skip
