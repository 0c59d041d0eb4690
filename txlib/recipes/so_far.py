"""The translator so far: one row per chapter, from the records of its runs."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from txlib.checks import check_sequence, check_whole, shown
from txlib.recipes.argument_checks import check_fields
from txlib.recipes.records import load_record

CHAPTERS = {  # row: (chapter, record)
    "LSTM seq2seq": (1, "translation_grammar_lstm"),
    "with additive attention": (2, "translation_grammar_attention"),
    "with scaled dot products": (3, "translation_grammar_score_scaled_dot_longer"),
    "without its LSTMs": (3, "translation_grammar_attention_only"),
    "with positions": (4, "translation_grammar_positions"),
    "with eight heads": (5, "translation_grammar_heads"),
    "with residuals, norms and depth": (6, "translation_grammar_depth"),
    "whole, and trained longer": (7, "translation_grammar_transformer"),
    "with a cache of keys and values": (8, "translation_grammar_cached"),
}
LONG = 21  # words; a source sentence from here on counts as long
COLUMNS = (
    "chapter",
    "translator",
    "BLEU",
    "BLEU, long",
    "training, tokens/s",
    "decoding, tokens/s",
    "parameters",
    "steps",
)


@dataclass(frozen=True)
class TranslatorSoFar:
    """The table of the book's translator up to a chapter; a notebook shows it as Markdown.

    Quality is the median over seeds on the grammar's test split. "Long" is the mean of the bins
    from `LONG` words on, weighted by their sentences. Speeds are those of the record's device.

    Args:
        rows: one per chapter, in the order of `COLUMNS`.
        device: where the speeds were measured, one name per row.
    """

    rows: tuple[tuple[Any, ...], ...]
    device: tuple[str, ...]

    def _repr_markdown_(self) -> str:
        lines = [COLUMNS, ("---",) * len(COLUMNS), *self.rows]
        table = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
        return f"{table}\n\nSpeeds: {'; '.join(dict.fromkeys(self.device))}."


def translator_so_far(chapter: int) -> TranslatorSoFar:
    """The rows of chapters 1 to `chapter`.

    Raises:
        ValueError: if `chapter` is below 1.
    """
    check_whole("chapter", chapter, least=1)
    rows, devices = [], []
    for name, (number, record_name) in CHAPTERS.items():
        if number <= chapter:
            record = load_record(record_name)
            results = record["results"]
            steps = f"{results['settings']['steps']:,}"
            rows.append((number, name, *summarise(results["runs"]), steps))
            devices.append(record["device"])
    return TranslatorSoFar(tuple(rows), tuple(devices))


def summarise(runs: list[dict[str, Any]]) -> tuple[str, ...]:
    """Median BLEU, BLEU on long sentences, training and decoding speed, and parameters.

    Raises:
        ValueError: if `runs` are no runs of a record.
    """
    check_sequence("runs", runs, "runs")
    if not runs:
        raise ValueError(f"runs must hold at least one run, got {shown(runs)}")
    for run in runs:
        check_fields("runs", run, "scores", "training_tokens_per_second", "parameters")
    tests = [run["scores"]["test"] for run in runs]
    return (
        f"{median(test['bleu'] for test in tests):.1f}",
        f"{median(long_bleu(test['by_length']) for test in tests):.1f}",
        f"{median(run['training_tokens_per_second'] for run in runs):,.0f}",
        f"{median(test['decoding_tokens_per_second'] for test in tests):,.0f}",
        f"{runs[0]['parameters']:,}",
    )


def long_bleu(bins: list[dict[str, Any]]) -> float:
    """The bins' BLEU from `LONG` words on, weighted by their sentences.

    Raises:
        ValueError: if no bin of `bins` is long and holds a sentence.
    """
    check_sequence("bins", bins, "bins")
    for b in bins:
        check_fields("bins", b, "low", "bleu", "count")
    long = [b for b in bins if b["low"] >= LONG]
    if not any(b["count"] for b in long):
        raise ValueError(f"bins must hold sentences of {LONG} words, got {shown(bins)}")
    return sum(b["bleu"] * b["count"] for b in long) / sum(b["count"] for b in long)
