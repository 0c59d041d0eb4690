"""What a cache of keys and values is worth to the book's translator: one model, two ways to write.

    python -m txlib.recipes.cached_decoding --record book/results/translation_grammar_cached.json

Both ways give the same sentences; the run says so. The scores are those of the trained translator
that comes with the book, its training speed is copied from its own record (chapter 8).
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor

from txlib.checks import check_kind, check_whole
from txlib.device import pick_device
from txlib.generation import EncoderDecoder
from txlib.recipes.argument_checks import check_text_pairs
from txlib.recipes.options import COUNT
from txlib.recipes.pretrained import load_pretrained
from txlib.recipes.records import load_record, new_record, portable_command, write_record
from txlib.recipes.translation_data import load_corpus
from txlib.recipes.translation_evaluation import bleu_signature, evaluate
from txlib.recipes.translator import Translator


class Rereading(EncoderDecoder):
    """A translator made to forget: to each new word it reads all words so far anew.

    It says what the translator says, to rounding, and does what decoding without a cache does.

    Args:
        model: any translator; it is shared, not copied.
    """

    def __init__(self, model: EncoderDecoder):
        check_kind("model", model, EncoderDecoder)
        super().__init__(model.config)
        self.model = model

    def encode(self, source: Tensor, source_mask: Tensor) -> tuple[Any, Tensor]:
        """The model's first state, and no words yet."""
        return self.model.encode(source, source_mask), source[:, :0]

    def advance(
        self, state: tuple[Any, Tensor], target_in: Tensor
    ) -> tuple[Tensor, tuple[Any, Tensor]]:
        """Write on: from the first state, through all words."""
        first, before = state
        words = torch.cat((before, target_in), dim=1)
        return self.model.decode(first, words)[:, before.shape[1] :], (first, words)

    def select(self, state: tuple[Any, Tensor], rows: Tensor) -> tuple[Any, Tensor]:
        """Other rows of both."""
        first, words = state
        return self.model.select(first, rows), words[rows]


def without_cache(translator: Translator) -> Translator:
    """The same translator, reading everything anew.

    Raises:
        ValueError: if it is none.
    """
    check_kind("translator", translator, Translator)
    return replace(translator, model=Rereading(translator.model))


def compare(
    translator: Translator, pairs: Sequence[tuple[str, str]], *, rounds: int
) -> dict[str, Any]:
    """Tokens a second with and without a cache, the two taking turns.

    Args:
        translator: trained.
        pairs: what is translated in each round, by both.
        rounds: how often; each way is given its median.

    Returns:
        `with`, `without` (tokens a second), `ratio`, and `same`, the share of equal translations.

    Raises:
        ValueError: if an argument is of another kind, or there is no pair or no round.
    """
    check_kind("translator", translator, Translator)
    check_text_pairs("pairs", pairs, least=1)
    check_whole("rounds", rounds, least=1)
    ways = {"with": translator, "without": without_cache(translator)}
    sources = [source for source, _ in pairs]
    written = {name: way.translate(sources) for name, way in ways.items()}
    speeds = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            scores = evaluate(way, pairs, edges=(1, 10_000))
            speeds[name].append(scores["decoding_tokens_per_second"])
    same = sum(a == b for a, b in zip(*written.values(), strict=True)) / len(sources)
    ratios = [a / b for a, b in zip(speeds["with"], speeds["without"], strict=True)]
    return {name: median(s) for name, s in speeds.items()} | {"ratio": median(ratios), "same": same}


def main(arguments: Sequence[str] | None = None) -> int:
    """Translate the test sentences, compare, and write the record."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m txlib.recipes.cached_decoding", description=__doc__
    )
    parser.add_argument("--record", type=Path, required=True, help="where the record goes")
    parser.add_argument("--sentences", type=COUNT, default=2000, help="to score")
    parser.add_argument("--compared", type=COUNT, default=256, help="to write both ways")
    parser.add_argument("--rounds", type=COUNT, default=3, help="of the comparison")
    args = parser.parse_args(arguments)
    device, corpus = pick_device(), load_corpus("grammar", train_size=1)
    translator = load_pretrained("grammar", device=device)
    trained = load_record("translation_grammar_transformer")["results"]
    (run,) = (r for r in trained["runs"] if r["seed"] == 0)
    pairs = corpus.splits["test"][: args.sentences]
    results = {
        "settings": trained["settings"],
        "bleu_signature": bleu_signature(),
        "decoding": "greedy, with a cache",
        "comparison": compare(translator, pairs[: args.compared], rounds=args.rounds),
        "runs": [
            {
                "seed": 0,
                "parameters": translator.num_parameters,
                "training_tokens_per_second": run["training_tokens_per_second"],
                "scores": {"test": evaluate(translator, pairs, edges=corpus.edges)},
            }
        ],
    }
    command = portable_command(["python", "-m", "txlib.recipes.cached_decoding", *arguments])
    write_record(args.record, new_record(command, device, seeds=[0], results=results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
