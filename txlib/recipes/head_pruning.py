"""Which heads a translator can spare: score them, silence them, remove them, and leave a record.

    python -m txlib.recipes.head_pruning --record book/results/head_pruning.json

The translator is the one without LSTMs, with positions and several heads in each of its three looks
(chapter 5). Nothing is trained again after heads are removed. Importance is measured on validation
pairs, BLEU on test pairs.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from txlib.checks import check_kind, check_whole
from txlib.data import grammar
from txlib.data.batching import BucketedBatches
from txlib.device import pick_device, seed_everything
from txlib.metrics import corpus_bleu
from txlib.metrics.head_importance import head_importance
from txlib.recipes.argument_checks import check_text_pairs, check_wholes
from txlib.recipes.head_roles import Head, check_heads, head_roles, look_modules, silenced
from txlib.recipes.options import COUNT, FROM_ZERO, RATE, SEED
from txlib.recipes.records import new_record, portable_command, write_record
from txlib.recipes.translation_data import Corpus, TextPair, load_corpus
from txlib.recipes.translation_evaluation import bleu_signature
from txlib.recipes.translator import Translator, new_translator
from txlib.training import fit, warmup_cosine


def bleu_without(translator: Translator, heads: Sequence[Head], pairs: Sequence[TextPair]) -> float:
    """BLEU, 0 to 100, of greedy translations with these heads silent.

    Raises:
        ValueError: if an argument is of another kind, there is no pair, or no such head.
    """
    check_kind("translator", translator, Translator)
    check_text_pairs("pairs", pairs, least=1)
    sources, references = zip(*pairs, strict=True)
    with silenced(translator, heads):
        return corpus_bleu(translator.translate(sources), references)


def removal(
    translator: Translator, order: Sequence[Head], counts: Sequence[int], pairs: Sequence[TextPair]
) -> list[float]:
    """BLEU after the first heads of `order` are gone, for each of `counts`.

    Raises:
        ValueError: as `bleu_without`; or if a count is no whole number from 0 on.
    """
    check_heads("order", order)
    check_wholes("counts", counts, least=0)
    return [bleu_without(translator, order[:count], pairs) for count in counts]


def importance(translator: Translator, pairs: Sequence[TextPair]) -> dict[Head, float]:
    """The importance of every head on these pairs.

    Raises:
        ValueError: if an argument is of another kind, or there is no pair.
    """
    check_kind("translator", translator, Translator)
    check_text_pairs("pairs", pairs, least=1)
    batches = BucketedBatches(translator.encode_pairs(pairs), 64, shuffle=False).epoch(0)
    device = next(translator.model.parameters()).device
    slopes = head_importance(translator.model, (batch.to(device) for batch in batches))
    return {
        (look, head): slope
        for look, names in look_modules(translator).items()
        for head, slope in enumerate(torch.cat([slopes[name] for name in names]).tolist())
    }


def start(
    corpus: Corpus, seed: int, *, d_model: int, num_heads: int, device: torch.device
) -> Translator:
    """A translator from one seed, not yet trained.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    seed_everything(seed)
    options = {"d_model": d_model, "num_heads": num_heads, "positions": "sinusoidal"}
    return new_translator("attention_only", corpus, options, device=device)


def train(
    translator: Translator, corpus: Corpus, seed: int, *, steps: int, learning_rate: float
) -> None:
    """Train it on the corpus, in place.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_kind("translator", translator, Translator)
    check_kind("corpus", corpus, Corpus)
    check_whole("steps", steps, least=1)
    fit(
        translator.model,
        BucketedBatches(translator.encode_pairs(corpus.splits["train"]), 64, seed=seed),
        steps=steps,
        learning_rate=learning_rate,
        schedule=partial(
            warmup_cosine, warmup_steps=min(200, steps // 4), total_steps=steps, floor=1 / 20
        ),
    )


def study(
    translator: Translator, corpus: Corpus, seed: int, *, sentences: int, step: int, orders: int
) -> dict[str, Any]:
    """What each head does, what it is worth, and how the translator fares without it.

    Raises:
        ValueError: if an argument is of another kind or out of range.
    """
    check_kind("translator", translator, Translator)
    check_kind("corpus", corpus, Corpus)
    check_whole("seed", seed)
    check_whole("sentences", sentences, least=1)
    check_whole("step", step, least=1)
    check_whole("orders", orders, least=0)
    held_out, test = (corpus.splits[split][:sentences] for split in ("validation", "test"))
    worth = importance(translator, held_out)
    heads = sorted(worth, key=worth.__getitem__)
    counts = sorted({*range(0, len(heads), step), len(heads)})
    draw = random.Random(seed)
    by_chance = [draw.sample(sorted(heads), len(heads)) for _ in range(orders)]
    full = bleu_without(translator, [], test)
    return {
        "seed": seed,
        "parameters": translator.num_parameters,
        "bleu": full,
        "heads": [
            {
                "look": look,
                "head": head,
                "importance": worth[look, head],
                "bleu_lost": full - bleu_without(translator, [(look, head)], test),
            }
            for look, head in sorted(heads)
        ],
        "roles": head_roles(translator, grammar.generate("test", sentences)),
        "removed": counts,
        "by_importance": removal(translator, heads, counts, test),
        "by_chance": [removal(translator, order, counts, test) for order in by_chance],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and study a translator from each seed, then write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m txlib.recipes.head_pruning", description=__doc__
    )
    parser.add_argument("--record", type=Path, required=True, help="where the record goes")
    parser.add_argument("--steps", type=COUNT, default=2000, help="updates of each run")
    parser.add_argument("--learning-rate", type=RATE, default=2e-3, help="Adam's peak rate")
    parser.add_argument("--d-model", type=COUNT, default=128, help="features of a token")
    parser.add_argument("--num-heads", type=COUNT, default=8, help="heads of each look")
    parser.add_argument("--sentences", type=COUNT, default=200, help="pairs to measure on")
    parser.add_argument("--step", type=COUNT, default=3, help="heads removed between two measures")
    parser.add_argument("--orders", type=FROM_ZERO, default=3, help="random orders of removal")
    parser.add_argument("--seeds", type=SEED, nargs="+", default=[0, 1, 2], help="one run each")
    args = parser.parse_args(arguments)
    device, corpus = pick_device(), load_corpus("grammar")
    sizes = {"d_model": args.d_model, "num_heads": args.num_heads}
    measures = {name: getattr(args, name) for name in ("sentences", "step", "orders")}
    training = {"steps": args.steps, "learning_rate": args.learning_rate}
    runs = []
    for seed in args.seeds:
        translator = start(corpus, seed, **sizes, device=device)
        untrained = head_roles(translator, grammar.generate("test", args.sentences))
        train(translator, corpus, seed, **training)
        runs.append(study(translator, corpus, seed, **measures) | {"untrained_roles": untrained})
    results = {
        "settings": training | sizes | measures,
        "bleu_signature": bleu_signature(),
        "runs": runs,
    }
    command = portable_command(["python", "-m", "txlib.recipes.head_pruning", *arguments])
    write_record(args.record, new_record(command, device, seeds=args.seeds, results=results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
