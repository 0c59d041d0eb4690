"""What the three roles of a word are worth: tie them in self-attention, train, and leave a record.

    python -m txlib.recipes.tied_roles --record book/results/tied_roles.json

The translator is the one without LSTMs (chapter 3). In its two self-attentions the projections of
query, key and value are three matrices, or share one; its look at the source keeps all three.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from txlib.checks import check_kind, check_one_of, check_whole, shown
from txlib.data.batching import BucketedBatches
from txlib.device import pick_device, seed_everything
from txlib.recipes.argument_checks import check_device
from txlib.recipes.options import COUNT, SEED
from txlib.recipes.records import new_record, portable_command, write_record
from txlib.recipes.translation_data import Corpus, load_corpus
from txlib.recipes.translation_evaluation import bleu_signature, evaluate
from txlib.recipes.translator import new_translator
from txlib.training import fit, warmup_cosine

SHARED = {  # variant: which projections give way to which
    "separate": {},
    "K = V": {"v_proj": "k_proj"},
    "Q = K": {"k_proj": "q_proj"},
    "Q = K = V": {"k_proj": "q_proj", "v_proj": "q_proj"},
}


def tie(attention: nn.Module, variant: str) -> None:
    """Let projections of one attention module share a matrix, in place.

    Args:
        attention: with `q_proj`, `k_proj` and `v_proj` of one shape.
        variant: a name in `SHARED`.

    Raises:
        ValueError: if there is no such variant, or no such projection.
    """
    check_one_of("variant", variant, SHARED)
    if not all(isinstance(getattr(attention, f"{p}_proj", None), nn.Module) for p in "qkv"):
        raise ValueError(f"attention must have q_proj, k_proj, v_proj, got {shown(attention)}")
    for name, owner in SHARED[variant].items():
        setattr(attention, name, getattr(attention, owner))


def train(
    corpus: Corpus, variant: str, seed: int, *, steps: int, d_model: int, device: torch.device
) -> dict[str, Any]:
    """One translator from one seed, and how well it translates the corpus's test pairs.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_kind("corpus", corpus, Corpus)
    check_one_of("variant", variant, SHARED)
    check_whole("steps", steps, least=1)
    check_device("device", device)
    seed_everything(seed)
    translator = new_translator("attention_only", corpus, {"d_model": d_model}, device=device)
    for look in (translator.model.encoder_look, translator.model.decoder_look):
        tie(look.attention, variant)
    batches = BucketedBatches(translator.encode_pairs(corpus.splits["train"]), 64, seed=seed)
    fit(
        translator.model,
        batches,
        steps=steps,
        learning_rate=3e-3,
        schedule=partial(
            warmup_cosine, warmup_steps=min(50, steps // 2), total_steps=steps, floor=1 / 20
        ),
    )
    return {
        "variant": variant,
        "seed": seed,
        "parameters": translator.num_parameters,
        "test": evaluate(translator, corpus.splits["test"], edges=corpus.edges),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all variants from all seeds, then write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="python -m txlib.recipes.tied_roles", description=__doc__)
    parser.add_argument("--record", type=Path, required=True, help="where the record goes")
    parser.add_argument("--steps", type=COUNT, default=1500, help="updates of each run")
    parser.add_argument("--d-model", type=COUNT, default=128, help="features of a token")
    parser.add_argument("--seeds", type=SEED, nargs="+", default=[0, 1, 2], help="one run each")
    args = parser.parse_args(arguments)
    device, corpus = pick_device(), load_corpus("grammar")
    sizes = {"steps": args.steps, "d_model": args.d_model}
    runs = [
        train(corpus, variant, seed, **sizes, device=device)
        for seed in args.seeds
        for variant in SHARED
    ]
    results = {"settings": sizes, "bleu_signature": bleu_signature(), "runs": runs}
    command = portable_command(["python", "-m", "txlib.recipes.tied_roles", *arguments])
    write_record(args.record, new_record(command, device, seeds=args.seeds, results=results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
