"""The training recipe of 2017, one part taken away at a time, and the model's choices, one changed.

    python -m txlib.recipes.transformer_ablation --record book/results/transformer_ablation.json

Every arm differs from the first in one setting. All get the same sentences of the grammar, at most
16 words long, the same number of updates, and the same seeds (chapter 7).
"""

import argparse
import math
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from txlib.checks import check_flag, check_kind, check_one_of, check_whole
from txlib.data.batching import BucketedBatches
from txlib.data.grammar import Pair, detokenize, generate
from txlib.device import pick_device, seed_everything
from txlib.recipes.argument_checks import check_device, check_fields, check_rate
from txlib.recipes.options import COUNT, FROM_ZERO, RATE, SEED
from txlib.recipes.records import new_record, portable_command, write_record
from txlib.recipes.translation_data import Corpus
from txlib.recipes.translation_evaluation import evaluate
from txlib.recipes.translator import Translator, new_translator
from txlib.training import fit, inverse_square_root, mean_loss, translation_loss, warmup_cosine

AS_IN_2017: dict[str, Any] = {
    "norm_order": "post",
    "positions": "sinusoidal",
    "activation": "relu",
    "tie_embeddings": True,
    "dropout": 0.1,
    "warm_up": True,
    "schedule": "inverse_sqrt",
    "beta2": 0.98,
    "label_smoothing": 0.1,
    "ignore_padding": True,
}
ARMS: dict[str, dict[str, Any]] = {  # what each changes
    "as in 2017": {},
    "no warm-up": {"warm_up": False},
    "no label smoothing": {"label_smoothing": 0.0},
    "padding in the loss": {"ignore_padding": False},
    "tables not tied": {"tie_embeddings": False},
    "no dropout": {"dropout": 0.0},
    "pre-norm": {"norm_order": "pre"},
    "learned positions": {"positions": "learned"},
    "rotary positions": {"positions": "rope"},
    "GELU": {"activation": "gelu"},
    "cosine schedule": {"schedule": "cosine"},
    "Adam's usual beta2": {"beta2": 0.999},
}
MODEL = ("norm_order", "positions", "activation", "tie_embeddings", "dropout")
LENGTHS = {"max_length": 16}
EDGES = (4, 8, 12, 16)


def corpus_of(train_size: int, held_out: int) -> Corpus:
    """Short sentences of the grammar, the same at every call.

    Raises:
        ValueError: if a number is below 1.
    """
    check_whole("train_size", train_size, least=1)
    check_whole("held_out", held_out, least=1)
    sizes = {"train": train_size, "validation": held_out, "test": held_out}
    splits = {
        split: [_text(pair) for pair in generate(split, size, **LENGTHS)]
        for split, size in sizes.items()
    }
    return Corpus(name="grammar", text="as written", lowercase=False, splits=splits, edges=EDGES)


def _text(pair: Pair) -> tuple[str, str]:
    return detokenize(pair.source), detokenize(pair.target)


def rate_factor(
    step: int, *, schedule: str, warm_up: bool, warmup_steps: int, total_steps: int
) -> float:
    """The schedule of an arm; without warm-up the climb alone is missing, not the fall after it.

    Raises:
        ValueError: if there is no such schedule, or a number is out of range.
    """
    check_one_of("schedule", schedule, ("inverse_sqrt", "cosine"))
    check_flag("warm_up", warm_up)
    check_whole("step", step, least=0)
    check_whole("warmup_steps", warmup_steps, least=1)
    check_whole("total_steps", total_steps, least=1)
    at = step if warm_up else max(step, warmup_steps - 1)
    if schedule == "inverse_sqrt":
        return inverse_square_root(at, warmup_steps=warmup_steps)
    return warmup_cosine(at, warmup_steps=warmup_steps, total_steps=total_steps)


def train(
    arm: str,
    seed: int,
    corpus: Corpus,
    *,
    steps: int,
    learning_rate: float,
    warmup_steps: int,
    sizes: dict[str, int],
    device: torch.device,
) -> tuple[Translator, list[float]]:
    """A translator trained as an arm says, from one seed, and its losses; NaN ends them.

    Raises:
        ValueError: if there is no such arm, or an argument is of another kind or out of range.
    """
    check_one_of("arm", arm, ARMS)
    check_kind("corpus", corpus, Corpus)
    check_whole("steps", steps, least=1)
    check_whole("warmup_steps", warmup_steps, least=1)
    check_rate("learning_rate", learning_rate)
    check_fields("sizes", sizes)
    check_device("device", device)
    setting = AS_IN_2017 | ARMS[arm]
    seed_everything(seed)
    options = sizes | {name: setting[name] for name in MODEL}
    translator = new_translator("transformer", corpus, options, device=device)
    parameters = translator.model.parameters()
    try:
        history = fit(
            translator.model,
            BucketedBatches(translator.encode_pairs(corpus.splits["train"]), 64, seed=seed),
            steps=steps,
            learning_rate=learning_rate,
            schedule=partial(
                rate_factor,
                schedule=setting["schedule"],
                warm_up=setting["warm_up"],
                warmup_steps=warmup_steps,
                total_steps=steps,
            ),
            optimizer=torch.optim.Adam(parameters, betas=(0.9, setting["beta2"]), fused=True),
            loss=partial(
                translation_loss,
                label_smoothing=setting["label_smoothing"],
                ignore_padding=setting["ignore_padding"],
            ),
            progress=False,
        )
    except FloatingPointError:
        translator.model.eval()
        return translator, [math.nan]
    return translator, history.losses


def measure(translator: Translator, corpus: Corpus) -> dict[str, Any]:
    """Plain loss over the real tokens of validation pairs, whatever was trained; test scores.

    Raises:
        ValueError: if an argument is of another kind.
    """
    check_kind("translator", translator, Translator)
    check_kind("corpus", corpus, Corpus)
    held_out = BucketedBatches(
        translator.encode_pairs(corpus.splits["validation"]), 256, shuffle=False
    )
    return {
        "parameters": translator.num_parameters,
        "validation_loss": mean_loss(translator.model, held_out.epoch(0)),
        "test": evaluate(translator, corpus.splits["test"], edges=corpus.edges),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Train every arm from every seed, then write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m txlib.recipes.transformer_ablation", description=__doc__
    )
    parser.add_argument("--record", type=Path, required=True, help="where the record goes")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", type=SEED, nargs="+", default=[0, 1, 2], help="one run each")
    parser.add_argument("--steps", type=COUNT, default=600, help="updates of each run")
    parser.add_argument("--learning-rate", type=RATE, default=3e-3, help="the peak rate")
    parser.add_argument("--warmup-steps", type=FROM_ZERO, default=150, help="steps of the climb")
    parser.add_argument("--d-model", type=COUNT, default=96, help="features of a token")
    parser.add_argument("--num-heads", type=COUNT, default=4, help="heads of each look")
    parser.add_argument("--num-layers", type=COUNT, default=2, help="blocks on either side")
    parser.add_argument("--train-size", type=COUNT, default=40_000, help="pairs to learn from")
    parser.add_argument("--held-out", type=COUNT, default=1000, help="pairs to measure on")
    args = parser.parse_args(arguments)
    device, corpus = pick_device(), corpus_of(args.train_size, args.held_out)
    sizes = {name: getattr(args, name) for name in ("d_model", "num_heads", "num_layers")}
    training = {name: getattr(args, name) for name in ("steps", "learning_rate", "warmup_steps")}
    found: dict[str, Any] = {arm: {"changes": ARMS[arm], "runs": []} for arm in args.arms}
    rounds = [(seed, arm) for seed in args.seeds for arm in args.arms]
    for seed, arm in tqdm(rounds, desc="runs"):
        translator, losses = train(arm, seed, corpus, **training, sizes=sizes, device=device)
        diverged = math.isnan(losses[-1])
        scores = {} if diverged else measure(translator, corpus)
        found[arm]["runs"].append({"seed": seed, "diverged": diverged, **scores})
    data = {"train_size": args.train_size, "held_out": args.held_out, **LENGTHS}
    results = {"settings": training | sizes | data, "base": AS_IN_2017, "arms": found}
    command = portable_command(["python", "-m", "txlib.recipes.transformer_ablation", *arguments])
    write_record(args.record, new_record(command, device, seeds=args.seeds, results=results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
