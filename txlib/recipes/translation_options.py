"""The command line of `txlib.recipes.translation`: every option, and each corpus's defaults."""

import argparse
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

from txlib.layers.feed_forward import Activation
from txlib.layers.residual_block import NormOrder
from txlib.positions import SCHEMES
from txlib.recipes.argument_checks import check_texts
from txlib.recipes.options import COUNT, FROM_ZERO, RATE, SEED, SHARE
from txlib.recipes.records import portable_command
from txlib.recipes.translation_data import TOKENIZERS
from txlib.recipes.translator import MODELS
from txlib.recurrent.attention_translator import Look, Score

MODULE = "txlib.recipes.translation"
PRESETS = {
    "grammar": {
        "steps": 4000,
        "batch_size": 64,
        "learning_rate": 3e-3,
        "d_embedding": 128,
        "hidden_size": 256,
        "d_model": 256,
        "dropout": 0.0,
        "min_count": 1,
    },
    "multi30k": {
        "steps": 4500,
        "batch_size": 64,
        "learning_rate": 2e-3,
        "d_embedding": 128,
        "hidden_size": 256,
        "d_model": 256,
        "dropout": 0.3,
        "min_count": 2,
    },
}
TRANSFORMER = {  # what a translator of this depth wants otherwise
    "grammar": {"d_model": 96, "num_layers": 3, "norm_order": "pre"},
    "multi30k": {"num_layers": 3, "norm_order": "pre", "learning_rate": 1e-3},
}


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line, with what is not given filled in from the corpus's preset."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {MODULE}",
        usage="%(prog)s [--data {grammar,multi30k}] [--model NAME] [--out FOLDER] [options]",
        description="Train an English-French translator, measure it, and leave a record. "
        "Ctrl-C saves; the same command with --resume goes on as if nothing had happened. "
        "Under torchrun the processes share each batch.",
    )
    _add_run(parser.add_argument_group("the run"))
    _add_training(parser.add_argument_group("training"))
    _add_model(parser.add_argument_group("model and text"))
    args = parser.parse_args(arguments)
    own = TRANSFORMER[args.data] if args.model == "transformer" else {}
    for name, value in (PRESETS[args.data] | own).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    args.out = args.out or Path("runs") / f"{args.data}_{args.model}"
    return args


def model_options(args: argparse.Namespace) -> dict[str, Any]:
    """The fields of the model's configuration that the command line decides."""
    config_class, _ = MODELS[args.model]
    options = vars(args) | {"bidirectional": not args.one_direction}
    names = {field.name for field in fields(config_class)}
    return {name: options[name] for name in names & options.keys() if options[name] is not None}


def commands(arguments: Sequence[str]) -> tuple[str, str]:
    """The line that makes the same run anew, fit for a record, and the one that goes on with it."""
    check_texts("arguments", arguments)
    fresh = [argument for argument in arguments if argument != "--resume"]
    processes = os.environ.get("WORLD_SIZE")
    launcher = ["torchrun", "--nproc-per-node", processes] if processes else ["python"]
    again = shlex.join([*launcher, "-m", MODULE, *fresh, "--resume"])
    return portable_command([*launcher, "-m", MODULE, *fresh]), again


def _add_run(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--data", choices=sorted(PRESETS), default="grammar", help="the corpus (default: grammar)"
    )
    group.add_argument(
        "--model", choices=sorted(MODELS), default="lstm", help="the translator (default: lstm)"
    )
    group.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="where the runs go, one folder a seed (default: runs/<data>_<model>)",
    )
    group.add_argument(
        "--seed",
        "--seeds",
        dest="seeds",
        type=SEED,
        nargs="+",
        default=[0],
        metavar="N",
        help="one run each (default: 0)",
    )
    group.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    group.add_argument(
        "--record", type=Path, metavar="FILE", help="also write the record here, as JSON"
    )
    group.add_argument("--device", help="such as cpu or cuda (default: the best there is)")


def _add_training(group: argparse._ArgumentGroup) -> None:
    _add_number(group, "steps", "updates")
    _add_number(group, "batch_size", "sentence pairs a batch, over all processes")
    _add_number(group, "accumulate", "batches an update", default=1)
    _add_number(group, "learning_rate", "Adam's peak rate", RATE)
    _add_number(group, "beta2", "Adam's memory of squared gradients", SHARE, default=0.999)
    group.add_argument(
        "--schedule",
        choices=["constant", "cosine", "inverse_sqrt"],
        default="cosine",
        help="how the rate falls after the warm-up (default: cosine, to a twentieth)",
    )
    _add_number(group, "warmup_steps", "steps of the climb, at most half of all", FROM_ZERO, 50)
    _add_number(
        group,
        "label_smoothing",
        "share of the wanted mass spread over all tokens",
        SHARE,
        default=0.0,
    )
    group.add_argument(
        "--count-padding", action="store_true", help="let padding into the loss, as one should not"
    )
    _add_number(group, "evaluate_every", "steps between validations", default=200)
    _add_number(group, "checkpoint_every", "steps between checkpoints", default=200)
    group.add_argument(
        "--train-size", type=COUNT, metavar="N", help="use only so many training pairs"
    )


def _add_model(group: argparse._ArgumentGroup) -> None:
    _add_number(group, "d_embedding", "lstm, attention: features of an embedding")
    _add_number(group, "hidden_size", "lstm, attention: features of a state")
    _add_number(group, "d_model", "attention_only, transformer: features of a token")
    group.add_argument(
        "--positions",
        choices=SCHEMES,
        help="attention_only, transformer (default: none, sinusoidal)",
    )
    group.add_argument(
        "--num-heads", type=COUNT, metavar="N", help="attention_only, transformer (default: 1, 4)"
    )
    group.add_argument(
        "--norm-order",
        choices=get_args(NormOrder),
        help="transformer (default: pre; the paper: post)",
    )
    group.add_argument(
        "--d-ff", type=COUNT, metavar="N", help="transformer: inner features (default: 4 d_model)"
    )
    group.add_argument(
        "--activation",
        choices=[*get_args(Activation), "swiglu"],
        help="transformer (default: relu)",
    )
    group.add_argument(
        "--tie-embeddings",
        action="store_true",
        help="transformer: let one table embed the target and predict it",
    )
    group.add_argument(
        "--num-layers",
        type=COUNT,
        metavar="N",
        help="of encoder and decoder: lstm, attention, transformer (default: 1, 1, 3)",
    )
    _add_number(group, "dropout", "probability", SHARE)
    group.add_argument(
        "--one-direction", action="store_true", help="lstm, attention: let the encoder read forward"
    )
    _add_number(group, "d_attention", "attention: features to compare by", default=128)
    group.add_argument(
        "--look",
        choices=get_args(Look),
        default="before",
        help="attention: look back before the decoder's step or after it (default: before)",
    )
    group.add_argument(
        "--score", choices=get_args(Score), default="additive", help="attention (default: additive)"
    )
    group.add_argument(
        "--tokenizer", choices=sorted(TOKENIZERS), default="word", help="(default: word)"
    )
    _add_number(group, "min_count", "words: rarer ones are unknown")
    _add_number(group, "vocab_size", "byte pairs: ids on each side", default=6000)


def _add_number(
    group: argparse._ArgumentGroup,
    name: str,
    text: str,
    kind: Callable[[str], float] = COUNT,
    default: float | None = None,
) -> None:
    """An option whose default is given, or else differs by corpus and stays None until parsed."""
    by_corpus = [f"{preset.get(name)} on {data}" for data, preset in PRESETS.items()]
    by_corpus += [
        f"{own[name]} for a transformer on {d}" for d, own in TRANSFORMER.items() if name in own
    ]
    group.add_argument(
        f"--{name.replace('_', '-')}",
        type=kind,
        default=default,
        metavar="X" if kind in (RATE, SHARE) else "N",
        help=f"{text} (default: {', '.join(by_corpus) if default is None else default})",
    )
