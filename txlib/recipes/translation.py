"""Train a translator, measure it, and leave a record.

Alone or, with the batches shared, in several processes::

    python -m txlib.recipes.translation --data grammar --model lstm --out runs/grammar_lstm
    torchrun --nproc-per-node 2 -m txlib.recipes.translation --data multi30k --out runs/multi30k
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from txlib.data.batching import BucketedBatches
from txlib.data.download import DataError
from txlib.data.grammar import generate
from txlib.device import pick_device, seed_everything
from txlib.recipes.records import new_record, write_record
from txlib.recipes.translation_alignment import alignment_scores, can_align
from txlib.recipes.translation_data import Corpus, load_corpus
from txlib.recipes.translation_evaluation import bleu_signature, evaluate, samples, table, thin
from txlib.recipes.translation_options import commands, model_options, parse
from txlib.recipes.translator import MODEL_FILE, Translator, load_translator, new_translator
from txlib.training import (
    History,
    distributed,
    fit,
    inverse_square_root,
    linear_warmup,
    mean_loss,
    translation_loss,
    warmup_cosine,
)

LAST_FILE = "last.safetensors"
NOT_SETTINGS = {"out", "record", "resume", "device", "seeds", "checkpoint_every"}


def train(
    args: argparse.Namespace, seed: int, corpus: Corpus, device: torch.device, folder: Path
) -> tuple[Translator, History]:
    """One run from one seed; `folder` then holds its best model and its last checkpoint."""
    seed_everything(seed)
    translator = new_translator(
        args.model,
        corpus,
        model_options(args),
        tokenizer=args.tokenizer,
        min_count=args.min_count,
        vocab_size=args.vocab_size,
        device=device,
    )
    encoded = {
        split: translator.encode_pairs(corpus.splits[split]) for split in ("train", "validation")
    }
    batches = BucketedBatches(
        encoded["train"],
        args.batch_size,
        seed=seed,
        rank=distributed.rank(),
        world_size=distributed.world_size(),
    )
    held_out = list(BucketedBatches(encoded["validation"], 256, shuffle=False).epoch(0))
    if distributed.rank() == 0:
        translator.save_tokenizers(folder)
    climb = min(args.warmup_steps, args.steps // 2)
    schedules = {
        "constant": partial(linear_warmup, warmup_steps=climb),
        "cosine": partial(warmup_cosine, warmup_steps=climb, total_steps=args.steps, floor=1 / 20),
        "inverse_sqrt": partial(inverse_square_root, warmup_steps=max(1, climb)),
    }
    history = fit(
        translator.model,
        batches,
        steps=args.steps,
        learning_rate=args.learning_rate,
        schedule=schedules[args.schedule],
        optimizer=torch.optim.Adam(
            translator.model.parameters(), betas=(0.9, args.beta2), fused=True
        ),
        loss=partial(
            translation_loss,
            label_smoothing=args.label_smoothing,
            ignore_padding=not args.count_padding,
        ),
        accumulate=args.accumulate,
        evaluate=lambda model: {"loss": mean_loss(model, held_out)},
        evaluate_every=args.evaluate_every,
        checkpoint=folder / LAST_FILE,
        checkpoint_every=args.checkpoint_every,
        best=folder / MODEL_FILE,
        resume=args.resume,
        details={
            "translator": translator.to_details(),
            "settings": settings(args),
            "seed": seed,
        },
    )
    return translator, history


def measure(
    seed: int, corpus: Corpus, device: torch.device, folder: Path, history: History
) -> dict[str, Any]:
    """What one run came to, by its best model: the part of the record that belongs to its seed."""
    translator = load_translator(folder, device=device)
    inside, beyond = corpus.splits["test"], corpus.splits.get("beyond")
    scores = {"test": evaluate(translator, inside, edges=corpus.edges)}
    if beyond:
        scores["beyond"] = evaluate(translator, beyond, edges=(31, 40))
    if corpus.name == "grammar" and can_align(translator):
        for split in scores:
            pairs = generate(split, min(500, len(corpus.splits[split])))
            scores[split]["alignment_error"] = alignment_scores(translator, pairs)
    return {
        "seed": seed,
        "parameters": translator.num_parameters,
        "vocabulary": {"source": len(translator.source), "target": len(translator.target)},
        "selected": history.best(),
        "training_tokens_per_second": history.throughput,
        "scores": scores,
        "samples": samples(translator, inside),
        "curve": thin(history),
        "evaluations": history.evaluations,
    }


def settings(args: argparse.Namespace) -> dict[str, Any]:
    """The options that decide the numbers: a resumed run must have been given the same."""
    return {name: value for name, value in vars(args).items() if name not in NOT_SETTINGS}


def run(args: argparse.Namespace, command: str) -> None:
    """All seeds, one after the other, then the record."""
    with distributed.process_group(pick_device(args.device)) as device:
        folders = {seed: args.out / f"seed-{seed}" for seed in args.seeds}
        begun = [str(f) for f in folders.values() if (f / LAST_FILE).exists()]
        if begun and not args.resume:
            raise ValueError(f"{begun[0]} holds a run: add --resume, or choose another --out")
        corpus, runs = load_corpus(args.data, train_size=args.train_size), []
        for seed, folder in folders.items():
            _, history = train(args, seed, corpus, device, folder)
            if distributed.rank() == 0:
                runs.append(measure(seed, corpus, device, folder, history))
            distributed.wait_for_all()
        if distributed.rank() == 0:
            report(args, command, corpus, device, runs)


def report(
    args: argparse.Namespace,
    command: str,
    corpus: Corpus,
    device: torch.device,
    runs: list[dict[str, Any]],
) -> None:
    """Write the record and print it for the eye."""
    results = {
        "settings": settings(args),
        "processes": distributed.world_size(),
        "corpus": {
            "name": corpus.name,
            "text": corpus.text,
            "pairs": {split: len(pairs) for split, pairs in corpus.splits.items()},
        },
        "bleu_signature": bleu_signature(),
        "decoding": "greedy",
        "selection": "the model of the lowest validation loss",
        "runs": runs,
    }
    record = new_record(command, device, seeds=args.seeds, results=results)
    paths = [args.out / "record.json", *([args.record] if args.record else [])]
    for path in paths:
        write_record(path, record)
    print(f"\n{table(runs)}\n")
    for sample in runs[-1]["samples"]:
        print("\n".join(f"{name:>11}  {text}" for name, text in sample.items()), end="\n\n")
    last = runs[-1]
    print(
        f"{last['parameters']:,} parameters, {last['training_tokens_per_second']:,.0f} tokens/s "
        f"in training, {last['scores']['test']['decoding_tokens_per_second']:,.0f} in decoding, "
        f"on {record['device']}"
    )
    print(f"record: {', '.join(map(str, paths))}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; 130 after Ctrl-C, 1 after an error that a reader can mend."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    args = parse(arguments)
    command, again = commands(arguments)
    try:
        run(args, command)
    except KeyboardInterrupt as stop:
        print(f"\n{stop or 'stopped'}\nto go on: {again}", file=sys.stderr)
        return 130
    except (ValueError, OSError, FloatingPointError, DataError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
