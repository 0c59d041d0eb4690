"""How well a translator translates, as numbers for a record and as a table for the eye."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import accumulate
from statistics import mean
from typing import Any

from txlib.checks import check_kind, check_sequence, check_whole
from txlib.data.words import split_words
from txlib.metrics import corpus_bleu, exact_match, score_by_length
from txlib.recipes.argument_checks import check_fields, check_text_pairs, check_wholes
from txlib.recipes.translation_data import TextPair
from txlib.recipes.translator import Translator
from txlib.training.history import History


def evaluate(
    translator: Translator, pairs: Sequence[TextPair], *, edges: Sequence[int]
) -> dict[str, Any]:
    """Translate the sources and compare with the references.

    Args:
        translator: decodes greedily.
        pairs: (source, reference), as written.
        edges: bins of source length in words, punctuation included, as `score_by_length` has them.

    Returns:
        `"count"`, `"bleu"` (0 to 100), `"exact_match"` (0 to 1), `"by_length"` (a list of bins),
        and `"decoding_tokens_per_second"`, the ends of sentences included.

    Raises:
        ValueError: if there is no pair, or an argument is of another kind.
    """
    check_kind("translator", translator, Translator)
    check_text_pairs("pairs", pairs, least=1)
    check_wholes("edges", edges)
    sources, references = zip(*pairs, strict=True)
    began = time.perf_counter()
    hypotheses = translator.translate(sources)
    seconds = time.perf_counter() - began
    tokens = sum(len(translator.target.encode(text)) + 1 for text in hypotheses)
    lengths = [len(split_words(source)) for source in sources]
    bins = score_by_length(hypotheses, references, lengths, edges)
    return {
        "count": len(pairs),
        "bleu": corpus_bleu(hypotheses, references),
        "exact_match": exact_match(hypotheses, references),
        "by_length": [asdict(score) for score in bins],
        "decoding_tokens_per_second": tokens / seconds,
    }


def samples(
    translator: Translator, pairs: Sequence[TextPair], count: int = 6
) -> list[dict[str, str]]:
    """A few translations beside their references, from the shortest source to the longest.

    Raises:
        ValueError: if an argument is of another kind, or `count` below 0.
    """
    check_kind("translator", translator, Translator)
    check_text_pairs("pairs", pairs)
    check_whole("count", count, least=0)
    ranked = sorted(pairs, key=lambda pair: (len(pair[0].split()), pair))
    last = len(ranked) - 1
    chosen = [ranked[i * last // max(1, count - 1)] for i in range(min(count, len(ranked)))]
    translations = translator.translate([source for source, _ in chosen])
    return [
        {"source": source, "reference": reference, "translation": translation}
        for (source, reference), translation in zip(chosen, translations, strict=True)
    ]


def thin(history: History, points: int = 100) -> dict[str, list[float]]:
    """The training curve in at most `points` points: the mean loss of each stretch of steps.

    Raises:
        ValueError: if `history` is none, or `points` below 1.
    """
    check_kind("history", history, History)
    check_whole("points", points, least=1)
    width = -(-len(history) // points) or 1
    stretches = [history.losses[i : i + width] for i in range(0, len(history), width)]
    return {
        "step": list(accumulate(map(len, stretches))),
        "loss": [mean(stretch) for stretch in stretches],
    }


def bleu_signature() -> str:
    """How BLEU was computed, in sacrebleu's own short form, to be quoted beside a score."""
    import sacrebleu

    metric = sacrebleu.BLEU()
    metric.corpus_score(["a"], [["a"]])  # the signature counts the references it has seen
    return str(metric.get_signature())


def table(runs: Sequence[dict[str, Any]]) -> str:
    """One line for each seed, split and bin of lengths.

    Raises:
        ValueError: if `runs` are no runs of a record.
    """
    check_sequence("runs", runs, "runs")
    for run in runs:
        check_fields("runs", run, "seed", "scores")
    lines = [f"{'seed':>4}  {'split':<8} {'words':>7} {'sentences':>9} {'BLEU':>6} {'exact':>7}"]
    for run in runs:
        for split, scores in run["scores"].items():
            rows = [("all", scores)]
            rows += [(f"{bin['low']}-{bin['high']}", bin) for bin in scores["by_length"]]
            lines += [
                f"{run['seed']:>4}  {split:<8} {words:>7} {row['count']:>9} "
                f"{row['bleu']:>6.1f} {row['exact_match']:>7.1%}"
                for words, row in rows
            ]
    return "\n".join(lines)
